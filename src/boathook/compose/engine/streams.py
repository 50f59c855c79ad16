"""What flows to and from a container of an engine: its log, its terminal, and what happens to it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio

from boathook.clock import SystemClock
from boathook.compose import model
from boathook.compose.engine.acts import settled
from boathook.compose.place import PlaceEvent
from boathook.errors import BoathookError, Conflict, NotFound, NotRunning
from boathook.model import Stream
from boathook.runtimes.base import ContainerId, ExecSpec, Exit, LogLine, OutputSink
from boathook.runtimes.docker.engine import Engine, Refused, lines_of
from boathook.runtimes.docker.input import StreamInput
from boathook.runtimes.docker.logs import log_lines, terminal_lines
from boathook.runtimes.docker.specification import exec_body
from boathook.runtimes.docker.state import exit_of_code

_STDERR = 2
_NOT_STARTED = ("created", "configured", "initialized")
"""What Docker and Podman call a container that has never run."""
_WORDS = {"died": "die", "remove": "destroy"}
"""Podman's, for what Docker calls otherwise."""
_READING = timedelta(seconds=1)
_TICK = timedelta(microseconds=1)


@dataclass(slots=True)
class _ReadTo:
    """How far a log has been given: a moment, and how many lines of it."""

    since: datetime | None
    lines: int = 0

    def further(self, line: LogLine) -> None:
        if line.time != self.since:
            self.since, self.lines = line.time, 0
        self.lines += not line.partial


async def container_logs(
    engine: Engine,
    container: ContainerId,
    *,
    follow: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    tail: int | None = None,
) -> AsyncIterator[LogLine]:
    """With ``follow``: also of one that has not started yet, and until no policy starts it again."""
    found = await engine.call("GET", f"containers/{container}/json")
    tty = bool(found["Config"].get("Tty"))
    given = _ReadTo(since)
    if follow and found["State"].get("Status") in _NOT_STARTED:
        # An engine ends the log of a container that does not run yet; it can be attached to.
        stream = await engine.attach(container, stdin=False, tty=tty)
        found = await engine.call("GET", f"containers/{container}/json")
        if found["State"].get("Status") in _NOT_STARTED:
            given = _ReadTo(None)
            async for line in _attached_lines(engine, stream):
                given.lines += 1
                yield line
            if not await _goes_on(engine, container):
                return
        else:
            # It started meanwhile, and what it wrote first may be missed: all of it is in its log.
            await stream.close()
    while True:
        async for line in _written_lines(engine, container, given, tty=tty, follow=follow, until=until, tail=tail):
            tail = None
            yield line
        if not follow:
            return
        if not await _goes_on(engine, container):
            break
    # A followed log ends with its container, and then without a last line that nobody ended.
    async for line in _written_lines(engine, container, given, tty=tty, follow=False, until=until, tail=tail):
        yield line


async def _written_lines(
    engine: Engine,
    container: ContainerId,
    given: _ReadTo,
    *,
    tty: bool,
    follow: bool,
    until: datetime | None,
    tail: int | None,
) -> AsyncIterator[LogLine]:
    """From where it has been read to, which goes on with each line."""
    since, again = given.since, given.lines
    query: dict[str, Any] = {"stdout": True, "stderr": True, "timestamps": True, "follow": follow}
    query |= {"tail": "all" if tail is None else tail}
    # Podman gives what is after the moment, and goes by whole seconds: several restarts may be in one.
    bounds = (("since", since and since - _TICK), ("until", until))
    query |= {name: seconds(when) for name, when in bounds if when is not None}
    async with engine.stream("GET", f"containers/{container}/logs", query=query) as content:
        async for line in terminal_lines(content) if tty else log_lines(content):
            if since is not None and line.time < since:
                continue
            if again:
                again -= not line.partial
                continue
            given.further(line)
            yield line


async def _attached_lines(engine: Engine, stream: Any) -> AsyncIterator[LogLine]:
    """From its first byte on. The moment of a line is when it comes here."""
    clock = SystemClock()
    rest = {Stream.STDOUT: b"", Stream.STDERR: b""}
    try:
        while (read := await engine.read_exec(stream)) is not None:
            number, chunk = read
            which = Stream.STDERR if number == _STDERR else Stream.STDOUT
            *whole, rest[which] = (rest[which] + chunk).split(b"\n")
            for line in whole:
                yield _line(clock.now(), which, line)
        for which, last in rest.items():
            if last:
                yield _line(clock.now(), which, last)
    finally:
        await stream.close()


def _line(time: datetime, stream: Stream, text: bytes) -> LogLine:
    return LogLine(time=time, stream=stream, partial=False, text=text.decode(errors="replace"))


async def _goes_on(engine: Engine, container: ContainerId) -> bool:
    """Whether a policy has started it again; then it runs when this returns."""
    try:
        return bool((await settled(engine, container)).get("Running"))
    except NotFound:
        return False


