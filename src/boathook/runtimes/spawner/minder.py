"""The minder of a container without namespaces: the parent of its main process, and the end of all that it leaves.

A process namespace ends all its processes with the first one. Here the minder does that: it adopts every orphan below
it, and knows what was started beside it by a variable in the environment.
"""

from __future__ import annotations

import os
import resource
import select
import signal

from boathook.runtimes.spawner import syscalls
from boathook.runtimes.spawner.entry import open_process
from boathook.runtimes.spawner.process import become
from boathook.runtimes.spawner.stat import fields, start_time
from boathook.runtimes.spawner.steps import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boathook.runtimes.spawner.wire import Message

MARK = "BOATHOOK_CONTAINER"
"""The variable by which the processes of a container are known."""

_PAUSE_SECONDS = 0.005
_LONGEST_SECONDS = 10.0
"""What sleeps uninterruptibly for so long is given up."""


def start_minded(request: Message, stdio: tuple[int, ...], report: Report) -> None:
    """Start the main process, wait for its end or that of the spawner, end the rest, and end as the process did."""
    syscalls.die_with_parent(signal.SIGTERM)
    os.setsid()
    syscalls.adopt_orphans()
    syscalls.name_process("boathook-minder")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
    child = os.fork()
    if child == 0:
        become(request["process"], stdio, None, report)
    report.pid(child, start_time(child))
    os.close(report.descriptor)
    for descriptor in stdio:
        os.close(descriptor)
    status = _until_ended(child)
    _end_all(f"{MARK}={request['mark']}".encode())
    _end_as(os.waitstatus_to_exitcode(status))


def start_beside(request: Message, stdio: tuple[int, ...], report: Report) -> None:
    """Become a further process of a container that runs."""
    os.close(open_process(request["container"], request["container_start"]))
    become(request["process"], stdio, None, report)


def _until_ended(child: int) -> int:
    while True:
        if signal.sigwait({signal.SIGTERM, signal.SIGCHLD}) == signal.SIGTERM:
            # The spawner is gone, and nobody will ask for this any more.
            os.kill(child, signal.SIGKILL)
        for pid, status in _reaped():
            if pid == child:
                return status


def _reaped() -> list[tuple[int, int]]:
    """All children that have ended, those that were adopted included."""
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found.append((pid, status))


def _end_all(mark: bytes) -> None:
    waited = 0.0
    while (left := _left(mark)) and waited < _LONGEST_SECONDS:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        select.select((), (), (), _PAUSE_SECONDS)
        waited += _PAUSE_SECONDS
        _reaped()


def _left(mark: bytes) -> list[int]:
    """Everything below this process, and everything with the mark."""
    parents = {pid: parent for pid in _pids() if (parent := _parent(pid))}
    below = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in below} - below:
        below |= more
    return [pid for pid in parents if pid != os.getpid() and (pid in below or _is_marked(pid, mark))]


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _parent(pid: int) -> int:
    """0 for what has ended, also when nobody has looked at its end yet."""
    found = fields(pid)
    return int(found[1]) if found and found[0] not in ("Z", "X") else 0


def _is_marked(pid: int, mark: bytes) -> bool:
    return mark in _read(f"/proc/{pid}/environ").split(b"\0")


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        text = b""
        while chunk := os.read(descriptor, 1 << 16):
            text += chunk
        return text
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _end_as(code: int) -> None:
    """So that the spawner sees how the main process ended. A signal leaves no core file of this one."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.kill(os.getpid(), -code)
    os._exit(max(code, 0))
