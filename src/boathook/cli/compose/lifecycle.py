"""``boathook compose``: projects up and down with their hooks. Exit codes and texts are Docker Compose's."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from boathook.cli.compose import ERROR
from boathook.cli.compose.selection import Selection
from boathook.cli.options import place_options
from boathook.cli.session import Session, always, run
from boathook.errors import Conflict
from boathook.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boathook.compose.model import Project
    from boathook.events import Listener
    from boathook.journal import Context
    from boathook.model import JsonObject
    from boathook.runtimes.base import Container, ContainerRuntime


@click.command("up")
@click.option("-d", "--detach", is_flag=True, help="Return when everything has started; the supervisor keeps it alive.")
@click.argument("services", nargs=-1)
@place_options
@click.pass_obj
def up_command(selection: Selection, detach: bool, services: tuple[str, ...], settings: Settings) -> None:
    """Create and start services; returns (or shows their output) when their post_start hooks have ended."""

    async def work(session: Session) -> int:
        project = selection.load(services=services)
        await _refuse_other_owner(session, project.name, detach=detach)
        if detach:
            await _call(session, project, "compose.up", _params(project, services, settings))
            return 0
        return await _attached(session, project, services, settings)

    run(work, settings, codes=always(ERROR))


@click.command("stop")
@click.option("-t", "--timeout", type=click.IntRange(min=0), help="Seconds between the stop signal and SIGKILL.")
@click.argument("services", nargs=-1)
@place_options
@click.pass_obj
def stop_command(selection: Selection, timeout: int | None, services: tuple[str, ...], settings: Settings) -> None:
    """Stop services, dependants first, each after its pre_stop hooks."""

    async def work(session: Session) -> int:
        project = await _standing_project(session, selection, services)
        await _ask_owners(session, project, "compose.stop", _params(project, services, settings, timeout=timeout))
        return 0

    run(work, settings, codes=always(ERROR))


@click.command("down")
@click.option("-v", "--volumes", is_flag=True, help="Remove the project's named volumes, too.")
@click.option("-t", "--timeout", type=click.IntRange(min=0), help="Seconds between the stop signal and SIGKILL.")
@click.argument("services", nargs=-1)
@place_options
@click.pass_obj
def down_command(
    selection: Selection, volumes: bool, timeout: int | None, services: tuple[str, ...], settings: Settings
) -> None:
    """Stop and remove services, dependants first, each after its pre_stop hooks."""

    async def work(session: Session) -> int:
        project = await _standing_project(session, selection, services)
        params = _params(project, services, settings, timeout=timeout, volumes=volumes)
        results = await _ask_owners(session, project, "compose.down", params)
        if not any(result["found"] for result in results):
            click.echo(f'warning: No resource found to remove for project "{project.name}".', err=True)
        return 0

    run(work, settings, codes=always(ERROR))


@click.command("kill")
@click.argument("services", nargs=-1)
@place_options
@click.pass_obj
def kill_command(selection: Selection, services: tuple[str, ...], settings: Settings) -> None:
    """End services at once; no hook runs."""

    async def work(session: Session) -> int:
        project = await _standing_project(session, selection, services)
        results = await _ask_owners(session, project, "compose.kill", _params(project, services, settings))
        if not any(result["killed"] for result in results):
            click.echo("no container to kill", err=True)
        return 0

    run(work, settings, codes=always(ERROR))


@click.command("ps")
@click.option("-a", "--all", "everything", is_flag=True, help="Stopped containers, too.")
@place_options
@click.pass_obj
def ps_command(selection: Selection, everything: bool, settings: Settings) -> None:
    """List the project's containers."""

    async def work(session: Session) -> int:
        from boathook.clock import SystemClock
        from boathook.compose.table import container_table
        from boathook.runtimes.base import ContainerState

        project = await _standing_project(session, selection)
        shown = [
            one for one in await _containers(session, project.name) if everything or one.state is ContainerState.RUNNING
        ]
        click.echo(container_table(shown, SystemClock().now()), nl=False)
        return 0

    run(work, settings, codes=always(ERROR))


@click.command("logs")
@click.argument("services", nargs=-1)
@place_options
@click.pass_obj
def logs_command(selection: Selection, services: tuple[str, ...], settings: Settings) -> None:
    """Show what the project's containers have written. Hook output is not among it; see ``boathook show``."""

    async def work(session: Session) -> int:
        from boathook.compose.containers import service_of
        from boathook.compose.lines import PrefixedLines, show_log
        from boathook.compose.model import short_name

        project = await _standing_project(session, selection)
        runtime = await session.runtime()
        found = [one for one in await _containers(session, project.name) if not services or service_of(one) in services]
        names = tuple(short_name(project.name, one.spec.name) for one in found)
        lines = PrefixedLines(click.echo, names)
        for name, container in zip(names, found, strict=True):
            await show_log(runtime.logs(container.id), name, lines)
        return 0

    run(work, settings, codes=always(ERROR))


