"""``boathook compose stop``, ``down``, ``kill`` and ``rm``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from boathook.cli.compose.flags import ERROR, acting, grace, hook_options, said_by_environment, timeout_option
from boathook.cli.compose.routing import act, members_of, standing_project
from boathook.cli.compose.selection import Selection
from boathook.cli.session import Session, always, run
from boathook.compose.choosing import refuse_unknown
from boathook.errors import UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.compose.options import HookWishes


@click.command("stop")
@timeout_option("Seconds between the stop signal and SIGKILL.")
@click.argument("services", nargs=-1)
@hook_options
@acting
@click.pass_obj
def stop_command(
    selection: Selection, timeout: int | None, services: tuple[str, ...], hooks: HookWishes, settings: Settings
) -> None:
    """Stop services, dependants first, each after its pre_stop hooks."""

    async def work(session: Session) -> int:
        from boathook.compose.options import StopOptions

        project = await standing_project(session, selection, services)
        refuse_unknown(services, project.names)
        options = StopOptions(services=services, hooks=hooks, grace=grace(timeout))
        await act(session, selection, project, "compose.stop", options, command="compose stop")
        return 0

    run(work, settings, codes=always(ERROR))


@click.command("down")
@click.option("-v", "--volumes", is_flag=True, help="Remove the project's volumes, too.")
@click.option("--remove-orphans", is_flag=True, help="Remove containers of services that the file does not have.")
@click.option("--rmi", metavar="WHICH", help="Remove the services' images, too: all, or local (without a tag).")
@timeout_option("Seconds between the stop signal and SIGKILL.")
@click.argument("services", nargs=-1)
@hook_options
@acting
@click.pass_obj
def down_command(
    selection: Selection,
    volumes: bool,
    remove_orphans: bool,
    rmi: str | None,
    timeout: int | None,
    services: tuple[str, ...],
    hooks: HookWishes,
    settings: Settings,
) -> None:
    """Stop and remove services, dependants first, each after its pre_stop hooks."""

    async def work(session: Session) -> int:
        from boathook.compose.options import DownOptions

        if rmi not in (None, "all", "local"):
            raise UsageError(f'invalid value for --rmi: "{rmi}"')
        project = await standing_project(session, selection, services)
        refuse_unknown(services, project.names)
        options = DownOptions(
            services=services,
            hooks=hooks,
            grace=grace(timeout),
            volumes=volumes,
            remove_orphans=remove_orphans or said_by_environment("COMPOSE_REMOVE_ORPHANS"),
            images=rmi or "",
        )
        results = await act(session, selection, project, "compose.down", options, command="compose down")
        if not any(result["found"] for result in results):
            click.echo(f'warning: No resource found to remove for project "{project.name}".', err=True)
        return 0

    run(work, settings, codes=always(ERROR))


@click.command("kill")
@click.option("-s", "--signal", default="SIGKILL", show_default=True, help="What is sent.")
@click.option("--remove-orphans", is_flag=True, help="Remove containers of services that the file does not have.")
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def kill_command(
    selection: Selection, signal: str, remove_orphans: bool, services: tuple[str, ...], settings: Settings
) -> None:
    """End services at once; no hook runs."""

    async def work(session: Session) -> int:
        from boathook.compose.options import KillOptions

        project = await standing_project(session, selection, services)
        refuse_unknown(services, project.names)
        options = KillOptions(services=services, signal=_signal(signal), remove_orphans=remove_orphans)
        results = await act(session, selection, project, "compose.kill", options, command="compose kill")
        if not any(result["killed"] for result in results):
            click.echo("no container to kill", err=True)
        return 0

    run(work, settings, codes=always(ERROR))


def _signal(given: str) -> str:
    """``TERM`` and ``sigterm`` mean ``SIGTERM``; a number stays one."""
    name = given.upper()
    return name if name.isdigit() or name.startswith("SIG") else f"SIG{name}"


@click.command("rm")
@click.option("-f", "--force", is_flag=True, help="Do not ask.")
@click.option("-s", "--stop", is_flag=True, help="Stop them before, each after its pre_stop hooks.")
@click.option("-v", "--volumes", is_flag=True, help="Remove their volumes without a name, too.")
@click.argument("services", nargs=-1)
@hook_options
@acting
@click.pass_obj
def rm_command(
    selection: Selection,
    force: bool,
    stop: bool,
    volumes: bool,
    services: tuple[str, ...],
    hooks: HookWishes,
    settings: Settings,
) -> None:
    """Remove containers that have stopped."""

    async def work(session: Session) -> int:
        from boathook.compose.choosing import removable
        from boathook.compose.options import RemoveOptions, StopOptions

        project = await standing_project(session, selection, services)
        refuse_unknown(services, project.names)
        if stop:
            stopping = StopOptions(services=services, hooks=hooks, cause="rm")
            await act(session, selection, project, "compose.stop", stopping, command="compose rm")
        options = RemoveOptions(services=services, hooks=hooks, volumes=volumes)
        found = removable(await members_of(session, project), services or project.names)
        names = [member.name for member in found]
        if not names:
            click.echo("No stopped containers", err=True)
            return 0
        text = f"Going to remove {', '.join(names)}"
        if force:
            click.echo(text)
        elif not click.confirm(text, prompt_suffix="? "):
            return 0
        await act(session, selection, project, "compose.remove", options, command="compose rm")
        return 0

    run(work, settings, codes=always(ERROR))
