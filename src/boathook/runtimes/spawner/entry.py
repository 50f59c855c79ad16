"""Ways into a container: the forked children that build one with bubblewrap, or enter a running one.

bubblewrap builds the mount namespace and then waits before it would run a program. The child here takes that
namespace over and forks the main process itself, as the spawner's own child: so its exit status is the kernel's, not
a guess from 128 + n, and a program that cannot be executed is told apart from one that exits with 127.
"""

from __future__ import annotations

import os
import select
import signal
import socket

from boathook.runtimes.spawner import syscalls
from boathook.runtimes.spawner.process import become
from boathook.runtimes.spawner.stat import start_time
from boathook.runtimes.spawner.steps import Report, StepFailed, step
from boathook.runtimes.spawner.wire import ancillary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from boathook.runtimes.spawner.wire import Message

_POLL_SECONDS = 0.0002
_POLL_GROWTH = 1.1
_LONGEST_POLL_SECONDS = 0.002
"""Looking is not free: where many containers are built at once, each takes longer and is looked at less often."""
_BUILD_SECONDS = 30.0


def start_main(request: Message, stdio: tuple[int, ...], report: Report) -> None:
    """Build the container's mount namespace in its sandbox and fork its main process."""
    syscalls.die_with_parent(signal.SIGKILL)
    process = request["process"]
    _join(request["sandbox"], request["sandbox_start"], request["sandbox_namespaces"])
    if request["hostname"]:
        with step("set the host name"):
            syscalls.unshare(syscalls.NEWUTS)
            socket.sethostname(request["hostname"])
    with _Built(request["bubblewrap"]) as mounts:
        with step("enter the mount namespace"):
            syscalls.setns(mounts, syscalls.NEWNS)
        os.close(mounts)
        with step("make a process namespace"):
            syscalls.unshare(syscalls.NEWPID)
        child = syscalls.fork_for_parent()
        if child == 0:
            become(process, stdio, None, report)
    report.pid(child)


def start_exec(request: Message, stdio: tuple[int, ...], report: Report) -> None:
    """Enter a running container and fork a process in it."""
    syscalls.die_with_parent(signal.SIGKILL)
    nested = None
    container = open_process(request["container"], request["container_start"])
    if request["sandbox_namespaces"] & syscalls.NEWUSER:
        if request["process"]["nested"]:
            nested = os.open(f"/proc/{request['container']}/ns/user", os.O_RDONLY)
        _join(request["sandbox"], request["sandbox_start"], syscalls.NEWUSER)
    with step("enter the container"):
        syscalls.setns(container, request["container_namespaces"])
    child = syscalls.fork_for_parent()
    if child == 0:
        become(request["process"], stdio, nested, report)
    report.pid(child)


def exec_forked(request: Message, container: int, stdio: tuple[int, ...], report: Report) -> None:
    """In a child that was forked into the container's process namespace: join the others and become the process."""
    with step("enter the container"):
        syscalls.setns(container, request["container_namespaces"] & ~syscalls.NEWPID)
    become(request["process"], stdio, None, report)


def send_socket(request: Message, connection: int, report: Report) -> None:
    """Make a TCP socket in the sandbox's network and give it to the owner, whose end of ``connection`` waits for it.

    A socket belongs to the network that it was made in, whoever connects it.
    """
    syscalls.die_with_parent(signal.SIGKILL)
    _join(request["sandbox"], request["sandbox_start"], request["sandbox_namespaces"])
    with step("make a socket"):
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        socket.socket(fileno=connection).sendmsg([b"s"], ancillary((made.fileno(),)))
    report.ready()


def open_process(pid: int, start: int) -> int:
    """A descriptor of the process, or a failure when it has ended (its pid may be another's by now)."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError as error:
        raise StepFailed("not-running", error.errno or 0, "the container has ended") from error
    if start_time(pid) != start:
        raise StepFailed("not-running", 0, "the container has ended")
    return descriptor


def _join(pid: int, start: int, namespaces: int) -> None:
    descriptor = open_process(pid, start)
    with step("enter the sandbox"):
        syscalls.setns(descriptor, namespaces)
    os.close(descriptor)


class _Built:
    """Inside the block: a descriptor of the mount namespace that bubblewrap has built. Ended on the way out.

    bubblewrap is two processes. Should ours be killed, however early, the inner one is to end by itself: it reads the
    end of ``block`` and fails to run ``/``, and the outer one ends with it. So neither has a parent-death signal: an
    outer one that dies first, of that or of a closed pipe, leaves the inner one waiting for its word for ever
    (bubblewrap.c, child_wait_fd). Hence both keep the reading ends of the pipes that the outer one writes to.
    """

    def __init__(self, command: list[str]) -> None:
        self._command = command

    def __enter__(self) -> int:
        self._status, status = os.pipe()
        self._block, self._unblock = os.pipe()
        self._errors, errors = os.pipe()
        fixed = ["--json-status-fd", str(status), "--block-fd", str(self._block)]
        for descriptor in (status, self._block, self._status, self._errors):
            os.set_inheritable(descriptor, True)
        program = self._command[0]
        with step("start bubblewrap"):
            self._pid = os.posix_spawn(
                program,
                [program, *fixed, *self._command[1:], "--", "/"],
                {},
                file_actions=[(os.POSIX_SPAWN_DUP2, errors, 2)],
            )
        os.close(status)
        os.close(errors)
        try:
            return _mount_namespace(self._status, self._block, self._errors)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *exc: object) -> None:
        for descriptor in (self._unblock, self._status, self._block, self._errors):
            os.close(descriptor)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _mount_namespace(status: int, block: int, errors: int) -> int:
    waits = [str(syscalls.READ[os.uname().machine]), hex(block)]
    child, text = 0, b""
    pause, waited = _POLL_SECONDS, 0.0
    while waited < _BUILD_SECONDS:
        if select.select([status], [], [], pause)[0]:
            chunk = os.read(status, 4096)
            if not chunk:
                raise StepFailed("prepare the root file system", 0, _said(errors))
            text += chunk
            if b"\n" in text and not child:
                child = _child_pid(text)
        elif child:
            # The monitor keeps the pipe open, so the only sign of a finished child is the call that it sleeps in.
            with open(f"/proc/{child}/syscall") as calls:
                if calls.read().split()[:2] == waits:
                    return os.open(f"/proc/{child}/ns/mnt", os.O_RDONLY)
            waited += pause
            pause = min(pause * _POLL_GROWTH, _LONGEST_POLL_SECONDS)
        else:
            waited += pause
    raise StepFailed("prepare the root file system", 0, "bubblewrap did not finish")


def _child_pid(status: bytes) -> int:
    """From bubblewrap's first line, ``{ "child-pid": 123, ...``."""
    return int(status.split(b'"child-pid":', 1)[1].split(b",", 1)[0].strip(b" }\n"))


def _said(errors: int) -> str:
    lines = os.read(errors, 4096).decode(errors="replace").strip().splitlines()
    text = lines[-1].removeprefix("bwrap: ") if lines else "bubblewrap ended without a word"
    return text.replace("/oldroot/", "/").replace("/newroot/", "/")
