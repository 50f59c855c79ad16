"""The owner's side of its spawner: requests with their replies, and the ends of the processes that it started.

Everything runs in the owner's event loop, by readiness callbacks: no thread, no task that could be cancelled halfway.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio

import boathook
from boathook.errors import PlaceError
from boathook.runtimes.processes import ProcessId, process_id
from boathook.runtimes.spawner.wire import Inbox, ancillary, encode

_PROGRAM = "import sys; sys.path.append({path!r}); from boathook.runtimes.spawner.main import main; main({parent})"


class SpawnFailed(Exception):
    """A process was not started. ``step`` says at what, ``text`` why, in the system's words."""

    def __init__(self, step: str, code: int, text: str) -> None:
        super().__init__(f"{step}: {text}")
        self.step = step
        self.code = code
        self.text = text


class SpawnedProcess:
    """A process that the spawner is the parent of."""

    def __init__(self, on_end: Callable[[], None] | None) -> None:
        self.id = ProcessId(pid=0, start=0, boot="")
        self.status: int | None = None
        """Negative for a signal; None while it runs, and for good when the spawner ended before it."""
        self.ended = anyio.Event()
        self._on_end = on_end

    def end(self, status: int | None) -> None:
        self.status = status
        self.ended.set()
        if self._on_end is not None:
            self._on_end()


class _Pending:
    def __init__(self, on_end: Callable[[], None] | None) -> None:
        self.process = SpawnedProcess(on_end)
        self.answered = anyio.Event()
        self.failure: SpawnFailed | PlaceError | None = None


class SpawnerClient:
    """Start it with ``open``, in the thread of the event loop: the spawner ends with the thread that started it."""

    def __init__(self) -> None:
        self._pid = 0
        self._socket: socket.socket | None = None
        self._inbox = Inbox()
        self._numbers = itertools.count(1)
        self._pending: dict[int, _Pending] = {}
        self._processes: dict[int, SpawnedProcess] = {}
        self._sending = anyio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            try:
                self._pid = _start(theirs.fileno())
            except PlaceError:
                ours.close()
                raise
        ours.setblocking(False)
        self._socket = ours
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(ours.fileno(), self._readable)

    async def close(self) -> None:
        """End the spawner, and with it everything that it started."""
        if self._socket is None:
            return
        pidfd = os.pidfd_open(self._pid)
        self._disconnect()
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(5) as patience:
                await anyio.wait_readable(pidfd)
            if patience.cancelled_caught:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                await anyio.wait_readable(pidfd)
        os.close(pidfd)
        os.waitpid(self._pid, os.WNOHANG)  # noqa: ASYNC222  it has ended

    async def request(
        self, message: dict[str, Any], descriptors: Sequence[int] = (), *, on_end: Callable[[], None] | None = None
    ) -> SpawnedProcess:
        """Have a process started. Raises :class:`SpawnFailed`.

        ``on_end`` is called in the loop when it has ended, which may be before this returns. A cancelled request is
        still waited for, since its process could not be found again.
        """
        pending = _Pending(on_end)
        number = next(self._numbers)
        self._pending[number] = pending
        with anyio.CancelScope(shield=True):
            await self._send({**message, "id": number, "descriptors": len(descriptors)}, descriptors)
            await pending.answered.wait()
        if pending.failure is not None:
            raise pending.failure
        return pending.process

    async def end_sandbox(self, holder: SpawnedProcess) -> None:
        """Let the holder go, which ends what is left in the sandbox."""
        if holder.ended.is_set():
            return
        with anyio.CancelScope(shield=True):
            await self._send({"do": "end", "pid": holder.id.pid}, ())
            await holder.ended.wait()

    async def _send(self, message: dict[str, Any], descriptors: Sequence[int]) -> None:
        text = memoryview(encode(message))
        async with self._sending:
            while text:
                if self._socket is None:
                    raise PlaceError("the spawner cannot be reached: it has ended")
                try:
                    sent = self._socket.sendmsg([text], ancillary(descriptors))
                except BlockingIOError:
                    await anyio.wait_writable(self._socket)
                    continue
                except ConnectionError as error:
                    raise PlaceError("the spawner cannot be reached: it has ended") from error
                text, descriptors = text[sent:], ()

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            more = self._inbox.receive(self._socket)
        except BlockingIOError:
            return
        except ConnectionError:
            more = False
        for message in self._inbox.messages():
            self._hear(message)
        if not more:
            self._disconnect()

    def _hear(self, message: dict[str, Any]) -> None:
        if "exited" in message:
            process = self._processes.pop(message["exited"], None)
            if process is not None:
                process.end(message["status"])
        elif "bug" in message:
            self._fail_all(f"the spawner failed unexpectedly: {message['bug']}")
        else:
            self._answer(self._pending.pop(message["id"]), message)

    def _answer(self, pending: _Pending, message: dict[str, Any]) -> None:
        if "failed" in message:
            failed = message["failed"]
            pending.failure = SpawnFailed(failed["step"], failed["code"], failed["text"])
        else:
            pending.process.id = process_id(message["pid"], message["start"])
            self._processes[message["pid"]] = pending.process
        pending.answered.set()

    def _disconnect(self) -> None:
        if self._socket is None or self._loop is None:
            return
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
        self._socket = None
        self._fail_all("the spawner has ended")

    def _fail_all(self, why: str) -> None:
        for pending in self._pending.values():
            pending.failure = PlaceError(why)
            pending.answered.set()
        self._pending.clear()
        for process in tuple(self._processes.values()):
            process.end(None)
        self._processes.clear()


def _start(control: int) -> int:
    """The new process has three /dev/null and the connection, and a session of its own: Ctrl-C does not reach it."""
    path = str(Path(boathook.__file__).parent.parent)
    program = _PROGRAM.format(path=path, parent=os.getpid())
    actions: list[Any] = [(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0) for descriptor in range(3)]
    spare = os.dup(control) if control == 3 else None
    actions.append((os.POSIX_SPAWN_DUP2, control if spare is None else spare, 3))
    try:
        return os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", "-c", program],
            {"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath)},
            file_actions=actions,
            setsigmask=(),
            setsid=True,
        )
    except OSError as error:
        raise PlaceError(f"the spawner could not be started: {error.strerror}") from error
    finally:
        if spare is not None:
            with contextlib.suppress(OSError):
                os.close(spare)
