"""One advisory lock per target serialises two commands on it; it is gone with the process that holds it."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import anyio

from boathook.errors import Conflict
from boathook.home import Home

PREFIX = "target-"

POLL_SECONDS = 0.05
"""How often a lock is tried again while somebody waits for it."""


@asynccontextmanager
async def target_lock(
    home: Home, scope: str, *, command: str | None = None, wait: timedelta | None = None
) -> AsyncIterator[None]:
    """Hold ``scope`` against other commands. ``command`` is how this one is named to those who find it held.

    Raises ``Conflict`` naming the holder when another living command, of this process or another, still holds it
    after ``wait`` (None: at once).
    """
    path = _path(home, scope)
    held = _try(path)
    with anyio.move_on_after(wait.total_seconds() if wait else 0):
        while held is None:
            await anyio.sleep(POLL_SECONDS)
            held = _try(path)
    if held is None:
        raise Conflict(f'"{scope}" is held by {_holder(path)}', hint="try again when it has ended")
    try:
        os.ftruncate(held, 0)
        os.pwrite(held, json.dumps({"pid": os.getpid(), "command": command}).encode(), 0)
        yield
    finally:
        _release(held, path)


def sweep_target_locks(home: Home) -> None:
    """Remove the lock files that the dead held: what is held by the living stays."""
    for path in home.locks.glob(f"{PREFIX}*.lock"):
        held = _try(path)
        if held is not None:
            _release(held, path)


def _path(home: Home, scope: str) -> Path:
    home.locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    return home.locks / f"{PREFIX}{hashlib.sha256(os.fsencode(scope)).hexdigest()[:32]}.lock"


def _try(path: Path) -> int | None:
    """The locked file, or None when somebody holds it."""
    while True:
        tried = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(tried, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed it between our open and our lock: then it locks nothing any more.
            if os.fstat(tried).st_nlink:
                return tried
        except BlockingIOError:
            os.close(tried)
            return None
        os.close(tried)


def _release(held: int, path: Path) -> None:
    path.unlink(missing_ok=True)
    # Unlocked by name: a child that was forked without exec would otherwise go on holding it.
    fcntl.flock(held, fcntl.LOCK_UN)
    os.close(held)


def _holder(path: Path) -> str:
    """Who holds it, as far as it says: the file is empty for a moment, and gone when it has just been released."""
    pid, command = None, None
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text())
        pid, command = content.get("pid"), content.get("command")
    if not isinstance(pid, int):
        return "another command"
    return f"process {pid} ({command or _command_line(pid)})"


def _command_line(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        return "another command"
    return " ".join(Path(word).name if number == 0 else word for number, word in enumerate(words) if word)
