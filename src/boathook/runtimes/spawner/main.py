"""The spawner's loop: requests from its owner, reports of forked children, ends of processes.

It ends with its owner, by the end of the socket's stream or by the parent-death signal, and everything it started
ends with it: the holders of its sandboxes see their pipe closed and kill what is left.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import warnings

from boathook.runtimes.spawner import entry, holder, minder, syscalls
from boathook.runtimes.spawner.stat import start_time
from boathook.runtimes.spawner.steps import Report, StepFailed, reason, records, step
from boathook.runtimes.spawner.wire import Inbox, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from boathook.runtimes.spawner.wire import Message

__all__ = ["main"]

_LOADED = warnings
"""Imported for what comes after ``setns``, when no file of the library can be seen."""

_CONTROL = 3
"""The descriptor on which the owner passes its end of the connection."""


class Launch:
    """A process that is being started: its report is read until every writer has closed it."""

    __slots__ = ("minder", "pid", "request", "sandbox", "start", "text")

    def __init__(self, *, request: int, sandbox: int) -> None:
        self.request = request
        self.sandbox = sandbox
        """The holder that is to end it when the spawner is gone; 0 for none of this spawner's."""
        self.text = b""
        self.minder = 0
        """The child that ends in place of the process, if that is the child of another."""
        self.pid = 0
        self.start = 0


class Spawner:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.inbox = Inbox()
        self.outgoing = bytearray()
        self.launches: dict[int, Launch] = {}
        """By the descriptor of their report."""
        self.running: set[int] = set()
        self.watches: dict[int, int] = {}
        """By a holder's pid: the pipe whose end it waits for."""
        self.minded: dict[int, int] = {}
        """Main processes whose parent is a minder, by that one's pid."""
        self.early: dict[int, tuple[int, int]] = {}
        """(status, start time) of children that ended before it was known what they were."""
        self.poll = select.poll()
        self.wakeup = -1
        self.own_processes = os.open("/proc/self/ns/pid", os.O_RDONLY)

    def run(self) -> None:
        self.wakeup, write = os.pipe()
        for descriptor in (self.wakeup, write):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self.poll.register(self.connection, select.POLLIN)
        self.poll.register(self.wakeup, select.POLLIN)
        while self._turn(dict(self.poll.poll())):
            wanted = select.POLLIN | (select.POLLOUT if self.outgoing else 0)
            self.poll.modify(self.connection, wanted)

    def _turn(self, ready: dict[int, int]) -> bool:
        """One round. Reports come before ends: what a child said is there when its end is seen."""
        for descriptor in [each for each in ready if each in self.launches]:
            self._read_report(descriptor)
        if self.wakeup in ready:
            os.read(self.wakeup, 4096)
            for descriptor in tuple(self.launches):
                if _readable(descriptor):
                    self._read_report(descriptor)
            self._reap()
        events = ready.get(self.connection.fileno(), 0)
        if events & select.POLLOUT:
            self._flush()
        if events & ~select.POLLOUT:
            return self._receive()
        return True

    def _receive(self) -> bool:
        try:
            if not self.inbox.receive(self.connection):
                return False
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        for message in self.inbox.messages():
            descriptors = self.inbox.take(message.get("descriptors", 0))
            try:
                self._handle(message, descriptors)
            except OSError as error:  # One request fails (no more processes or descriptors); the others go on.
                self._send({"id": message["id"], "failed": {"step": "start", "code": 0, "text": reason(error)}})
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _handle(self, message: Message, descriptors: list[int]) -> None:
        match message["do"]:
            case "sandbox":
                self._sandbox(message)
            case "main" | "exec":
                self._process(message, tuple(descriptors))
            case "socket":
                given = descriptors[0]
                self._launch(message, lambda report: entry.send_socket(message, given, report), {given})
            case "end":
                watch = self.watches.pop(message["pid"], None)
                if watch is not None:
                    os.close(watch)
            case unknown:
                raise ValueError(f"unknown request {unknown!r}")

    def _process(self, message: Message, stdio: tuple[int, ...]) -> None:
        if message["plain"]:
            start = minder.start_minded if message["do"] == "main" else minder.start_beside
            self._launch(message, lambda report: start(message, stdio, report), {*stdio})
        elif message["do"] == "main":
            self._launch(message, lambda report: entry.start_main(message, stdio, report), {*stdio})
        elif message["direct"]:
            self._exec_directly(message, stdio)
        else:
            self._launch(message, lambda report: entry.start_exec(message, stdio, report), {*stdio})

    def _exec_directly(self, message: Message, stdio: tuple[int, ...]) -> None:
        """Root may fork into another process namespace and come back, which saves the fork of a helper."""
        try:
            container = entry.open_process(message["container"], message["container_start"])
        except StepFailed as error:
            self._refuse(message, error)
            return
        try:
            with step("not-running"):
                syscalls.setns(container, syscalls.NEWPID)
            work = entry.exec_forked
            self._launch(message, lambda report: work(message, container, stdio, report), {container, *stdio})
        except StepFailed as error:
            self._refuse(message, error)
        finally:
            syscalls.setns(self.own_processes, syscalls.NEWPID)
            os.close(container)

    def _refuse(self, message: Message, error: StepFailed) -> None:
        self._send({"id": message["id"], "failed": {"step": error.step, "code": error.code, "text": error.text}})

    def _sandbox(self, message: Message) -> None:
        read, write = os.pipe()
        pid = self._launch(message, lambda report: holder.hold(message, read, report), {read})
        os.close(read)
        self.watches[pid] = write

    def _launch(self, message: Message, work: Callable[[Report], None], keep: set[int]) -> int:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            _as_child(work, Report(write), keep)
        os.close(write)
        launch = Launch(request=message["id"], sandbox=message.get("sandbox", 0) if message["do"] == "main" else 0)
        if message["do"] in ("sandbox", "socket") or message.get("direct"):
            launch.pid, launch.start = child, start_time(child)
        if message.get("plain") and message["do"] == "main":
            launch.minder = child
        self.launches[read] = launch
        self.poll.register(read, select.POLLIN)
        return child

    def _read_report(self, descriptor: int) -> None:
        launch = self.launches[descriptor]
        chunk = os.read(descriptor, 4096)
        launch.text += chunk
        if not launch.pid:
            for line in records(launch.text):
                self._learn_pid(launch, line.get("pid", 0), line.get("start", 0))
        if not chunk:
            self.poll.unregister(descriptor)
            os.close(descriptor)
            del self.launches[descriptor]
            self._finish(launch)
            if not self.launches:
                self.early.clear()

    def _learn_pid(self, launch: Launch, pid: int, start: int) -> None:
        if pid:
            launch.pid = pid
            launch.start = start or (self.early[pid][1] if pid in self.early else start_time(pid))

    def _finish(self, launch: Launch) -> None:
        """Everybody has closed the report: the process runs, or it does not and has said why."""
        lines = list(records(launch.text))
        failures = [line for line in lines if "step" in line]
        if not failures and not any(line.get("ready") for line in lines):
            failures = [{"step": "start", "code": 0, "text": "it was killed while it started"}]
        if failures:
            self._send({"id": launch.request, "failed": failures[0]})
            watch = self.watches.pop(launch.pid, None)
            if watch is not None:
                os.close(watch)
            return
        if launch.sandbox in self.watches:
            self._guard(launch)
        self._send({"id": launch.request, "pid": launch.pid, "start": launch.start})
        child = launch.minder or launch.pid
        if child in self.early:
            self._send({"exited": launch.pid, "status": self.early.pop(child)[0]})
            return
        self.running.add(child)
        if launch.minder:
            self.minded[child] = launch.pid

    def _guard(self, launch: Launch) -> None:
        """Let the holder know whom to end. When somebody killed the holder, the parent-death signal must do."""
        try:
            os.write(self.watches[launch.sandbox], f"{launch.pid} {launch.start}\n".encode())
        except BrokenPipeError:
            return

    def _reap(self) -> None:
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            pid, start = found.si_pid, start_time(found.si_pid)
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            if pid in self.running:
                self.running.remove(pid)
                self._send({"exited": self.minded.pop(pid, pid), "status": status})
            elif self.launches:
                self.early[pid] = (status, start)

    def _send(self, message: Message) -> None:
        self.outgoing += encode(message)
        self._flush()

    def _flush(self) -> None:
        try:
            while self.outgoing:
                sent = self.connection.send(self.outgoing)
                del self.outgoing[:sent]
        except BlockingIOError:
            return
        except ConnectionError:
            self.outgoing.clear()


