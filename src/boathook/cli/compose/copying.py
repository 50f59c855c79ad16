"""``boathook compose cp``: files into containers and out of them."""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from boathook.cli.compose.flags import ERROR, acting
from boathook.cli.compose.looking import project_name
from boathook.cli.compose.routing import project_place
from boathook.cli.compose.selection import Selection
from boathook.cli.session import Session, always, run
from boathook.errors import NotFound, UsageError
from boathook.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from boathook.compose.place import Member, PathStat, ProjectPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyFlags:
    """The flags of ``cp`` as they are given."""

    index: int
    everything: bool
    archive: bool
    follow_link: bool


@click.command("cp")
@click.option("--index", type=int, default=0, metavar="NUMBER", help="Of which replica.")
@click.option("--all", "everything", is_flag=True, help="Those of run, too.")
@click.option("-a", "--archive", is_flag=True, help="Give what is copied in to the container's user.")
@click.option("-L", "--follow-link", is_flag=True, help="Copy what a link means, and not the link.")
@click.argument("paths", nargs=-1, metavar="SOURCE DESTINATION")
@acting
@click.pass_obj
def cp_command(
    selection: Selection,
    index: int,
    everything: bool,
    archive: bool,
    follow_link: bool,
    paths: tuple[str, ...],
    settings: Settings,
) -> None:
    """Copy between a container of a service and this machine: SERVICE:PATH PATH, or PATH SERVICE:PATH.

    A path - is a tar archive on standard output or input. To a service goes to all its replicas, from one comes
    from the first.
    """
    flags = CopyFlags(index=index, everything=everything, archive=archive, follow_link=follow_link)

    async def work(session: Session) -> int:
        from boathook.compose.copying import split_argument

        if len(paths) != 2:
            raise UsageError("'compose cp' requires 2 arguments")
        source, destination = paths
        for what, text in (("source", source), ("destination", destination)):
            if not text:
                raise UsageError(f"{what} can not be empty")
        (from_service, inner), (to_service, outer) = split_argument(source), split_argument(destination)
        if from_service and to_service:
            raise UsageError("copying between services is not supported")
        if not from_service and not to_service:
            raise UsageError("unknown copy direction")
        place = await project_place(session)
        members = await place.members(project_name(selection))
        chosen = _chosen(members, from_service or to_service, flags)
        if from_service:
            await _told(_out(place, chosen[0], inner, outer, flags), chosen[0], f"{chosen[0].name}:{inner} to {outer}")
            return 0
        for member in chosen:
            await _told(_in(place, member, inner, outer, flags), member, f"{inner} to {member.name}:{outer}")
        return 0

    run(work, settings, timeline=False, codes=always(ERROR))


def _chosen(members: tuple[Member, ...], service: str, flags: CopyFlags) -> list[Member]:
    """Oldest number first. Raises ``NotFound`` in the peer's words."""
    from boathook.compose.choosing import listed, one_of

    if flags.index > 0:
        return [one_of(members, service, flags.index, everything=True, oneoffs=False)]
    found = listed(members, services=(service,), oneoffs=flags.everything)
    if not found:
        raise NotFound(f'no container found for service "{service}"')
    return sorted(found, key=lambda one: (one.oneoff, one.number))


async def _told(work: Awaitable[None], member: Member, what: str) -> None:
    click.echo(f" {member.name} copy {what} Copying", err=True)
    await work
    click.echo(f" {member.name} copy {what} Copied", err=True)


async def _out(place: ProjectPlace, member: Member, inner: str, outer: str, flags: CopyFlags) -> None:
    from boathook.compose import copying

    path = inner if inner.startswith("/") else f"/{inner}"
    name = copying.split_path(path)[1]
    target = None if outer == copying.STREAM else copying.local_stat(outer)
    if outer != copying.STREAM:
        copying.refuse_special("", outer, target)
    found = await _stat(place, member, path)
    if flags.follow_link and found is not None and found.link_target:
        path = copying.link_target(path, found)
        found = await _stat(place, member, path)
    if found is None:
        raise NotFound(f"Could not find the file {path} in container {member.id}")
    with tempfile.TemporaryFile() as archive:
        await place.copy_out(member.id, path, archive)
        archive.seek(0)
        if outer == copying.STREAM:
            shutil.copyfileobj(archive, sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        source = copying.Source(path=path, name=name, is_directory=_is_directory(found))
        copying.unpack(archive, source, copying.place_in(source, outer, target))


async def _in(place: ProjectPlace, member: Member, inner: str, outer: str, flags: CopyFlags) -> None:
    from boathook.compose import copying

    path = outer if outer.startswith("/") else f"/{outer}"
    found = await _stat(place, member, path)
    if found is not None and found.link_target:
        path = copying.link_target(path, found)
        found = await _stat(place, member, path)
    copying.refuse_special(member.id, outer, found)
    with tempfile.TemporaryFile() as archive:
        if inner == copying.STREAM:
            if found is None or not _is_directory(found):
                raise UsageError(f'destination "{member.id}:{outer}" must be a directory')
            shutil.copyfileobj(sys.stdin.buffer, archive)
            directory = path
        else:
            source = copying.local_source(inner, follow_link=flags.follow_link)
            target = copying.place_in(source, path, found)
            copying.make_archive(source, target.name, archive)
            directory = target.directory
        archive.seek(0)
        await place.copy_in(member.id, directory, archive, to_user=flags.archive)


async def _stat(place: ProjectPlace, member: Member, path: str) -> PathStat | None:
    try:
        return await place.stat_path(member.id, path)
    except NotFound:
        return None


def _is_directory(found: PathStat) -> bool:
    import stat

    return stat.S_ISDIR(found.mode)
