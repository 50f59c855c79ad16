"""Which process is meant: a pid with its start time and the boot it lives in, so that a pid used again deceives nobody."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """A process of this machine, now or long ago."""

    pid: int
    start: int
    """Clock ticks since boot, field 22 of /proc/PID/stat."""
    boot: str

    @property
    def alive(self) -> bool:
        """It runs. A zombie does not, nor does anything from before the last boot."""
        fields = _stat(self.pid)
        return bool(fields) and self.boot == boot_id() and int(fields[19]) == self.start and fields[0] not in "ZX"

    def open(self) -> int:
        """A pidfd of it. Raises ``ProcessLookupError`` when it has ended."""
        descriptor = os.pidfd_open(self.pid)
        if self.alive:
            return descriptor
        os.close(descriptor)
        raise ProcessLookupError(self.pid)

    def send(self, number: int) -> None:
        """Send a signal to it and to no other process. Raises ``ProcessLookupError`` when it has ended."""
        descriptor = self.open()
        try:
            signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


@cache
def boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def this_process() -> ProcessId:
    return process_id(os.getpid())


def process_id(pid: int, start: int | None = None) -> ProcessId:
    return ProcessId(pid=pid, start=start_time(pid) if start is None else start, boot=boot_id())


def start_time(pid: int) -> int:
    """When the process started, in ticks since boot; 0 when there is none. A zombie has one too."""
    fields = _stat(pid)
    return int(fields[19]) if fields else 0


def in_session(session: int) -> tuple[int, ...]:
    """All processes that have this session or process group and are no zombies."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            fields = _stat(int(name))
            if fields and session in (int(fields[2]), int(fields[3])) and fields[0] not in "ZX":
                found.append(int(name))
    return tuple(found)


def sleeps_uninterruptibly(pid: int) -> bool:
    """True where no signal can end it for now, e.g. while it writes to a frozen file system."""
    return _stat(pid)[:1] == ["D"]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on (the state); empty when there is no such process."""
    try:
        descriptor = os.open(f"/proc/{pid}/stat", os.O_RDONLY)
    except OSError:
        return []
    try:
        text = os.read(descriptor, 4096)
    except OSError:
        return []
    finally:
        os.close(descriptor)
    return text[text.rindex(b")") + 2 :].decode("ascii").split()
