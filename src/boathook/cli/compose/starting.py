"""``boathook compose create``, ``start``, ``restart``, ``scale``, ``pause`` and ``unpause``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from boathook.cli.compose.flags import (
    ERROR,
    acting,
    grace,
    hook_options,
    image_wishes,
    quiet_acts,
    said_by_environment,
    scales,
    timeout_option,
)
from boathook.cli.compose.routing import act, standing_project
from boathook.cli.compose.selection import Selection
from boathook.cli.session import Session, always, run
from boathook.compose.choosing import refuse_unknown
from boathook.errors import NotFound, UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.compose.options import HookWishes


@click.command("create")
@click.option("--build", is_flag=True, help="Build images before.")
@click.option("--no-build", is_flag=True, help="Build no image, even where it is missing.")
@click.option("--pull", metavar="POLICY", help="always, missing, never or build; else as each service says.")
@click.option("--quiet-pull", is_flag=True, help="Show no progress of pulls.")
@click.option("--force-recreate", is_flag=True, help="Replace containers that are as the file wants them.")
@click.option("--no-recreate", is_flag=True, help="Replace no container.")
@click.option("--remove-orphans", is_flag=True, help="Remove containers of services that the file does not have.")
@click.option("--scale", multiple=True, metavar="SERVICE=NUM", help="Another number of containers than the file's.")
@click.option("-y", "--yes", is_flag=True, help="Nothing is asked in any case.")
@click.argument("services", nargs=-1)
@hook_options
@acting
@click.pass_obj
def create_command(
    selection: Selection,
    build: bool,
    no_build: bool,
    pull: str | None,
    quiet_pull: bool,
    force_recreate: bool,
    no_recreate: bool,
    remove_orphans: bool,
    scale: tuple[str, ...],
    yes: bool,
    services: tuple[str, ...],
    hooks: HookWishes,
    settings: Settings,
) -> None:
    """Create the containers of services; nothing starts, and no hook runs unless one is replaced that runs."""

    async def work(session: Session) -> int:
        from boathook.compose.options import UpOptions

        if force_recreate and no_recreate:
            raise UsageError("--force-recreate and --no-recreate are incompatible")
        project = selection.load(services)
        refuse_unknown(services, project.names)
        options = UpOptions(
            services=services,
            hooks=hooks,
            images=image_wishes(pull=pull, build=build, no_build=no_build),
            scale=scales(scale, 'invalid --scale option "{}". Should be SERVICE=NUM'),
            force_recreate=force_recreate,
            recreate=not no_recreate,
            start=False,
            remove_orphans=remove_orphans or said_by_environment("COMPOSE_REMOVE_ORPHANS"),
            ignore_orphans=said_by_environment("COMPOSE_IGNORE_ORPHANS"),
            parallel=selection.parallel,
        )
        refuse_unknown(options.scale, project.names)
        quiet = quiet_acts(build=False, pull=quiet_pull)
        await act(session, selection, project, "compose.up", options, command="compose create", quiet=quiet)
        return 0

    run(work, settings, codes=always(ERROR))


@click.command("start")
@click.option("--wait", is_flag=True, help="Return only when all run and are healthy.")
@click.option("--wait-timeout", type=click.IntRange(min=0), metavar="SECONDS", help="How long at most.")
@click.argument("services", nargs=-1)
@hook_options
@acting
@click.pass_obj
def start_command(
    selection: Selection,
    wait: bool,
    wait_timeout: int | None,
    services: tuple[str, ...],
    hooks: HookWishes,
    settings: Settings,
) -> None:
    """Start containers that are there, each with its post_start hooks."""

    async def work(session: Session) -> int:
        from boathook.compose.options import StartOptions

        project = await standing_project(session, selection, services)
        if not project.services:
            raise NotFound(f'no container found for project "{project.name}": not found')
        options = StartOptions(services=services, hooks=hooks, wait=wait, wait_timeout=grace(wait_timeout))
        await act(session, selection, project, "compose.start", options, command="compose start")
        return 0

    run(work, settings, codes=always(ERROR))


@click.command("restart")
@click.option("--no-deps", is_flag=True, help="Leave dependants alone that the file wants restarted with it.")
@timeout_option("Seconds between the stop signal and SIGKILL.")
@click.argument("services", nargs=-1)
@hook_options
@acting
@click.pass_obj
def restart_command(
    selection: Selection,
    no_deps: bool,
    timeout: int | None,
    services: tuple[str, ...],
    hooks: HookWishes,
    settings: Settings,
) -> None:
    """Restart services: pre_stop hooks, stop, start, post_start hooks."""

    async def work(session: Session) -> int:
        from boathook.compose.options import RestartOptions

        project = await standing_project(session, selection, services)
        options = RestartOptions(services=services, hooks=hooks, grace=grace(timeout), deps=not no_deps)
        await act(session, selection, project, "compose.restart", options, command="compose restart")
        return 0

    run(work, settings, codes=always(ERROR))


@click.command("scale")
@click.option("--no-deps", is_flag=True, help="Leave the services alone that these need.")
@click.argument("replicas", nargs=-1, metavar="[SERVICE=REPLICAS]...")
@hook_options
@acting
@click.pass_obj
def scale_command(
    selection: Selection, no_deps: bool, replicas: tuple[str, ...], hooks: HookWishes, settings: Settings
) -> None:
    """Have so many containers of each service; those that are too many are stopped after their pre_stop hooks."""

    async def work(session: Session) -> int:
        from boathook.compose.options import UpOptions

        if not replicas:
            raise UsageError("requires at least 1 arg(s), only received 0")
        wanted = scales(replicas, "invalid scale specifier: {}")
        project = selection.load(tuple(wanted))
        refuse_unknown(wanted, project.names)
        options = UpOptions(
            services=tuple(wanted), hooks=hooks, scale=wanted, deps=not no_deps, parallel=selection.parallel
        )
        await act(session, selection, project, "compose.up", options, command="compose scale")
        return 0

    run(work, settings, codes=always(ERROR))


@click.command("pause")
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def pause_command(selection: Selection, services: tuple[str, ...], settings: Settings) -> None:
    """Halt the processes of services where they are; no hook runs."""
    _pause(selection, services, settings, "pause")


@click.command("unpause")
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def unpause_command(selection: Selection, services: tuple[str, ...], settings: Settings) -> None:
    """Let the processes of services go on; no hook runs."""
    _pause(selection, services, settings, "unpause")


def _pause(selection: Selection, services: tuple[str, ...], settings: Settings, word: str) -> None:
    async def work(session: Session) -> int:
        from boathook.compose.options import StopOptions

        project = await standing_project(session, selection, services)
        refuse_unknown(services, project.names)
        options = StopOptions(services=services, cause=word)
        await act(session, selection, project, f"compose.{word}", options, command=f"compose {word}")
        return 0

    run(work, settings, codes=always(ERROR))
