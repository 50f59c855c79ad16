"""The processes of a container, as ``ps -ef`` has them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from boathook.runtimes.inside import ProcessRow
from boathook.runtimes.spawner import stat

_TICKS = os.sysconf("SC_CLK_TCK")


def rows(pids: Iterable[int]) -> tuple[ProcessRow, ...]:
    """One that has ended meanwhile is left out."""
    return tuple(row for pid in pids if (row := _row(pid)) is not None)


def _row(pid: int) -> ProcessRow | None:
    found = stat.fields(pid)
    if not found:
        return None
    try:
        uid = os.stat(f"/proc/{pid}").st_uid
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
    used = (int(found[11]) + int(found[12])) // _TICKS
    return ProcessRow(
        uid=uid,
        pid=pid,
        parent=int(found[1]),
        started=time.strftime("%H:%M", time.localtime(_booted() + int(found[19]) / _TICKS)),
        used=f"{used // 3600:02}:{used // 60 % 60:02}:{used % 60:02}",
        command=command or f"[{name}]",
    )


def _booted() -> int:
    for line in Path("/proc/stat").read_text(encoding="ascii").splitlines():
        if line.startswith("btime "):
            return int(line.split()[1])
    return 0
