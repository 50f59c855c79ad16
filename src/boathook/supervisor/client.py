"""Asks an owner of containers to do something: the supervisor, which is started on demand, or a living command."""

from __future__ import annotations

import fcntl
import os
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
from boathook.supervisor.wire import Lines, error_of, event_of

SOCKET = "supervisor.sock"
LOCK = "supervisor.lock"
START_LOCK = "supervisor-start.lock"
START_SECONDS = 30.0
ATTEMPTS = 3
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
    async with _connected(home, owner_pid) as stream:
        lines = Lines(stream)
        await lines.send({"operation": operation, "params": params})
        try:
            yield Answer(lines, on_event, str(owner_pid or supervisor_pid(home) or "(supervisor)"))
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(CANCEL_SECONDS, shield=True):
                await lines.send({"cancel": True})
                # The owner ends what it had begun before it answers for the last time.
                while await lines.receive() is not None:
                    pass
            raise


@asynccontextmanager
async def _connected(home: Home, owner_pid: int | None) -> AsyncIterator[SocketStream]:
    if owner_pid is not None and owner_pid != supervisor_pid(home):
        try:
            stream: SocketStream = await anyio.connect_unix(home.socket(f"owner-{owner_pid}.sock"))
        except OSError as error:
            raise Conflict(
                f"process {owner_pid} owns this and cannot be asked: {error.strerror}", hint="end it there"
            ) from error
    else:
        stream = await _supervisor(home)
    async with stream:
        yield stream


async def _supervisor(home: Home) -> SocketStream:
    """Connect to the supervisor, starting it where none lives."""
    for _ in range(ATTEMPTS):
        try:
            return await anyio.connect_unix(home.socket(SOCKET))
        except OSError:
            await anyio.to_thread.run_sync(_start, home, abandon_on_cancel=True)
    try:
        return await anyio.connect_unix(home.socket(SOCKET))
    except OSError as error:
        raise PlaceError(
            f"the supervisor cannot be reached: {error.strerror}", hint=f"see {home.path / 'supervisor.log'}"
        ) from error


def _start(home: Home) -> None:
    """Start the supervisor and wait until it listens. Somebody else may be doing so already: then wait for that."""
    home.locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home.locks / START_LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if supervisor_pid(home) is not None and home.socket(SOCKET).exists():
            return
        ready, told = os.pipe()
        with (home.path / "supervisor.log").open("a") as log:
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
            word = answer.read()
    if not word:
        code = process.wait(timeout=START_SECONDS)
        raise PlaceError(
            f"the supervisor could not be started (exit code {code})",
            hint=f"see the end of {home.path / 'supervisor.log'}",
        )
    # It is nobody's child to wait for: it outlives this command.
    process.returncode = 0


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
