"""A project in the foreground: in an engine, in this process, or looked on at where the supervisor keeps it."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from boathook.cli.compose.routing import embedded_place, members_of, project_place, refuse_owners
from boathook.compose.attached import Attached
from boathook.compose.options import ImageWishes, KillOptions, StopOptions, UpOptions
from boathook.settings import DOCKER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from boathook.cli.session import Session
    from boathook.compose.attached import Watch
    from boathook.compose.model import Project
    from boathook.compose.place import Member, ProjectPlace
    from boathook.compose.showing.lines import PrefixedLines
    from boathook.events import Stamped
    from boathook.journal import Context
    from boathook.model import JsonObject
    from boathook.runtimes.base import Exit

LOCK_WAIT = timedelta(days=1)
"""How long an attached project waits for other commands on it: as long as they take."""
UP = "compose up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreground:
    """One ``up`` in the foreground, wherever its containers are kept."""

    session: Session
    project: Project
    options: UpOptions
    watch: Watch
    lines: PrefixedLines

    async def run(self) -> int:
        """Until it ends or is interrupted; the exit code."""
        from boathook.compose.showing.lines import HookLines
        from boathook.compose.standing import living_owners
        from boathook.supervisor.client import supervisor_pid

        session = self.session
        session.listeners.append(HookLines(self.lines))
        owners = set(living_owners(session.home, await members_of(session, self.project)))
        refuse_owners(self.project, owners - {supervisor_pid(session.home)})
        return await (self._looking_on() if owners else self._here())

    async def _here(self) -> int:
        """Where this process keeps the containers, others reach them through its socket."""
        from boathook.compose.project import ProjectWorker
        from boathook.compose.remembered import JournalPast
        from boathook.journal import target_lock

        session, project = self.session, self.project
        # Asked for before anything is begun: from now on an interrupt is graceful.
        attached = self._attached(
            lambda: target_lock(session.home, project.name, command=UP, wait=LOCK_WAIT),
            outlived=session.settings.on == DOCKER,
        )
        async with session.context(command=UP, title=project.name) as context, _keeping(session, context) as place:
            worker = ProjectWorker(
                project=project,
                place=place,
                context=context,
                starting=attached.attach,
                past=JournalPast(session.home),
            )
            return await attached.run(worker)

    async def _looking_on(self) -> int:
        """The supervisor keeps the containers, from an earlier ``up -d``: it acts, and they outlive this command."""
        from boathook.clock import SystemClock
        from boathook.events import EventStream
        from boathook.journal import Context, MemoryObligations

        events = EventStream()
        context = Context(events=events, clock=SystemClock(), obligations=MemoryObligations())
        attached = self._attached(nullcontext, outlived=True)
        listeners = tuple(self.session.listeners)
        # What the supervisor tells is handed on to all that listen here; its journal has it.
        self.session.listeners[:] = [lambda stamped: events.emit(stamped.event)]

        def tell(stamped: Stamped) -> None:
            for listener in listeners:
                listener(stamped)

        with events.listening(tell):
            worker = SupervisedWorker(
                project=self.project,
                place=await project_place(self.session),
                context=context,
                session=self.session,
                starting=attached.attach,
            )
            return await attached.run(worker)

    def _attached(self, holding: Callable[[], AbstractAsyncContextManager[None]], *, outlived: bool) -> Attached:
        return Attached(
            options=self.options,
            watch=self.watch,
            lines=self.lines,
            say=click.echo,
            complain=lambda text: click.echo(text, err=True),
            interrupted=self.session.interrupted,
            holding=holding,
            outlived=outlived,
        )


@dataclass(slots=True, kw_only=True)
class SupervisedWorker:
    """Has the supervisor act on a project that it keeps."""

    project: Project
    place: ProjectPlace
    context: Context
    session: Session
    starting: Callable[[Sequence[Member]], None]

    async def up(self, options: UpOptions) -> None:
        """First all are made, so that they can be looked at before they start."""
        from boathook.compose.order import with_dependencies

        await self._ask("compose.up", replace(options, start=False, wait=False))
        names = self.project.names
        if options.services:
            named = frozenset(options.services)
            names = with_dependencies(self.project, named) if options.deps else named
        self.starting([one for one in await self.members() if one.service in names and not one.oneoff])
        made = replace(options, force_recreate=False, recreate_deps=False, renew_volumes=False, recreate=False)
        await self._ask("compose.up", replace(made, images=ImageWishes()))

    async def stop(self, options: StopOptions) -> None:
        await self._ask("compose.stop", options)

    async def kill(self, options: KillOptions) -> int:
        return int(str((await self._ask("compose.kill", options))["killed"]))

    async def members(self) -> tuple[Member, ...]:
        return await self.place.members(self.project.name)

    def tell_exit(self, member: Member, ended: Exit) -> None:
        """The supervisor tells it."""

    async def _ask(self, operation: str, options: Any) -> JsonObject:
        from boathook.compose.operations import Wish

        wish = Wish(project=self.project, options=options, command=UP)
        return await self.session.call(operation, wish.parameters())


@asynccontextmanager
async def _keeping(session: Session, context: Context) -> AsyncIterator[ProjectPlace]:
    """The place, while other commands can ask this process, by its socket, for what concerns its containers."""
    if session.settings.on == DOCKER:
        yield await project_place(session)
        return
    import anyio

    from boathook.journal import SqliteObligations
    from boathook.supervisor.host import Host
    from boathook.supervisor.service import owner_socket, serving

    obligations = context.obligations
    assert isinstance(obligations, SqliteObligations)
    async with anyio.create_task_group() as tasks:
        place = await embedded_place(session, tasks)
        host = Host(
            home=session.home,
            runtime=place.runtime,
            projects=place,
            journal=obligations.journal,
            tasks=tasks,
            cluster=None,
        )
        async with serving(host, session.home.socket(owner_socket(os.getpid()))):
            yield place
            await host.until_answered()
        tasks.cancel_scope.cancel()
