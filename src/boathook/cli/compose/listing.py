"""``boathook compose ps``, ``ls``, ``images``, ``volumes``, ``port``, ``top`` and ``version``: what stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from boathook.cli.compose.flags import ERROR, acting
from boathook.cli.compose.looking import project_name, project_or_name
from boathook.cli.compose.routing import project_place
from boathook.cli.compose.selection import Selection
from boathook.cli.session import Session, always, run, told
from boathook.errors import UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.compose.place import Member

FORMAT_HELP = "table, json, a Go template, or 'table TEMPLATE'."


@click.command("ps")
@click.option("-a", "--all", "everything", is_flag=True, help="Stopped containers and those of run, too.")
@click.option("-q", "--quiet", is_flag=True, help="Only their ids.")
@click.option("--services", "only_services", is_flag=True, help="Only the names of their services.")
@click.option("--status", "statuses", multiple=True, metavar="STATUS", help="Only in this state. May be repeated.")
@click.option("--filter", "filtered", default="", metavar="status=STATUS", help="The same as --status.")
@click.option("--format", "style", default="table", metavar="FORMAT", help=FORMAT_HELP)
@click.option("--no-trunc", "whole", is_flag=True, help="Cut nothing short.")
@click.option("--orphans", type=click.BOOL, default=True, is_flag=False, flag_value=True, help="false: without them.")
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def ps_command(
    selection: Selection,
    everything: bool,
    quiet: bool,
    only_services: bool,
    statuses: tuple[str, ...],
    filtered: str,
    style: str,
    whole: bool,
    orphans: bool,
    services: tuple[str, ...],
    settings: Settings,
) -> None:
    """List the project's containers."""

    async def work(session: Session) -> int:
        from boathook.compose.choosing import listed, refuse_unknown
        from boathook.compose.showing.spoken import state_of

        wanted = statuses + _status_filter(filtered)
        project, name = project_or_name(selection, services)
        chosen = services
        if project is not None:
            refuse_unknown(services, project.names)
            chosen = services or (() if orphans else tuple(sorted(project.names)))
        found = await (await project_place(session)).members(name)
        all_states = everything or bool(wanted)
        shown = listed(found, services=chosen, everything=all_states, oneoffs=all_states)
        shown = [one for one in shown if not wanted or state_of(one) in wanted]
        if quiet:
            click.echo("".join(f"{one.id}\n" for one in shown), nl=False)
        elif only_services:
            click.echo("\n".join(dict.fromkeys(one.service for one in shown)))
        else:
            click.echo(_containers(shown, style, whole=whole), nl=False)
        return 0

    run(work, settings, timeline=False, codes=always(ERROR))