async def _attached(session: Session, project: Project, services: tuple[str, ...], settings: Settings) -> int:
    """Run the project in this process, reachable for ``stop`` and ``down`` of others through its socket."""
    from boathook.compose.attached import Attached
    from boathook.compose.lines import HookLines, PrefixedLines
    from boathook.compose.project import ProjectWorker
    from boathook.journal import target_lock
    from boathook.runtimes.base import NetworkMode

    lines = PrefixedLines(click.echo, tuple(_short_names(project)))
    session.listeners += [_progress(project), HookLines(lines)]
    interrupted = session.interrupted
    runtime = await session.runtime()
    async with session.context(command="compose up", title=project.name) as context:
        worker = ProjectWorker(project=project, runtime=runtime, context=context, network=NetworkMode(settings.network))
        attached = Attached(
            worker=worker,
            lines=lines,
            say=lambda text: click.echo(text, err=True),
            interrupted=interrupted,
            holding=lambda: target_lock(session.home, project.name, command="compose up", wait=timedelta(days=1)),
        )
        return await _reachable(session, context, runtime, attached.run(services))


async def _reachable(
    session: Session, context: Context, runtime: ContainerRuntime, work: Coroutine[Any, Any, int]
) -> int:
    """Do the work while other commands can ask this process, by its socket, for what concerns its containers."""
    import anyio

    from boathook.journal import SqliteObligations
    from boathook.supervisor.host import Host
    from boathook.supervisor.service import owner_socket, serving

    obligations = context.obligations
    assert isinstance(obligations, SqliteObligations)
    async with anyio.create_task_group() as tasks:
        host = Host(home=session.home, runtime=runtime, journal=obligations.journal, tasks=tasks, cluster=None)
        async with serving(host, session.home.socket(owner_socket(os.getpid()))):
            code = await work
            await host.until_answered()
        tasks.cancel_scope.cancel()
    return code


async def _call(
    session: Session, project: Project, operation: str, params: JsonObject, owner: int | None = None
) -> JsonObject:
    """Have the owner do it; show its progress, and the timeline of the hooks at the end."""
    from boathook.report.terminal import KeptTimeline

    kept = KeptTimeline()
    session.listeners[:] = [_progress(project), kept]
    try:
        return await session.call(operation, params, owner=owner)
    finally:
        if session.timeline and kept.saw_hooks:
            click.echo("\n" + kept.text(), err=True, nl=False)


async def _ask_owners(session: Session, project: Project, operation: str, params: JsonObject) -> list[JsonObject]:
    """Ask every process that keeps containers of the project; what nobody keeps any more is dealt with here."""
    from boathook.compose.standing import living_owners

    owners = living_owners(session.home, await _containers(session, project.name))
    if owners:
        return [await _call(session, project, operation, params, owner) for owner in owners]
    return [await _here(session, project, operation, params)]


async def _here(session: Session, project: Project, operation: str, params: JsonObject) -> JsonObject:
    """Do it in this process: nothing of the project runs any more that would end with it."""
    from boathook.compose import operations

    works = {"compose.stop": operations.stop, "compose.down": operations.down, "compose.kill": operations.kill}
    session.listeners[:] = [_progress(project)]
    runtime = await session.runtime()
    async with session.context(command=operation.replace(".", " "), title=project.name) as context:
        host = operations.Place(home=session.home, runtime=runtime)
        return await works[operation](host, params, context)


async def _refuse_other_owner(session: Session, project: str, *, detach: bool) -> None:
    """A project in the foreground of another terminal ends with it: nothing is added to it from outside."""
    from boathook.compose.standing import living_owners

    owners = set(living_owners(session.home, await _containers(session, project)))
    if detach:
        from boathook.supervisor.client import supervisor_pid

        owners -= {supervisor_pid(session.home)}
    if owners:
        who = ", ".join(str(pid) for pid in sorted(owners))
        raise Conflict(f'project "{project}" is already run by process {who}', hint="take it down first")


async def _standing_project(session: Session, selection: Selection, services: tuple[str, ...] = ()) -> Project:
    """The project that a command is about: from the file that is given, found, or named by its containers' labels."""
    from boathook.compose.model import PROJECT_LABEL
    from boathook.compose.standing import project_without_file, recorded_files

    if selection.options.files or selection.name is None:
        return selection.load(services=services)
    containers = await _containers(session, selection.name)
    if recorded := recorded_files(containers):
        click.echo(f"using {', '.join(recorded)}, which the containers were made from", err=True)
        return selection.load(recorded, services)
    if selection.is_anywhere():
        return selection.load(services=services)
    click.echo(f'warning: no Compose file of project "{selection.name}" is there any more: no hook runs', err=True)
    runtime = await session.runtime()
    volumes = await runtime.list_volumes({PROJECT_LABEL: selection.name})
    return project_without_file(selection.name, containers, volumes)


async def _containers(session: Session, project: str) -> Sequence[Container]:
    from boathook.compose.standing import standing_containers

    return await standing_containers(await session.runtime(), project)


def _params(
    project: Project,
    services: tuple[str, ...],
    settings: Settings,
    *,
    timeout: int | None = None,
    volumes: bool = False,
) -> JsonObject:
    from boathook.compose.operations import parameters

    grace = None if timeout is None else timedelta(seconds=timeout)
    return parameters(project, services=services, network=settings.network, grace=grace, volumes=volumes)


def _progress(project: Project) -> Listener:
    from boathook.compose.progress import Progress

    return Progress(lambda line: click.echo(line, err=True), _short_names(project))


def _short_names(project: Project) -> dict[str, str]:
    """The full container names by their short ones."""
    from boathook.compose.containers import container_name
    from boathook.compose.model import short_name

    names = [container_name(project, service) for service in project.services]
    return {short_name(project.name, name): name for name in names}
