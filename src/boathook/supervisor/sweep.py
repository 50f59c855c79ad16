"""Removes the sockets that killed owners and supervisors left behind: nobody will ever answer on them."""

from __future__ import annotations

import fcntl
from contextlib import suppress
from pathlib import Path

from boathook.home import Home
from boathook.supervisor import sockets
from boathook.supervisor.client import SOCKET, START_LOCK, supervisor_pid


def sweep_sockets(home: Home) -> None:
    """What a living process listens on is not touched, nor what one that is starting is about to."""
    directory = home.socket(SOCKET).parent
    for path in directory.glob("owner-*.sock"):
        if not _lives(path):
            sockets.remove(path)
    if home.socket(SOCKET).exists():
        # Whoever starts a supervisor holds this lock until it listens.
        with (home.locks / START_LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if supervisor_pid(home) is None:
                sockets.remove(home.socket(SOCKET))
    with suppress(OSError):
        directory.rmdir()


def _lives(path: Path) -> bool:
    pid = path.stem.removeprefix("owner-")
    return Path(f"/proc/{pid}").exists()
