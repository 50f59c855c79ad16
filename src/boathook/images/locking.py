"""One writer at a time, over all processes; what a killed one left half done is removed by the next.

Pulls take long and hold the writer's lock only to unpack: they share a lock of their own, by which whoever clears away
what no image needs sees that something is still on its way.
"""

from __future__ import annotations

import fcntl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from boathook.images.removal import delete

UNFINISHED = "new-"
"""How everything is called that is not in its place yet."""
PULLS = "pulls.lock"
POLL_SECONDS = 0.05


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Hold the directory's lock. What is unfinished in it is removed before and after."""
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _sweep(directory)
        try:
            yield
        finally:
            _sweep(directory)


@asynccontextmanager
async def pulling(directory: Path) -> AsyncIterator[None]:
    """While inside, nothing is cleared away. Waits for whoever is clearing."""
    import anyio

    with (directory / PULLS).open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                await anyio.sleep(POLL_SECONDS)
        yield


@contextmanager
def no_pulls(directory: Path) -> Iterator[bool]:
    """Whether nothing is being pulled, and nothing will be while inside."""
    with (directory / PULLS).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _sweep(directory: Path) -> None:
    for entry in directory.glob(UNFINISHED + "*"):
        delete(entry)
