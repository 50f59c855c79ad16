"""``boathook hook`` for Compose files: their hooks, and one of them run alone in a container that already runs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from boathook.errors import NotRunning, UnsupportedHere, UsageError

if TYPE_CHECKING:
    from boathook.cli.session import Session
    from boathook.compose.hook_names import NamedHook
    from boathook.compose.model import Project
    from boathook.compose.place import Member, ProjectPlace
    from boathook.model import Hook


def load_hook_project(file: Path, name: str | None) -> Project:
    """The project of a file or directory; what is said of it goes to stderr."""
    import os

    from boathook.cli.compose.selection import warn
    from boathook.compose.reading.files import files_at, load_project

    files = files_at(file)
    if not files:
        raise UsageError(f'no hooks in "{file}": it has no Compose file')
    parsed = load_project(*files, name=name, environment=os.environ)
    warn(parsed.warnings)
    return parsed.project


def listed_hooks(project: Project) -> list[tuple[str, Hook]]:
    """What each is called, and it."""
    from boathook.compose.hook_names import hooks_of

    return [(one.name, one.hook) for one in hooks_of(project)]


async def run_project_hook(
    session: Session, project: Project, chosen: NamedHook, timeout: timedelta | None, command: str
) -> int:
    """Run it in the container that is meant; the exit code."""
    from boathook.cli.compose.routing import project_place
    from boathook.compose.lone_hook import run_lone_hook
    from boathook.events import RunFinished, RunStarted
    from boathook.model import HookPoint

    if chosen.hook.point is HookPoint.PRE_START:
        raise UnsupportedHere(
            f"{chosen.name} cannot be run alone: a pre_start hook runs in a container of its own, before its service",
            hint=f"boathook compose up --force-recreate {chosen.service.name} runs it",
        )
    place = await project_place(session)
    member = await _member(place, project, chosen)
    facts = () if timeout is None else (f"timeout {timeout.total_seconds():g}s",)
    async with session.context(command=command, title=chosen.name, live=True) as context:
        context.events.emit(RunStarted(title=chosen.name, command=command, place=place.name, facts=facts))
        result = await run_lone_hook(chosen.hook, project.name, member, timeout=timeout, place=place, context=context)
        said = f"{chosen.name} {'succeeded' if result.succeeded else f'failed: {result.reason}'}"
        context.events.emit(RunFinished(succeeded=result.succeeded, message=said))
    return 0 if result.succeeded else 1


async def _member(place: ProjectPlace, project: Project, chosen: NamedHook) -> Member:
    """The container that is meant, which must run. Raises ``NotRunning`` and ``UsageError`` with what to do."""
    from boathook.compose.model import short_name

    members = [one for one in await place.members(project.name) if one.service == chosen.service.name and one.running]
    names = {short_name(project.name, one.name): one for one in members}
    if chosen.container:
        names = {name: one for name, one in names.items() if name == chosen.container}
    elif regular := {name: one for name, one in names.items() if not one.oneoff}:
        names = regular
    if not names:
        raise NotRunning(
            f'{_words(chosen)} of project "{project.name}" is not running',
            hint=f"start it with boathook compose up -d {chosen.service.name}",
        )
    if len(names) > 1:
        listed = ", ".join(f"{name}.{chosen.hook.name}" for name in sorted(names))
        raise UsageError(f"{chosen.name} is ambiguous: several containers run", hint=f"choose one of {listed}")
    (member,) = names.values()
    return member


def _words(chosen: NamedHook) -> str:
    return f'"{chosen.container}"' if chosen.container else f'service "{chosen.service.name}"'
