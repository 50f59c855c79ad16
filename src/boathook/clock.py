"""Wall time for records, and the event loop whose time is virtual.

Engine code waits with anyio, which reads the loop's clock. Under :class:`VirtualLoop` that clock jumps to the next
timer instead of waiting, so a simulated lifecycle costs no time. Only wall-clock reads go through :class:`Clock`.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

VIRTUAL_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Wall time at which every simulation begins, so that its records are the same each time."""


class Clock(Protocol):
    """Where records take their wall time from."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class LoopClock:
    """A clock for simulations: the running loop's time, counted from a fixed epoch."""

    def now(self) -> datetime:
        return VIRTUAL_EPOCH + timedelta(seconds=asyncio.get_running_loop().time())


class Deadlock(RuntimeError):
    """A simulation waits for something that no timer will bring: real I/O, or an event nobody sets."""


class _JumpingSelector(selectors.SelectSelector):
    """Adds the wait to the loop's time instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Deadlock("the simulation waits for something that no timer will bring")
        self.time += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that jumps to its next timer. It tolerates no real I/O and no threads."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.time


def run_virtual(function: Callable[..., Awaitable[T]], *args: Any) -> T:
    """Run a coroutine function under a fresh virtual loop and return its result.

    Raises :class:`Deadlock` when it waits for something that only the real world could bring.
    """
    import anyio

    with collecting_rarely():
        return anyio.run(function, *args, backend_options={"loop_factory": VirtualLoop})


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Look for garbage less often inside the block, which makes many objects that all stay: it took a third of it."""
    before = gc.get_threshold()
    gc.set_threshold(20_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
