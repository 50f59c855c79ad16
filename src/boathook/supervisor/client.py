"""Asks an owner of containers to do something: the supervisor, which is started on demand, or a living command."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import anyio.to_thread
from anyio.abc import SocketStream

from boathook.errors import Conflict, PlaceError
from boathook.events import Listener
from boathook.home import Home
from boathook.model import JsonObject
from boathook.supervisor import sockets
from boathook.supervisor.sockets import owner_socket
from boathook.supervisor.wire import ACCEPTED, Lines, error_of, event_of

SOCKET = sockets.SUPERVISOR
LOCK = "supervisor.lock"
LOG = "supervisor.log"
START_LOCK = "supervisor-start.lock"
START_SECONDS = 30.0
"""How long a supervisor may take to start, or one that ends to make room for the next."""
RETRY_SECONDS = 0.05
CANCEL_SECONDS = 5.0


async def call(
    home: Home, operation: str, params: JsonObject, *, on_event: Listener, owner_pid: int | None = None
) -> JsonObject:
    """Have it done, tell ``on_event`` what happens, and return the result. Raises what the owner raised.

    ``owner_pid`` is the process that owns what is meant; None: the supervisor. A cancellation is passed on.
    """
    async with asking(home, operation, params, on_event=on_event, owner_pid=owner_pid) as answer:
        return await answer.result()


@dataclass(slots=True)
class Answer:
    """An operation under way."""

    lines: Lines
    on_event: Listener
    who: str

    async def result(self) -> JsonObject:
        """Until it is done. What it set going may be followed after that."""
        while (message := await self.lines.receive()) is not None:
            if "event" in message:
                self.on_event(event_of(message))
            elif "error" in message:
                raise error_of(message)
            else:
                result = message["result"]
                assert isinstance(result, dict)
                return result
        raise PlaceError(
            f"process {self.who} ended while it was doing this", hint="run boathook recover to settle what it left"
        )

    async def follow(self) -> None:
        """Tell what becomes of what the operation set going, until that is over or the owner ends."""
        while (message := await self.lines.receive()) is not None:
            if "event" in message:
                self.on_event(event_of(message))


@asynccontextmanager
async def asking(
    home: Home, operation: str, params: JsonObject, *, on_event: Listener, owner_pid: int | None = None
) -> AsyncIterator[Answer]:
    """Ask for an operation; leaving the block ends the conversation, not what was set going."""
    async with conversation(home, {"operation": operation, "params": params}, owner_pid=owner_pid) as lines:
        try:
            yield Answer(lines, on_event, str(owner_pid or supervisor_pid(home) or "(supervisor)"))
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(CANCEL_SECONDS, shield=True):
                await lines.say_if_heard({"cancel": True})
                # The owner ends what it had begun before it answers for the last time.
                while await lines.receive() is not None:
                    pass
            raise


@asynccontextmanager
async def conversation(home: Home, request: JsonObject, *, owner_pid: int | None = None) -> AsyncIterator[Lines]:
    """A request that was accepted. One that reaches a supervisor at its end is put to the next one."""
    if owner_pid is not None and owner_pid != supervisor_pid(home):
        stream, lines = await _ask_owner(home, owner_pid, request)
    else:
        stream, lines = await _ask_supervisor(home, request)
    async with stream:
        yield lines


async def _ask_owner(home: Home, pid: int, request: JsonObject) -> tuple[SocketStream, Lines]:
    try:
        stream = await sockets.connect(home.socket(owner_socket(pid)))
    except OSError as error:
        raise Conflict(f"process {pid} owns this and cannot be asked: {error.strerror}", hint="end it there") from error
    lines = await _accepted(stream, request)
    if lines is None:
        raise Conflict(f"process {pid} owns this and is ending", hint="try again when it has ended")
    return stream, lines


async def _ask_supervisor(home: Home, request: JsonObject) -> tuple[SocketStream, Lines]:
    """Ask the supervisor, starting it where none lives."""
    why = "it is ending"
    with anyio.move_on_after(START_SECONDS):
        while True:
            try:
                stream = await sockets.connect(home.socket(SOCKET))
            except OSError as error:
                why = error.strerror or str(error)
                if not await anyio.to_thread.run_sync(_start, home, abandon_on_cancel=True):
                    await anyio.sleep(RETRY_SECONDS)
                continue
            if (lines := await _accepted(stream, request)) is not None:
                return stream, lines
            await anyio.sleep(RETRY_SECONDS)
    who = supervisor_pid(home)
    raise PlaceError(
        f"the supervisor{'' if who is None else f' (process {who})'} cannot be reached: {why}",
        hint=f"it may still be stopping its pods; see also {home.path / LOG}",
    )


async def _accepted(stream: SocketStream, request: JsonObject) -> Lines | None:
    """None: the other side ends, and has not begun anything."""
    lines = Lines(stream)
    try:
        await lines.send(request)
        if await lines.receive() == ACCEPTED:
            return lines
    except anyio.BrokenResourceError:
        pass
    except BaseException:
        with anyio.CancelScope(shield=True):
            await stream.aclose()
        raise
    await stream.aclose()
    return None


def _start(home: Home) -> bool:
    """Start the supervisor and wait until it listens; False when one lives. Waits for others who are doing so."""
    home.locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home.locks / START_LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if supervisor_pid(home) is not None:
            return False
        ready, told = os.pipe()
        with (home.path / LOG).open("a") as log:
            os.chmod(log.fileno(), 0o600)
            process = subprocess.Popen(
                [sys.executable, "-m", "boathook.supervisor", str(told)],
                env=os.environ | {"BOATHOOK_HOME": str(home.path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(told,),
                start_new_session=True,
                cwd="/",
            )
        os.close(told)
        with os.fdopen(ready) as answer:
            word = answer.read() if select.select([ready], [], [], START_SECONDS)[0] else ""
    if not word:
        code = process.poll()
        raise PlaceError(
            "the supervisor could not be started" + (f" (exit code {code})" if code is not None else ""),
            hint=f"see the end of {home.path / LOG}",
        )
    # It is nobody's child to wait for: it outlives this command.
    process.returncode = 0
    return True


def supervisor_pid(home: Home) -> int | None:
    """The living supervisor; None when there is none."""
    try:
        with (home.locks / LOCK).open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                written = lock.read().strip()
                return int(written) if written.isdigit() else None
    except FileNotFoundError:
        return None
    return None
