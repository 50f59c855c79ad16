"""One writer at a time, over all processes; what a killed one left half done is removed by the next."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from boathook.images.removal import delete

UNFINISHED = "new-"
"""How everything is called that is not in its place yet."""


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


def _sweep(directory: Path) -> None:
    for entry in directory.glob(UNFINISHED + "*"):
        delete(entry)