def _status_filter(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    key, separator, value = text.partition("=")
    if not separator:
        raise UsageError("arguments to --filter should be in form KEY=VAL")
    if key != "status":
        raise UsageError("not implemented" if key == "source" else f"unknown filter {key}")
    return (value,)


def _containers(members: list[Member], style: str, *, whole: bool) -> str:
    from boathook.clock import SystemClock
    from boathook.compose.showing.listing import containers_listed

    return containers_listed(members, SystemClock().now(), whole=whole).shown(style)


@click.command("ls")
@click.option("-a", "--all", "everything", is_flag=True, help="Those of which nothing runs, too.")
@click.option("-q", "--quiet", is_flag=True, help="Only their names.")
@click.option("--filter", "filters", multiple=True, metavar="name=NAME", help="Only projects of this name.")
@click.option("--format", "style", default="table", metavar="[table|json]", help="Format.")
@acting
@click.pass_obj
def ls_command(
    selection: Selection, everything: bool, quiet: bool, filters: tuple[str, ...], style: str, settings: Settings
) -> None:
    """List projects."""

    async def work(session: Session) -> int:
        from boathook.compose.showing.listing import projects_listed
        from boathook.compose.showing.table import columns, dumps

        patterns = _name_filters(filters)
        _refuse_format(style)
        projects = {
            name: [one for one in members if everything or one.stoppable]
            for name, members in (await (await project_place(session)).projects()).items()
            if not patterns or any(_matches(pattern, name) for pattern in patterns)
        }
        rows = projects_listed({name: members for name, members in projects.items() if members})
        if quiet:
            click.echo("".join(f"{row['Name']}\n" for row in rows), nl=False)
        elif style == "json":
            click.echo(dumps([dict(row) for row in rows]))
        else:
            lines = [("NAME", "STATUS", "CONFIG FILES"), *(tuple(row.values()) for row in rows)]
            click.echo(columns(lines, least=20, padding=3), nl=False)
        return 0

    run(work, settings, timeline=False, codes=always(ERROR))


def _name_filters(filters: tuple[str, ...]) -> list[str]:
    """Raises ``UsageError`` in the words of the docker CLI."""
    names = []
    for one in filters:
        key, separator, value = one.partition("=")
        if not separator:
            raise UsageError(f'invalid argument "{one}" for "--filter" flag: invalid filter \'{one}\'')
        if key.strip().lower() != "name":
            raise UsageError(f"invalid filter '{key.strip().lower()}'")
        names.append(value.strip())
    return names


def _matches(pattern: str, name: str) -> bool:
    """As an engine's filters match: the whole, or as a regular expression anywhere in it."""
    import re

    try:
        return pattern == name or re.search(pattern, name) is not None
    except re.error:
        return False


def _refuse_format(style: str) -> None:
    if style.lower() not in ("table", "pretty", "json", ""):
        raise UsageError(f'format value "{style}" could not be parsed: parsing failed')


@click.command("images")
@click.option("-q", "--quiet", is_flag=True, help="Only their ids.")
@click.option("--format", "style", default="table", metavar="[table|json]", help="Format.")
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def images_command(
    selection: Selection, quiet: bool, style: str, services: tuple[str, ...], settings: Settings
) -> None:
    """List the images that the project's containers were made of."""

    async def work(session: Session) -> int:
        from boathook.clock import SystemClock
        from boathook.compose.choosing import listed
        from boathook.compose.showing.image_listing import image_json, image_table

        _refuse_format(style)
        place = await project_place(session)
        members = listed(await place.members(project_name(selection)), services=services, oneoffs=True)
        found = [(member, await place.image_facts(member)) for member in members]
        if quiet:
            ids = dict.fromkeys(facts.id.rpartition(":")[2] for _, facts in found)
            click.echo("".join(f"{one}\n" for one in ids), nl=False)
        elif style == "json":
            click.echo(image_json(found))
        else:
            click.echo(image_table(found, SystemClock().now()), nl=False)
        return 0

    run(work, settings, timeline=False, codes=always(ERROR))


@click.command("volumes")
@click.option("-q", "--quiet", is_flag=True, help="Only their names.")
@click.option("--format", "style", default="table", metavar="FORMAT", help=FORMAT_HELP)
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def volumes_command(
    selection: Selection, quiet: bool, style: str, services: tuple[str, ...], settings: Settings
) -> None:
    """List the project's volumes."""

    async def work(session: Session) -> int:
        from boathook.compose.choosing import refuse_unknown
        from boathook.compose.showing.listing import volumes_listed

        project, name = project_or_name(selection, services)
        if project is not None:
            refuse_unknown(services, project.names)
        place = await project_place(session)
        found = await place.volumes(name)
        if services:
            used = {one for member in await place.members(name) if member.service in services for one in member.mounts}
            found = tuple(one for one in found if one.name in used)
        if quiet:
            click.echo("".join(f"{one.name}\n" for one in found), nl=False)
        else:
            click.echo(volumes_listed(found).shown(style), nl=False)
        return 0

    run(work, settings, timeline=False, codes=always(ERROR))


@click.command("port")
@click.option("--protocol", default="tcp", metavar="PROTOCOL", help="tcp (default) or udp.")
@click.option("--index", type=int, default=0, metavar="NUMBER", help="Of which replica.")
@click.argument("words", nargs=-1, metavar="SERVICE PRIVATE_PORT")
@acting
@click.pass_obj
def port_command(selection: Selection, protocol: str, index: int, words: tuple[str, ...], settings: Settings) -> None:
    """Print where the machine listens for a port of a service."""

    async def work(session: Session) -> int:
        from boathook.compose.choosing import one_of

        if len(words) < 2:
            raise UsageError(f"requires at least 2 arg(s), only received {len(words)}")
        service, port, kind = words[0], _port_number(words[1]), protocol.lower()
        found = await (await project_place(session)).members(project_name(selection))
        member = one_of(found, service, index)
        for one in member.ports:
            if one.target == port and one.protocol == kind:
                click.echo(f"{one.host_ip}:{one.published}")
                return 0
        others = ", ".join(f"{one.published}/{one.protocol}" for one in member.ports)
        raise UsageError(f"no port {port}/{kind} for container {member.name}: {others}")

    run(work, settings, timeline=False, codes=always(ERROR))


def _port_number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise UsageError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    if int(text) > 65535:
        raise UsageError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)


@click.command("top")
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def top_command(selection: Selection, services: tuple[str, ...], settings: Settings) -> None:
    """Show the processes of the project's containers."""

    async def work(session: Session) -> int:
        from boathook.compose.choosing import listed
        from boathook.compose.processes import Processes, process_table

        place = await project_place(session)
        members = await place.members(project_name(selection))
        shown = listed(members, services=services, everything=False, oneoffs=True)
        found = [Processes.of(member, *(await place.top(member.id))) for member in shown]
        click.echo(process_table(found), nl=False)
        return 0

    run(work, settings, timeline=False, codes=always(ERROR))


@click.command("version")
@click.option("--short", is_flag=True, help="Only the release of Docker Compose that is meant.")
@click.option("-f", "--format", "style", default="", metavar="[pretty|json]", help="Format.")
def version_command(short: bool, style: str) -> None:
    """Show the version, and which release of Docker Compose it does as."""
    told(lambda: click.echo(_version(short, style)), codes=always(ERROR))


def _version(short: bool, style: str) -> str:
    from boathook import __version__
    from boathook.compose.model import PEER_VERSION
    from boathook.compose.showing.table import dumps

    if short:
        return PEER_VERSION
    if style == "json":
        return dumps({"version": f"v{PEER_VERSION}", "boathook": __version__})
    return f"Boathook {__version__}, as Docker Compose version v{PEER_VERSION}"
