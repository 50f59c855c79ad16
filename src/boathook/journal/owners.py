"""Who owes: a process is known by pid, start time and boot, and is alive while it holds its lock file."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from boathook.errors import JournalError
from boathook.home import Home
from boathook.journal.obligations import Owner

PREFIX = "owner-"


@contextmanager
def owning(home: Home) -> Iterator[Owner]:
    """Be an owner inside the block: the lock file is held until the block is left or the process dies."""
    home.locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home.locks / f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}.lock"
    try:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"cannot make a lock file: {error}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        start = start_time(os.getpid())
        yield Owner(pid=os.getpid(), start_time=start or 0, boot_id=boot_id(), lock=str(path))
    finally:
        path.unlink(missing_ok=True)
        # Unlocked by name: a child that was forked without exec would otherwise go on holding it.
        fcntl.flock(held, fcntl.LOCK_UN)
        os.close(held)


def is_alive(owner: Owner) -> bool:
    """True while the very same process still holds its lock file."""
    if owner.boot_id != boot_id() or start_time(owner.pid) != owner.start_time:
        return False
    return is_held(Path(owner.lock))


def is_held(path: Path) -> bool:
    """True when some process holds the lock file."""
    try:
        probe = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        # Another user's file: it exists, and only its owner removes it.
        return True
    try:
        fcntl.flock(probe, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(probe)
    return False


def sweep_owner_locks(home: Home) -> None:
    """Remove the lock files of owners that are dead."""
    for path in home.locks.glob(f"{PREFIX}*.lock"):
        pid = path.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdigit() and start_time(int(pid)) is None and not is_held(path):
            path.unlink(missing_ok=True)


def start_time(pid: int) -> int | None:
    """Clock ticks since boot at which the process started; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may hold spaces and parentheses itself (proc(5)): fields count from the last one.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


@cache
def boot_id() -> str:
    """What the kernel calls this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