async def project_events(
    engine: Engine, project: str, *, since: datetime | None = None, until: datetime | None = None
) -> AsyncIterator[PlaceEvent]:
    """What happens to the project's containers, one-offs and helpers included."""
    filters = {"type": ["container"], "label": [f"{model.PROJECT_LABEL}={project}"]}
    query: dict[str, Any] = {"filters": filters}
    last = until
    if engine.podman and until is not None:
        # It stops reading what it remembers at that moment, so that of a past one nothing comes (measured with 4.3).
        last = max(until, SystemClock().now() + _READING)
    query |= {name: seconds(when) for name, when in (("since", since), ("until", last)) if when is not None}
    async with engine.stream("GET", "events", query=query) as content:
        async for line in lines_of(content):
            if (event := _event(json.loads(line))) is None:
                continue
            if until is not None and event.at > until:
                return
            yield event


def _event(said: dict[str, Any]) -> PlaceEvent | None:
    actor = said.get("Actor") or {}
    attributes = {str(name): str(value) for name, value in (actor.get("Attributes") or {}).items()}
    word = str(said.get("Action") or said.get("status") or "")
    action = _WORDS.get(word, word)
    if not actor.get("ID") or not action:
        return None
    nanoseconds = int(said.get("timeNano") or int(said.get("time") or 0) * 10**9)
    return PlaceEvent(
        container=ContainerId(actor["ID"]),
        service=attributes.get(model.SERVICE_LABEL, ""),
        name=attributes.get("name", ""),
        action=action,
        attributes=attributes,
        at=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=nanoseconds // 1000),
    )


def seconds(when: datetime) -> str:
    """As engines read a moment: seconds of the epoch with their fraction."""
    microseconds = (when - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    return f"{microseconds // 10**6}.{microseconds % 10**6:06d}"


async def exec_detached(engine: Engine, container: ContainerId, spec: ExecSpec, known: frozenset[str]) -> None:
    """Nobody hears what it writes, nor how it ends. ``known``: the variables that the container has."""
    body = exec_body(spec, known, podman=engine.podman)
    body |= {"AttachStdin": False, "AttachStdout": False, "AttachStderr": False}
    made = await engine.call("POST", f"containers/{container}/exec", body=body)
    await engine.call("POST", f"exec/{made['Id']}/start", body={"Detach": True, "Tty": spec.tty})


class AttachedStreams:
    """Implements ``boathook.compose.place.Attached``: the main process of a container, from before its start on."""

    def __init__(self, engine: Engine, container: ContainerId, output: OutputSink) -> None:
        self._engine = engine
        self._container = container
        self._output = output
        self._stack = AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._exit: Exit | None = None
        self._failure: BoathookError | None = None

    async def open(self, *, stdin: int | None, tty: bool) -> AttachedStreams:
        """From its return on nothing is missed. ``stdin`` is duplicated: its owner may close it."""
        stream = await self._engine.attach(self._container, stdin=stdin is not None, tty=tty)
        self._stack.push_async_callback(stream.close)
        if stdin is not None:
            given = StreamInput(self._engine, stream, os.dup(stdin))
            self._stack.push_async_callback(given.close)
        path, query = f"containers/{self._container}/wait", {"condition": "next-exit"}
        try:
            # An engine answers when it waits; the end of one that is removed with its end is told only here.
            ended = await self._stack.enter_async_context(self._engine.stream("POST", path, query=query))
        except BaseException:
            await self.close()
            raise
        self._tasks = [asyncio.create_task(self._listen(stream)), asyncio.create_task(self._await_end(ended))]
        return self

    async def wait(self) -> Exit:
        """Until it has ended and all that it wrote is heard."""
        await asyncio.wait(self._tasks)
        if self._failure is not None:
            raise self._failure
        return self._exit or Exit(code=None, signal=None)

    async def resize(self, rows: int, columns: int) -> None:
        """Of its terminal; one that does not run has none."""
        query = {"h": rows, "w": columns}
        with suppress(NotFound, Conflict, NotRunning, Refused):
            await self._engine.call("POST", f"containers/{self._container}/resize", query=query)

    async def close(self) -> None:
        """The program goes on."""
        for task in self._tasks:
            task.cancel()
        with anyio.CancelScope(shield=True):
            if self._tasks:
                await asyncio.wait(self._tasks)
            await self._stack.aclose()

    async def _listen(self, stream: Any) -> None:
        try:
            while (read := await self._engine.read_exec(stream)) is not None:
                number, chunk = read
                self._output(Stream.STDERR if number == _STDERR else Stream.STDOUT, chunk)
        except BoathookError as error:
            self._failure = error

    async def _await_end(self, ended: Any) -> None:
        try:
            said = json.loads(await ended.read() or b"{}")
            self._exit = exit_of_code(said.get("StatusCode"))
        except (BoathookError, ValueError) as error:
            self._failure = error if isinstance(error, BoathookError) else None
