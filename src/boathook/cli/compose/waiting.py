"""``boathook compose wait``: the ends of the containers that stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from boathook.cli.compose.flags import ERROR, acting, hook_options
from boathook.cli.compose.routing import act, members_of, project_place, standing_project
from boathook.cli.compose.selection import Selection
from boathook.cli.session import Session, always, run
from boathook.compose.choosing import refuse_unknown
from boathook.errors import NotFound
from boathook.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boathook.compose.options import HookWishes
    from boathook.compose.place import Member, ProjectPlace


@click.command("wait")
@click.option("--down-project", is_flag=True, help="Take the project down when the first of them has ended.")
@click.argument("services", nargs=-1, required=True)
@hook_options
@acting
@click.pass_obj
def wait_command(
    selection: Selection, down_project: bool, services: tuple[str, ...], hooks: HookWishes, settings: Settings
) -> None:
    """Wait until the containers of services have ended. The last one's exit code is this command's."""

    async def work(session: Session) -> int:
        project = await standing_project(session, selection, services)
        refuse_unknown(services, project.names)
        members = [one for one in await members_of(session, project) if one.service in services and not one.oneoff]
        if not members:
            raise NotFound(f'no containers for project "{project.name}"')
        code = await _until_ended(await project_place(session), members, first=down_project)
        if down_project:
            from boathook.compose.options import DownOptions

            await act(session, selection, project, "compose.down", DownOptions(hooks=hooks), command="compose wait")
        return code

    run(work, settings, codes=always(ERROR))


async def _until_ended(place: ProjectPlace, members: Sequence[Member], *, first: bool) -> int:
    """Say how each has ended; the last one's exit code. ``first``: one is enough."""
    import anyio

    codes: list[int] = []
    async with anyio.create_task_group() as tasks:

        async def one(member: Member) -> None:
            codes.append((await place.wait(member.id)).command_code)
            click.echo(f'container "{member.id}" exited with status code {codes[-1]}')
            if first:
                tasks.cancel_scope.cancel()

        for member in members:
            tasks.start_soon(one, member)
    return codes[-1]
