"""This terminal, while a program in a container has it: raw, and its size passed on."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boathook.runtimes.base import HasTerminal


@contextmanager
def raw_terminal(*, raw: bool = True) -> Iterator[None]:
    """Each key goes to the program as it is pressed, Ctrl-C included. Enter it before the program starts.

    What is typed before would be echoed here, and changed.
    """
    if not raw:
        yield
        return
    import termios
    import tty

    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    tty.setraw(stdin, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)


@asynccontextmanager
async def passing_size(streams: HasTerminal, *, passing: bool = True) -> AsyncIterator[None]:
    """The program's terminal has this one's size, now and when it changes. Enter it when the program runs."""
    if not passing:
        yield
        return
    import anyio

    async def pass_on() -> None:
        with anyio.open_signal_receiver(signal.SIGWINCH) as changes:
            await _resize(streams)
            async for _ in changes:
                await _resize(streams)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pass_on)
        yield
        tasks.cancel_scope.cancel()


async def _resize(streams: HasTerminal) -> None:
    size = shutil.get_terminal_size()
    await streams.resize(size.lines, size.columns)
