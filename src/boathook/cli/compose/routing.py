"""Which process does what a Compose command asks for, and what it is asked of. The one place that decides it.

With ``--on docker`` the containers are the engine's: the command does its work itself, under the project's lock. Else
they belong to a process of ours (the supervisor, or an ``up`` in the foreground), which is asked by its socket; what
nobody keeps any more is dealt with here.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from boathook.cli.session import refuse_with_engine
from boathook.errors import Conflict
from boathook.settings import DOCKER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anyio.abc import TaskGroup

    from boathook.cli.compose.selection import Selection
    from boathook.cli.session import Session
    from boathook.compose.embedded import EmbeddedPlace
    from boathook.compose.model import Project
    from boathook.compose.operations import Wish
    from boathook.compose.place import Member, ProjectPlace
    from boathook.model import JsonObject

ENDING = frozenset({"compose.down", "compose.kill"})
"""What also concerns one-off containers, whose names are their own."""


async def project_place(session: Session) -> ProjectPlace:
    """Where the containers of projects live, as this process sees and reaches it. The same at each call."""
    if session.place is None:
        session.place = await _open_place(session)
    return session.place


async def _open_place(session: Session) -> ProjectPlace:
    if session.settings.on == DOCKER:
        from boathook.compose.engine import EnginePlace

        refuse_with_engine(session.settings)
        return await session.enter(EnginePlace(session.home, offline=session.settings.offline))
    return await embedded_place(session)


async def embedded_place(session: Session, tasks: TaskGroup | None = None) -> EmbeddedPlace:
    """``tasks``: for a process that keeps containers, where it watches over them."""
    from boathook.compose.embedded import EmbeddedPlace
    from boathook.runtimes.base import NetworkMode

    return EmbeddedPlace(await session.runtime(), network=NetworkMode(session.settings.network), tasks=tasks)


async def standing_project(session: Session, selection: Selection, services: tuple[str, ...] = ()) -> Project:
    """The project that a command is about: from the file that is given, found, or named by its containers' labels."""
    from boathook.compose.standing import origin_of, project_without_file

    name = _name_alone(selection)
    if name is None:
        return selection.load(services)
    place = await project_place(session)
    members = await place.members(name)
    if (origin := origin_of(members)) is not None:
        if selection.display.tells_people:
            click.echo(f"using {', '.join(origin.files)}, which the containers were made from", err=True)
        return selection.of(origin).load(services)
    if selection.is_anywhere():
        return selection.load(services)
    if members:
        click.echo(f'warning: no Compose file of project "{name}" is there any more: no hook runs', err=True)
    from boathook.compose.model import VOLUME_LABEL

    volumes = [(one.labels.get(VOLUME_LABEL, one.name), one.name) for one in await place.volumes(name)]
    return project_without_file(name, members, volumes)


def _name_alone(selection: Selection) -> str | None:
    """The name that is all that is told of the project; None: its file counts (compose.go ``projectOrName``)."""
    if selection.options.files:
        return None
    if selection.name is not None:
        return selection.name.lower()
    named = os.environ.get("COMPOSE_PROJECT_NAME")
    return named.lower() if named and not selection.is_anywhere() else None


async def act(
    session: Session,
    selection: Selection,
    project: Project,
    operation: str,
    options: Any,
    *,
    command: str,
    name: str = "",
    quiet: frozenset[str] = frozenset(),
) -> list[JsonObject]:
    """Have it done by whoever keeps the containers, and show how it goes; what each of them found out.

    ``name``: of a one-off that is made; ``quiet``: of ``build`` and ``pull``, what is not shown.
    """
    from boathook.compose.operations import Wish

    wish = Wish(project=project, options=options, command=command, parallel=selection.parallel)
    session.timeline = session.timeline and selection.display.tells_people
    members = await members_of(session, project) if operation in ENDING or session.settings.on != DOCKER else ()
    names = (*filter(None, [name]), *(member.name for member in members if member.oneoff))
    session.listeners[:] = selection.display.listeners(project, names=names, quiet=quiet)
    if session.settings.on == DOCKER:
        return [await _here(session, operation, wish)]
    return await _by_keepers(session, operation, wish, members)


async def _by_keepers(session: Session, operation: str, wish: Wish, members: Sequence[Member]) -> list[JsonObject]:
    """Each process that keeps containers of the project is asked; what starts some and has no keeper gets one."""
    from boathook.compose.operations import STARTING
    from boathook.compose.standing import living_owners
    from boathook.supervisor.client import supervisor_pid

    owners = living_owners(session.home, members)
    if operation == "compose.up":
        _refuse_other_owner(session, wish.project, owners)
        return [await _ask(session, operation, wish, None)]
    if owners:
        return [await _ask(session, operation, wish, owner) for owner in owners]
    if operation in STARTING or (operation == "compose.down" and supervisor_pid(session.home) is not None):
        # The supervisor may still keep the network of containers that are gone.
        return [await _ask(session, operation, wish, None)]
    return [await _here(session, operation, wish)]


async def _ask(session: Session, operation: str, wish: Wish, owner: int | None) -> JsonObject:
    """Have the owner (None: the supervisor) do it; the timeline of the hooks comes at the end."""
    from boathook.report.terminal import KeptTimeline

    kept = KeptTimeline()
    session.listeners.append(kept)
    try:
        return await session.call(operation, wish.parameters(), owner=owner)
    finally:
        session.listeners.remove(kept)
        if session.timeline and kept.saw_hooks:
            click.echo("\n" + kept.text(), err=True, nl=False)


async def _here(session: Session, operation: str, wish: Wish) -> JsonObject:
    """Do it in this process: the containers outlive it, or do not run any more."""
    from boathook.compose.operations import perform

    place = await project_place(session)
    async with session.context(command=wish.command, title=wish.project.name) as context:
        return await perform(operation, wish, home=session.home, place=place, context=context)


def _refuse_other_owner(session: Session, project: Project, owners: Sequence[int]) -> None:
    """A project in the foreground of another terminal ends with it: nothing is added to it from outside."""
    from boathook.supervisor.client import supervisor_pid

    refuse_owners(project, set(owners) - {supervisor_pid(session.home)})


def refuse_owners(project: Project, owners: set[int] | set[int | None]) -> None:
    """Raises ``Conflict`` where somebody runs the project already."""
    if owners:
        who = ", ".join(sorted(str(pid) for pid in owners))
        raise Conflict(f'project "{project.name}" is already run by process {who}', hint="take it down first")


async def members_of(session: Session, project: Project) -> tuple[Member, ...]:
    """The project's containers as they stand, one-offs included."""
    return await (await project_place(session)).members(project.name)
