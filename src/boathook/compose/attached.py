"""Runs a project in the foreground: up, its output line by line, until it ends or is interrupted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol

import anyio
from anyio.abc import TaskGroup

from boathook.compose.model import HOOK_LABEL, Project, short_name
from boathook.compose.options import KillOptions, StopOptions, UpOptions
from boathook.compose.place import Member, PlaceEvent, ProjectPlace, Status
from boathook.compose.recovery import settle_project
from boathook.compose.showing.lines import PrefixedLines, show_log
from boathook.errors import BoathookError, NotFound, PlaceError, alone
from boathook.events import ContainerStarted, RunFinished, RunStarted, Stamped
from boathook.journal.context import Context
from boathook.runtimes.base import UNSEEN_CODE, ContainerId, Exit

GRACEFULLY = "Gracefully Stopping... press Ctrl+C again to force"
ABORTING = "Aborting on container exit..."
INTERRUPTED = 130
NEXT_LINE = timedelta(microseconds=1)
KILL_SECONDS = 15.0
"""How long killing everything after a second interrupt may take. SIGKILL acts at once."""
LAST_LINES_SECONDS = 10.0
"""How long what containers wrote last may take to come, once they have ended."""


class Cascade(Enum):
    """What one container's end does to the others."""

    NOTHING = "nothing"
    ANY_EXIT = "any exit"
    """``--abort-on-container-exit``: they are stopped."""
    FAILURE = "failure"
    """``--abort-on-container-failure``: they are stopped if it ended badly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What an attached ``up`` looks at."""

    shown: frozenset[str]
    """Services whose output is shown."""
    awaited: frozenset[str]
    """Services whose containers' ends it waits for."""
    cascade: Cascade = Cascade.NOTHING
    exit_code_from: str = ""
    """The service whose exit code it has; empty: the first that ends, when that ends all."""


class Worker(Protocol):
    """Who acts on the project: a ``ProjectWorker``, or whoever asks another process to. It calls ``Attached.attach``
    when its containers are made and before the first of them starts."""

    @property
    def project(self) -> Project: ...

    @property
    def place(self) -> ProjectPlace: ...

    @property
    def context(self) -> Context: ...

    async def up(self, options: UpOptions) -> None: ...

    async def stop(self, options: StopOptions) -> None: ...

    async def kill(self, options: KillOptions) -> int: ...

    async def members(self) -> tuple[Member, ...]: ...

    def tell_exit(self, member: Member, ended: Exit) -> None: ...


def is_replica(member: Member) -> bool:
    """One of a service's own containers: neither a one-off nor the helper of a hook, of which a place tells, too."""
    return not member.oneoff and HOOK_LABEL not in member.labels


@dataclass(slots=True)
class _Followed:
    member: Member
    since: datetime | None
    """What it wrote before is old; None: it is new."""
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    started: anyio.Event = field(default_factory=anyio.Event)
    over: bool = False


