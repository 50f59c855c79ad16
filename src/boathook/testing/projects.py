"""Compose projects run for real by a test, in the embedded runtime or by an engine; nothing is left when it is over."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

import anyio

from boathook.clock import SystemClock
from boathook.compose.leaving_nothing import leave_nothing
from boathook.compose.model import short_name
from boathook.compose.options import (
    DownOptions,
    HookWishes,
    KillOptions,
    RestartOptions,
    StartOptions,
    StopOptions,
    UpOptions,
)
from boathook.compose.project import ProjectWorker
from boathook.compose.remembered import HeardPast
from boathook.errors import NotFound, TargetError, UsageError
from boathook.events import EventStream, Stamped
from boathook.journal import Context, MemoryObligations
from boathook.model import Stream
from boathook.runtimes.base import ExecSpec
from boathook.settings import DOCKER, LOCAL, PLACES
from boathook.testing.embedded import STOP_TIMEOUT, TIMEOUT, EmbeddedPlaces, Ran
from boathook.testing.files import ProjectSource, find_project
from boathook.testing.project_record import ProjectRecord
from boathook.testing.record import NotHappened

if TYPE_CHECKING:
    from boathook.compose.place import Member, ProjectPlace
    from boathook.testing.portal import Loop

T = TypeVar("T")

CLEAN_SECONDS = 60.0
_POLL_SECONDS = 0.02


class RunningProject(ProjectRecord):
    """A project of a test. What it has left is removed with the test, at once and without hooks.

    Its files are read anew for each command. A command that fails raises what the command line would print; what its
    hooks did is known all the same.
    """

    def __init__(self, source: ProjectSource, place: ProjectPlace, loop: Loop) -> None:
        self._heard: list[Stamped] = []
        super().__init__(source.load().project, self._heard)
        self._source = source
        self._place = place
        self._loop = loop
        self._context = Context(events=EventStream(), clock=SystemClock(), obligations=MemoryObligations())

    # Commands.

    def up(
        self,
        *services: str,
        scale: Mapping[str, int] | None = None,
        force_recreate: bool = False,
        rerun_failed_hooks: bool = False,
        wait: bool = False,
        hooks: bool = True,
        timeout: float = STOP_TIMEOUT,
    ) -> RunningProject:
        """Create and start what does not stand as wanted; returns when every ``post_start`` hook has ended.

        ``wait``: until every service runs, or is healthy where it has a healthcheck.
        """
        __tracebackhide__ = True
        options = UpOptions(
            services=services,
            scale=scale or {},
            force_recreate=force_recreate,
            rerun_hooks=rerun_failed_hooks,
            wait=wait,
            hooks=HookWishes(skip=not hooks),
        )
        return self._do("up", lambda worker: worker.up(options), timeout)

    def start(self, *services: str, hooks: bool = True, timeout: float = STOP_TIMEOUT) -> RunningProject:
        """Start containers that are there and do not run, with their ``post_start`` hooks."""
        __tracebackhide__ = True
        options = StartOptions(services=services, hooks=HookWishes(skip=not hooks))
        return self._do("start", lambda worker: worker.start(options), timeout)

    def stop(
        self, *services: str, grace: float | None = None, hooks: bool = True, timeout: float = STOP_TIMEOUT
    ) -> RunningProject:
        """Stop what runs, with its ``pre_stop`` hooks. ``grace``: seconds between signal and SIGKILL."""
        __tracebackhide__ = True
        options = StopOptions(services=services, grace=_seconds(grace), hooks=HookWishes(skip=not hooks))
        return self._do("stop", lambda worker: worker.stop(options), timeout)

    def restart(
        self, *services: str, grace: float | None = None, hooks: bool = True, timeout: float = STOP_TIMEOUT
    ) -> RunningProject:
        """Stop and start what runs, with its ``pre_stop`` and ``post_start`` hooks."""
        __tracebackhide__ = True
        options = RestartOptions(services=services, grace=_seconds(grace), hooks=HookWishes(skip=not hooks))
        return self._do("restart", lambda worker: worker.restart(options), timeout)

    def down(
        self,
        *services: str,
        grace: float | None = None,
        volumes: bool = False,
        hooks: bool = True,
        timeout: float = STOP_TIMEOUT,
    ) -> RunningProject:
        """Stop, with hooks, and remove containers and networks; ``volumes``: and volumes."""
        __tracebackhide__ = True
        options = DownOptions(
            services=services, grace=_seconds(grace), volumes=volumes, hooks=HookWishes(skip=not hooks)
        )
        return self._do("down", lambda worker: worker.down(options), timeout)

    def kill(self, *services: str, signal: str = "SIGKILL", timeout: float = TIMEOUT) -> RunningProject:
        """Send a signal at once; no hook runs."""
        __tracebackhide__ = True
        options = KillOptions(services=services, signal=signal)
        return self._do("kill", lambda worker: worker.kill(options), timeout)

    # What there is.

    @property
    def states(self) -> dict[str, str]:
        """``running``, ``exited``, ``created`` … of each container that there is, by its short name (``app-1``)."""
        found = self._loop.call(self._place.members, self.name)
        return {_short(self.name, one): one.status.value for one in found}

    def exec(self, service: str, *command: str, number: int = 1, timeout: float = TIMEOUT) -> Ran:
        """Run a program in a container that runs."""
        __tracebackhide__ = True
        return self._loop.call(self._exec, service, number, command, timeout)

    def logs(self, service: str, *, number: int = 1) -> str:
        """What a container has written so far. What its hooks write is in ``hook(…).stdout``."""
        __tracebackhide__ = True
        return self._loop.call(self._logs, service, number)

    def port(self, service: str, target: int, *, number: int = 1) -> int:
        """Where this machine listens for a port of a container. Raises ``NotFound`` where it does not."""
        __tracebackhide__ = True
        member = self._loop.call(self._member, service, number)
        for one in member.ports:
            if one.target == target and one.published:
                return one.published
        raise NotFound(f'port {target} of "{_short(self.name, member)}" is not published')

    def wait(self, service: str, *, number: int = 1, timeout: float = TIMEOUT) -> int | None:
        """Until a container has ended by itself; its exit code."""
        __tracebackhide__ = True
        return self._loop.call(self._wait, service, number, timeout)

    def wait_for(self, moment: str, *, timeout: float = TIMEOUT) -> float:
        """Until a moment of this name has happened; when that was."""
        __tracebackhide__ = True
        self._loop.call(self._until_happened, moment, timeout)
        return self.at(moment)

    async def clean(self) -> None:
        """Leave nothing of it, whatever has become of it."""
        with anyio.move_on_after(CLEAN_SECONDS, shield=True):
            await leave_nothing(self._place, self.name, self.project, EventStream())

    def _do(self, what: str, act: Callable[[ProjectWorker], Awaitable[object]], timeout: float) -> RunningProject:
        __tracebackhide__ = True
        self.project = self._source.load().project
        self._loop.call(self._within, what, act, timeout)
        return self

    async def _within(self, what: str, act: Callable[[ProjectWorker], Awaitable[object]], timeout: float) -> None:
        worker = ProjectWorker(
            project=self.project, place=self._place, context=self._context, past=HeardPast(self._heard)
        )
        with self._context.events.listening(self._heard.append), anyio.move_on_after(timeout) as limit:
            await act(worker)
        if limit.cancelled_caught:
            raise NotHappened(self._with_timeline(f'{what} of project "{self.name}" took more than {timeout:g} s'))

    async def _member(self, service: str, number: int) -> Member:
        members = await self._place.members(self.name)
        found = [one for one in members if (one.service, one.number) == (service, number) and not one.oneoff]
        if found:
            return found[0]
        if service not in self.project.names:
            raise UsageError(f'no such service: {service}: project "{self.name}" has {", ".join(self.project.names)}')
        raise NotFound(f'service "{service}" of project "{self.name}" has no container {number}')

    async def _exec(self, service: str, number: int, command: tuple[str, ...], timeout: float) -> Ran:
        written = {Stream.STDOUT: bytearray(), Stream.STDERR: bytearray()}
        member = await self._member(service, number)
        execution = await self._place.exec(
            member.id, ExecSpec(command=command), lambda stream, data: written[stream].extend(data)
        )
        with anyio.move_on_after(timeout):
            ended = await execution.wait()
            stdout, stderr = (written[stream].decode(errors="replace") for stream in Stream)
            return Ran(exit_code=ended.code, stdout=stdout, stderr=stderr)
        await execution.kill()
        raise TargetError(f'"{" ".join(command)}" in "{_short(self.name, member)}" was ended after {timeout:g} s')

    async def _logs(self, service: str, number: int) -> str:
        member = await self._member(service, number)
        lines = [line async for line in self._place.logs(member.id)]
        return "".join(line.text if line.partial else f"{line.text}\n" for line in lines)

    async def _wait(self, service: str, number: int, timeout: float) -> int | None:
        member = await self._member(service, number)
        with anyio.move_on_after(timeout):
            return (await self._place.wait(member.id)).code
        name = _short(self.name, member)
        raise NotHappened(self._with_timeline(f'"{name}" had not ended after {timeout:g} s'))

    async def _until_happened(self, moment: str, timeout: float) -> None:
        with anyio.move_on_after(timeout):
            while not self.happened(moment):  # noqa: ASYNC110  events have no waiters, and a test may wait this long
                await anyio.sleep(_POLL_SECONDS)


class RunProject(Protocol):
    """The fixture ``run_project``."""

    def __call__(
        self,
        *files: str | Path,
        text: str | None = None,
        name: str | None = None,
        on: str | None = None,
        environment: Mapping[str, str] | None = None,
        profiles: Sequence[str] = (),
        up: bool = True,
        timeout: float = STOP_TIMEOUT,
    ) -> RunningProject: ...


@contextmanager
def run_projects(
    places: EmbeddedPlaces,
    *directories: Path,
    started: Callable[[ProjectRecord], None] | None = None,
) -> Iterator[RunProject]:
    """What runs projects from files of these directories, until the end of the block; nothing of them is left then.

    ``started`` is told of each project before it starts.
    """
    running = _Running(places, directories, started or _untold)
    with running.stack:
        yield running


class _Running:
    """The projects of one block. A place is opened for the first of them that lives there."""

    def __init__(
        self, places: EmbeddedPlaces, directories: tuple[Path, ...], started: Callable[[ProjectRecord], None]
    ) -> None:
        self.stack = ExitStack()
        self._parent = places
        self._directories = directories
        self._started = started
        self._places: dict[str, ProjectPlace] = {}
        self._suffix = secrets.token_hex(3)

    def __call__(
        self,
        *files: str | Path,
        text: str | None = None,
        name: str | None = None,
        on: str | None = None,
        environment: Mapping[str, str] | None = None,
        profiles: Sequence[str] = (),
        up: bool = True,
        timeout: float = STOP_TIMEOUT,
    ) -> RunningProject:
        __tracebackhide__ = True
        where = self._parent.settings.on if on is None else on
        source = find_project(
            files,
            text=text,
            name=name,
            # An engine is everybody's: what a test has there must not meet what somebody else has.
            suffix=self._suffix if where == DOCKER else "",
            environment=environment,
            profiles=profiles,
            directories=self._directories,
        )
        running = RunningProject(source, self._opened(where), self._parent.loop)
        self.stack.callback(self._parent.loop.call, running.clean)
        self._started(running)
        return running.up(timeout=timeout) if up else running

    def _opened(self, where: str) -> ProjectPlace:
        if where not in PLACES:
            raise UsageError(f'unknown place: found "{where}", this version knows {LOCAL}, {DOCKER}')
        if where not in self._places:
            self._places[where] = self.stack.enter_context(_OPENERS[where](self._parent))
        return self._places[where]


@contextmanager
def _embedded(places: EmbeddedPlaces) -> Iterator[ProjectPlace]:
    from boathook.compose.embedded import EmbeddedPlace

    with places.place() as place:
        yield EmbeddedPlace(place.runtime, network=place.network, tasks=place.tasks)


@contextmanager
def _engine(places: EmbeddedPlaces) -> Iterator[ProjectPlace]:
    from boathook.compose.engine import EnginePlace

    with places.loop.entering(EnginePlace(places.home, offline=places.settings.offline)) as place:
        yield place


_OPENERS: Mapping[str, Callable[[EmbeddedPlaces], AbstractContextManager[ProjectPlace]]] = {
    LOCAL: _embedded,
    DOCKER: _engine,
}


def _short(project: str, member: Member) -> str:
    return short_name(project, member.name)


def _seconds(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _untold(project: ProjectRecord) -> None: ...
