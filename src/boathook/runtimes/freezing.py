"""Lets everything in a container stand still, and go on again: by signals, which need no control group."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable

import anyio

from boathook.errors import PlaceError
from boathook.runtimes.processes import ProcessId
from boathook.runtimes.spawner import stat

_STANDS = "TtZX"
"""States of a process that does nothing (proc(5)): stopped, traced, ended."""
_LOOK_SECONDS = 0.001
_LONGEST_SECONDS = 5.0


def members(main: ProcessId) -> tuple[int, ...]:
    """All processes of the process namespace that ``main`` is the first of."""
    try:
        namespace = os.readlink(f"/proc/{main.pid}/ns/pid")
    except OSError:
        return ()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.readlink(f"/proc/{name}/ns/pid") == namespace:
                    found.append(int(name))
            except OSError:
                continue
    return tuple(sorted(found))


async def freeze(main: ProcessId) -> None:
    """Until all of them stand. What they start meanwhile is found by looking again.

    Raises ``PlaceError`` when one does not: it sleeps uninterruptibly. The others then go on.
    """
    with anyio.move_on_after(_LONGEST_SECONDS):
        while moving := _moving(members(main)):
            _send(moving, signal.SIGSTOP)
            await anyio.sleep(_LOOK_SECONDS)
        return
    thaw(main)
    raise PlaceError("the container could not be paused: a process in it sleeps uninterruptibly")


def thaw(main: ProcessId) -> None:
    _send(members(main), signal.SIGCONT)


def _moving(pids: Iterable[int]) -> list[int]:
    """Those that do not stand yet. What waits in vfork(2) for a child that stands does, although nothing stops it."""
    found = {pid: fields for pid in pids if (fields := stat.fields(pid))}
    parents = {int(fields[1]) for fields in found.values() if fields[0] in _STANDS}
    return [pid for pid, (state, *_) in found.items() if state not in _STANDS and not (state == "D" and pid in parents)]


def _send(pids: list[int] | tuple[int, ...], number: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