@dataclass(slots=True, kw_only=True)
class Attached:
    """A project in the foreground."""

    options: UpOptions
    watch: Watch
    lines: PrefixedLines
    say: Callable[[str], None]
    """Tells people something beside the output, where that goes."""
    complain: Callable[[str], None]
    """Tells them what went wrong."""
    interrupted: anyio.Event
    """Set by the first interrupt; the second one cancels the task that runs this."""
    holding: Callable[[], AbstractAsyncContextManager[None]]
    """Holds the project against other commands, for as long as they need."""
    outlived: bool
    """Whether the containers outlive this process (an engine's do); else nothing of them is left at its end."""
    _worker: Worker = field(init=False)
    _began: datetime = field(init=False)
    _tasks: TaskGroup | None = None
    _failed: list[str] = field(default_factory=list)
    _followed: dict[ContainerId, _Followed] = field(default_factory=dict)
    _changed: anyio.Event = field(default_factory=anyio.Event)
    _first: int | None = None
    """The exit code of the first container whose end stops the others."""
    _of_service: int | None = None
    """The first exit code of the service that is to give it."""

    async def run(self, worker: Worker) -> int:
        """Exit code: 0 when all containers have ended by themselves, 1 after a failure, 130 after an interrupt.

        Raises what refuses the project before anything is begun.
        """
        self._worker = worker
        worker.context.events.emit(
            RunStarted(title=worker.project.name, command="compose up", place=worker.place.name, facts=("attached",))
        )
        try:
            with worker.context.events.listening(self._hear), alone():
                code = await self._in_front()
        except BoathookError as error:
            worker.context.events.emit(RunFinished(succeeded=False, message=str(error)))
            raise
        worker.context.events.emit(RunFinished(succeeded=not self._failed, message="; ".join(self._failed)))
        return code

    async def _in_front(self) -> int:
        worker, self._began = self._worker, self._worker.context.clock.now()
        async with anyio.create_task_group() as self._tasks:
            self._tasks.start_soon(self._hear_place)
            try:
                code = await self._run()
                await self._last_lines()
            except BaseException:
                if self.interrupted.is_set() or not self.outlived:
                    with anyio.move_on_after(KILL_SECONDS, shield=True):
                        await worker.kill(KillOptions(services=self._own))
                raise
            self._tasks.cancel_scope.cancel()
        return self._exit_code() if code is None else code

    @property
    def _own(self) -> tuple[str, ...]:
        """Whom an interrupt stops: where nothing outlives this process, everybody."""
        return self.options.services if self.outlived else ()

    async def _run(self) -> int | None:
        """The exit code; None: that of what has ended, whose end may still have to be noticed."""
        error = await self._unless_interrupted(self._up_and_watch)
        if self.interrupted.is_set():
            self.say(GRACEFULLY)
            return await self._end(await self._stop("interrupted"), INTERRUPTED)
        if error is not None and (self.outlived or not self._followed):
            raise error
        if error is not None:
            self._tell_failure(error)
            self.complain("the containers of an attached project end with it: stopping them")
            return await self._end(await self._stop("a hook or service failed"), 1)
        if self._first is not None:
            self.complain(ABORTING)
            return await self._end(await self._stop("another container has ended"), None)
        if not self.outlived and await self._still_runs():
            return await self._end(await self._stop("what it was attached to has ended"), None)
        return None

    async def _up_and_watch(self) -> None:
        worker = self._worker
        async with self.holding():
            await settle_project(worker.project.name, worker.context, worker.place)
            await worker.up(self.options)
        while self._first is None and not all(one.over for one in self._awaited()):
            self._changed = anyio.Event()
            await self._changed.wait()

    def _awaited(self) -> Iterable[_Followed]:
        return (one for one in self._followed.values() if one.member.service in self.watch.awaited)

    def _exit_code(self) -> int:
        if self.watch.exit_code_from:
            return UNSEEN_CODE if self._of_service is None else self._of_service
        return self._first or 0

    async def _still_runs(self) -> bool:
        return any(member.stoppable and not member.oneoff for member in await self._worker.members())

    async def _unless_interrupted(self, work: Callable[[], Awaitable[None]]) -> BoathookError | None:
        """Do it until it ends, fails or is interrupted; the failure, if there was one."""
        failure: BoathookError | None = None
        async with anyio.create_task_group() as running:

            async def give_up() -> None:
                await self.interrupted.wait()
                running.cancel_scope.cancel()

            running.start_soon(give_up)
            try:
                await work()
            except BoathookError as error:
                failure = error
            running.cancel_scope.cancel()
        return failure

    async def _stop(self, cause: str) -> BoathookError | None:
        options = StopOptions(services=self._own, hooks=self.options.hooks, grace=self.options.grace, cause=cause)
        try:
            # Somebody else may be stopping it: then there is nothing left to stop once they are done.
            async with self.holding():
                await self._worker.stop(options)
        except BoathookError as error:
            self._tell_failure(error)
            return error
        return None

    def _tell_failure(self, error: BoathookError) -> None:
        self._failed.append(str(error))
        self.complain(str(error) + (f"\nhint: {error.hint}" if error.hint else ""))

    async def _end(self, failed: BoathookError | None, code: int | None) -> int | None:
        """A container whose pre_stop failed runs on in an engine; elsewhere not without us: it is killed, and said."""
        if failed is not None and not self.outlived and await self._worker.kill(KillOptions()):
            self.complain("killed what still ran: nothing of an attached project outlives it")
        return code

    def attach(self, members: Sequence[Member]) -> None:
        """Look at those that are about to start, or run already; what these wrote before is old."""
        shown = sorted(self._name(one) for one in members if one.service in self.watch.shown)
        if shown:
            self.say(f"Attaching to {', '.join(shown)}")
        self._follow_all(members)

    def _follow_all(self, members: Sequence[Member]) -> None:
        assert self._tasks is not None
        watched = self.watch.shown | self.watch.awaited
        for member in members:
            if member.id in self._followed or member.service not in watched or not is_replica(member):
                continue
            since = self._began if member.created < self._began else None
            self._followed[member.id] = followed = _Followed(member, since)
            if member.stoppable:
                followed.started.set()
            self._tasks.start_soon(self._follow, followed)

    def _hear(self, stamped: Stamped) -> None:
        """A container that had ended is followed from the moment on when it starts again."""
        match stamped.event:
            case ContainerStarted(target=target) if followed := self._followed.get(ContainerId(target.instance)):
                followed.started.set()
            case _:
                pass

    def _name(self, member: Member) -> str:
        return short_name(self._worker.project.name, member.name)

    async def _follow(self, followed: _Followed) -> None:
        with followed.scope, suppress(NotFound):
            while True:
                await self._until_ended(followed)
                if not await self._runs_again(followed.member):
                    break
        followed.over = True
        self._changed.set()

    async def _until_ended(self, followed: _Followed) -> None:
        """Its output as it comes, and how it ended. One that is new is looked at before it starts."""
        member, place = followed.member, self._worker.place
        if member.status is not Status.CREATED:
            await followed.started.wait()
        if member.service in self.watch.shown:
            log = place.logs(member.id, follow=True, since=followed.since)
            if (last := await show_log(log, self._name(member), self.lines)) is not None:
                followed.since = last + NEXT_LINE
        await followed.started.wait()
        found = await place.inspect(member.id)
        if member.service in self.watch.shown and found.stoppable:
            # Somebody has started it again already: its end was not seen, but what it writes now is to be.
            return
        ended = None if found.stoppable else found.exit
        self._tell_end(member, ended or await place.wait(member.id))

    def _tell_end(self, member: Member, ended: Exit) -> None:
        self._worker.tell_exit(member, ended)
        if member.service in self.watch.shown:
            code = "unknown" if ended.code is None else ended.code
            self.lines.status(self._name(member), f"exited with code {code}")
        self._note_end(member, ended.command_code)

    def _note_end(self, member: Member, code: int) -> None:
        if self._of_service is None and member.service == self.watch.exit_code_from:
            self._of_service = code
        match self.watch.cascade:
            case Cascade.NOTHING:
                return
            case Cascade.FAILURE if code == 0:
                return
            case Cascade.ANY_EXIT | Cascade.FAILURE:
                self._first = code if self._first is None else self._first
                self._changed.set()

    async def _runs_again(self, member: Member) -> bool:
        """Whether another command, which may be restarting it right now, has started it again."""
        async with self.holding():
            return (await self._worker.place.inspect(member.id)).stoppable

    async def _hear_place(self) -> None:
        """Say that a container has ended which its policy starts again, and look at those that others start."""
        try:
            async for event in self._worker.place.events(self._worker.project.name):
                with suppress(NotFound):
                    if event.action == "die":
                        await self._tell_restart(event)
                    elif event.action == "start" and event.container not in self._followed:
                        self._follow_all([await self._worker.place.inspect(event.container)])
        except PlaceError as error:
            # The engine is gone; what is followed ends with that error as well.
            self.complain(str(error))

    async def _tell_restart(self, event: PlaceEvent) -> None:
        followed = self._followed.get(event.container)
        if followed is None or followed.member.service not in self.watch.shown:
            return
        found = await self._worker.place.inspect(event.container)
        if found.status in (Status.RESTARTING, Status.RUNNING):
            code = event.attributes.get("exitCode", "unknown")
            self.lines.status(self._name(found), f"exited with code {code} (restarting)")

    async def _last_lines(self) -> None:
        """What the others have written is still shown to its end; one that runs on has no end to wait for."""
        for followed in self._followed.values():
            with suppress(NotFound):
                found = await self._worker.place.inspect(followed.member.id)
                if found.stoppable or found.status is Status.CREATED:
                    followed.scope.cancel()
        with anyio.move_on_after(LAST_LINES_SECONDS):
            while not all(one.over for one in self._followed.values()):
                self._changed = anyio.Event()
                await self._changed.wait()
