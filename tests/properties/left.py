"""What a run may have left behind on this machine, looked for without asking the code under test."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from boathook.home import Home

SBIN = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))


NUL, END = b"\0", b"\0\n"


def left_of(home: Home, *owners: int) -> list[str]:
    """One sentence for each thing that is left of what ran in this home, or was started by one of these processes."""
    return [
        *(f"owed: {what}" for what in owed(home)),
        *(f"process {pid}: {what}" for pid, what in processes_of(home, owners)),
        *(f"mount {where}" for where in mounts_of(home)),
        *(f"container directory {path.name}" for path in _entries(home.containers)),
        *(f"unfinished backup {path}" for path in _unfinished_backups(home)),
        *(f"socket {path.name}" for path in stale_sockets(home)),
        *(f"object {name} of process {pid}" for name, pid in orphans(home)),
    ]


def owed(home: Home) -> list[str]:
    """The debts that stand open or failed in the journal."""
    if not home.journal.exists():
        return []
    with closing(sqlite3.connect(home.journal)) as connection:
        return [
            f"{kind} of {scope} ({state}: {reason})"
            for kind, scope, state, reason in connection.execute(
                "SELECT kind, scope, state, reason FROM obligations WHERE state IN ('open', 'failed')"
            )
        ]


def orphans(home: Home) -> list[tuple[str, int]]:
    """Objects of the local cluster that a dead process still stands for."""
    if not home.objects.exists():
        return []
    with closing(sqlite3.connect(home.objects)) as connection:
        rows = connection.execute("SELECT kind || '/' || name, owner FROM objects WHERE owner <> ''").fetchall()
    owners = [(name, int(owner.split(":")[1])) for name, owner in rows]
    return [(name, pid) for name, pid in owners if not Path(f"/proc/{pid}").exists()]


def processes_of(home: Home, owners: tuple[int, ...]) -> Iterator[tuple[int, str]]:
    """Living processes that were started for this home: by their command line, environment, or what they have mounted.

    A container's own processes know nothing of the home, but their mount namespace is made of it. A spawner, and the
    holder of a sandbox, name their owner on their command line; bubblewrap names the container's directories.
    """
    marks = [str(home.path).encode() + end for end in (b"/", b"\0", b" ")]
    marks += [b"spawner.main import main; main(%d)" % owner for owner in owners]
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        told = END.join(_told(entry / name) for name in ("cmdline", "environ", "mountinfo"))
        if state not in "ZX" and any(mark in told for mark in marks):
            yield int(entry.name), f"{state} {told.partition(END)[0].replace(NUL, b' ').decode(errors='replace')}"


def _told(path: Path) -> bytes:
    """What cannot be read says nothing: a bubblewrap that was left behind shows its command line alone."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def mounts_of(home: Home) -> list[str]:
    """Mount points below the home in this process's own namespace."""
    points = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if Path(point).is_relative_to(home.path)]


def stale_sockets(home: Home) -> list[Path]:
    """Sockets of processes that are dead."""
    directory = home.socket("none").parent
    names = {name for _, name in _listening()}
    return [path for path in _entries(directory) if str(path) not in names]


def _listening() -> Iterator[tuple[str, str]]:
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        fields = line.split()
        if len(fields) == 8:
            yield fields[6], fields[7]


def _unfinished_backups(home: Home) -> Iterator[Path]:
    for path in home.backups.rglob("*"):
        relative = path.relative_to(home.backups)
        if (relative.parts[0].startswith(".") and len(relative.parts) > 1) or path.name.endswith(
            (".new", ".tmp", "-logs")
        ):
            yield relative


def _entries(directory: Path) -> list[Path]:
    return sorted(directory.iterdir()) if directory.is_dir() else []


def cannot_freeze() -> str:
    """Why no file system can be frozen here; empty when one can."""
    if os.geteuid() != 0:
        return "needs to be root"
    for tool in ("mkfs.ext4", "mount", "fsfreeze"):
        if shutil.which(tool, path=SBIN) is None:
            return f"{tool} is not installed"
    found = subprocess.run(["losetup", "-f"], env=os.environ | {"PATH": SBIN}, capture_output=True, check=False)
    return "" if found.returncode == 0 else "there are no loop devices"


def is_frozen(place: Path) -> bool:
    """Ask by thawing: that never waits, and it is refused where nothing is frozen. What was frozen is thawed then."""
    fsfreeze = shutil.which("fsfreeze", path=SBIN)
    assert fsfreeze is not None
    return subprocess.run([fsfreeze, "--unfreeze", place], capture_output=True, timeout=10, check=False).returncode == 0
