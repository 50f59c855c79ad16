"""Which process is meant: a pid with its start time and its boot, so that a pid used again deceives nobody."""

from __future__ import annotations

import os
import re
import secrets
import signal
from dataclasses import dataclass
from functools import cache

import anyio

from boathook.runtimes.spawner import stat

FRESH = ".new-"
"""Begins the name of a directory that is still being made: ``.new-PID-START-RANDOM``."""


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
        found = stat.fields(self.pid)
        return bool(found) and self.boot == boot_id() and int(found[19]) == self.start and found[0] not in "ZX"

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


def fresh_name(prefix: str = FRESH) -> str:
    """For a directory that is this process's alone: it tells whose it is, should that process die meanwhile."""
    owner = this_process()
    return f"{prefix}{owner.pid}-{owner.start}-{secrets.token_hex(6)}"


def maker(name: str, prefix: str = FRESH) -> ProcessId | None:
    """Whose directory it is, by a name that :func:`fresh_name` has given; None: nobody's."""
    found = re.fullmatch(rf"{re.escape(prefix)}([0-9]+)-([0-9]+)-[0-9a-f]+", name)
    return None if found is None else process_id(int(found[1]), int(found[2]))


def process_id(pid: int, start: int | None = None) -> ProcessId:
    return ProcessId(pid=pid, start=stat.start_time(pid) if start is None else start, boot=boot_id())


def in_session(session: int) -> tuple[int, ...]:
    """All processes that have this session or process group and are no zombies."""
    members = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            found = stat.fields(int(name))
            if found and session in (int(found[2]), int(found[3])) and found[0] not in "ZX":
                members.append(int(name))
    return tuple(members)


def sleeps_uninterruptibly(pid: int) -> bool:
    """True where no signal can end it for now, e.g. while it writes to a frozen file system."""
    return stat.fields(pid)[:1] == ["D"]


async def until_ended(process: ProcessId) -> None:
    """Wait for any process of the machine, whoever its parent is."""
    try:
        descriptor = process.open()
    except ProcessLookupError:
        return
    try:
        await anyio.wait_readable(descriptor)
    finally:
        os.close(descriptor)