def main(parent: int) -> None:
    """Run until the owner is gone. ``parent`` is its pid."""
    syscalls.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        return
    os.chdir("/")
    syscalls.machine()
    syscalls.adopt_orphans()
    syscalls.name_process("boathook-spawner")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.collect()
    gc.freeze()
    gc.disable()
    syscalls.close_except({_CONTROL})
    connection = socket.socket(fileno=_CONTROL)
    connection.setblocking(False)
    os.set_inheritable(_CONTROL, False)
    spawner = Spawner(connection)
    try:
        spawner.run()
    except BaseException as error:  # noqa: BLE001  the owner is told of the bug; there is nobody else
        connection.setblocking(True)
        connection.sendall(encode({"bug": _described(error)}))
    os._exit(0)  # The owner waits for the end of this process, and the interpreter has nothing to put in order.


def _described(error: BaseException) -> str:
    """What ``traceback`` would say, short, without the weight of that module in every fork."""
    places, at = [], error.__traceback__
    while at is not None:
        places.append(f"{os.path.basename(at.tb_frame.f_code.co_filename)}:{at.tb_lineno}")
        at = at.tb_next
    return f"{type(error).__name__}: {error} ({' '.join(places)})"


def _as_child(work: Callable[[Report], None], report: Report, keep: set[int]) -> None:
    """In the forked child: do the work and exit. Nothing may return into the spawner's loop."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        syscalls.close_except({report.descriptor, *keep})
        work(report)
        os._exit(0)
    except BaseException as error:  # noqa: BLE001  see above
        report.failed(error)
    os._exit(1)


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
