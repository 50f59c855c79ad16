"""``boathook compose pull`` and ``build``: a project's images, without its containers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from boathook.cli.compose.display import QUIET
from boathook.cli.compose.flags import ERROR, acting, variable
from boathook.cli.compose.routing import project_place
from boathook.cli.compose.selection import Selection
from boathook.cli.session import Session, always, run
from boathook.errors import BoathookError, UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boathook.compose.model import Project, Service
    from boathook.compose.options import BuildWishes
    from boathook.compose.place import ProjectPlace
    from boathook.events import EventStream, Stamped

_NOT_SUPPORTED = {
    "push": "--push",
    "check": "--check",
    "print_bake": "--print",
    "builder": "--builder",
    "ssh": "--ssh",
    "sbom": "--sbom",
    "provenance": "--provenance",
}


@click.command("pull")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@click.option("--ignore-buildable", is_flag=True, help="Leave images out that can be built.")
@click.option("--ignore-pull-failures", "ignore_failures", is_flag=True, help="Pull what can be pulled.")
@click.option("--include-deps", is_flag=True, help="Those of the services that these need, too.")
@click.option("--policy", default="", metavar="[missing|always]", help="Instead of what each service says.")
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def pull_command(
    selection: Selection,
    quiet: bool,
    ignore_buildable: bool,
    ignore_failures: bool,
    include_deps: bool,
    policy: str,
    services: tuple[str, ...],
    settings: Settings,
) -> None:
    """Pull the images of services."""

    async def work(session: Session) -> int:
        from boathook.compose.pulling import Pull

        project = selection.load(services)
        place = await project_place(session)
        with _shown(selection, quiet=quiet) as events:
            pull = Pull(
                place=place,
                project=project,
                events=events,
                policy=policy,
                ignore_buildable=ignore_buildable,
                ignore_failures=ignore_failures,
                tell=lambda line: click.echo(line, err=True),
            )
            await pull.run(_chosen(project, services, deps=include_deps))
        return 0

    run(work, settings, timeline=False, codes=always(ERROR))


def _chosen(project: Project, services: tuple[str, ...], *, deps: bool) -> list[Service]:
    """These services, or all; ``deps``: with all that they need. Raises ``UsageError``."""
    from boathook.compose.choosing import refuse_unknown

    refuse_unknown(services, project.names)
    wanted, left = set(services), list(services)
    while deps and left:
        needed = {one.service for one in project.service(left.pop()).depends_on if one.service in project.names}
        left += needed - wanted
        wanted |= needed
    return [one for one in project.services if not services or one.name in wanted]


@contextmanager
def _shown(selection: Selection, *, quiet: bool) -> Iterator[EventStream]:
    """What the place says of images inside the block goes to the terminal."""
    from boathook.events import EventStream, ImageProgress

    def show(stamped: Stamped) -> None:
        event = stamped.event
        if not isinstance(event, ImageProgress) or quiet or selection.display.progress == QUIET:
            return
        if event.act == "build":
            click.echo(event.text, nl=False)
        else:
            click.echo(f" {event.service} {event.text.rstrip()} ", err=True)

    events = EventStream()
    with events.listening(show):
        yield events


@click.command("build")
@click.option("--build-arg", "arguments", multiple=True, metavar="KEY[=VALUE]", help="Set a variable of the build.")
@click.option("--no-cache", is_flag=True, help="Do every step again.")
@click.option("--pull", is_flag=True, help="Ask for newer base images.")
@click.option("-q", "--quiet", is_flag=True, help="Show no output.")
@click.option("-m", "--memory", metavar="BYTES", default="", help="Limit of memory of each step, e.g. 512m.")
@click.option("--with-dependencies", "deps", is_flag=True, help="Those of the services that these need, too.")
@click.option("--progress", hidden=True, default="")
@click.option("--push", is_flag=True, help="Not done.")
@click.option("--check", is_flag=True, help="Not done.")
@click.option("--print", "print_bake", is_flag=True, help="Not done.")
@click.option("--builder", default="", help="Not done: the engine's own builder builds.")
@click.option("--ssh", default="", help="Not done.")
@click.option("--sbom", default="", help="Not done.")
@click.option("--provenance", default="", help="Not done.")
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def build_command(
    selection: Selection,
    /,
    arguments: tuple[str, ...],
    no_cache: bool,
    pull: bool,
    quiet: bool,
    memory: str,
    deps: bool,
    progress: str,
    services: tuple[str, ...],
    settings: Settings,
    **refused: bool | str,
) -> None:
    """Build the images of services with the engine's own builder."""

    async def work(session: Session) -> int:
        from boathook.compose.options import BuildWishes

        for name, flag in _NOT_SUPPORTED.items():
            if refused[name]:
                raise UsageError(f"{flag} is not supported: images are built by the engine's own builder")
        project = selection.load(services)
        wishes = BuildWishes(
            no_cache=no_cache,
            pull=pull,
            arguments=tuple(variable(one) for one in arguments),
            memory=_bytes(memory),
        )
        chosen = _in_order([one for one in _chosen(project, services, deps=deps) if one.build is not None], project)
        place = await project_place(session)
        with _shown(selection, quiet=quiet) as events:
            await _build(place, project, chosen, wishes, events, quiet=quiet)
        return 0

    run(work, settings, timeline=False, codes=always(ERROR))


def _bytes(text: str) -> int | None:
    from boathook.compose.reading.shapes import size_bytes

    try:
        return size_bytes(text) if text else None
    except ValueError as error:
        raise UsageError(f'invalid argument "{text}" for "-m, --memory" flag: invalid size: \'{text}\'') from error


def _in_order(services: Sequence[Service], project: Project) -> list[Service]:
    """What others need is built before them: its image may be the base of theirs."""
    from boathook.compose.order import start_order

    named = {one.name: one for one in services}
    return [named[turn.service] for turn in start_order(project) if turn.service in named]


async def _build(
    place: ProjectPlace,
    project: Project,
    services: Sequence[Service],
    wishes: BuildWishes,
    events: EventStream,
    *,
    quiet: bool,
) -> None:
    """One after the other. Raises with the engine's words."""
    for service in services:
        if not quiet:
            click.echo(f" Service {service.name}  Building", err=True)
        try:
            await place.build(project, service, events, wishes)
        except BoathookError:
            click.echo(f" Service {service.name}  Error", err=True)
            raise
        if not quiet:
            click.echo(f" Service {service.name}  Built", err=True)
