"""``boathook compose events``: what happens to the project's containers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from boathook.cli.compose.flags import ERROR, acting
from boathook.cli.compose.looking import project_name
from boathook.cli.compose.routing import project_place
from boathook.cli.compose.selection import Selection
from boathook.cli.session import Session, always, run
from boathook.settings import Settings

if TYPE_CHECKING:
    from boathook.compose.place import PlaceEvent


@click.command("events")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--since", default="", metavar="WHEN", help="Also what has happened since.")
@click.option("--until", default="", metavar="WHEN", help="End then.")
@click.argument("services", nargs=-1)
@acting
@click.pass_obj
def events_command(
    selection: Selection, as_json: bool, since: str, until: str, services: tuple[str, ...], settings: Settings
) -> None:
    """Show what happens to the project's containers, until Ctrl-C."""

    async def work(session: Session) -> int:
        from boathook.clock import SystemClock
        from boathook.compose.happening import happenings
        from boathook.compose.model import ONEOFF_LABEL
        from boathook.compose.moments import parse_moment

        now = SystemClock().now()
        begin = parse_moment(since, now) if since else None
        end = parse_moment(until, now) if until else None
        place = await project_place(session)
        async for event in happenings(place, project_name(selection), since=begin, until=end):
            if event.attributes.get(ONEOFF_LABEL) != "True" and (not services or event.service in services):
                click.echo(_as_json(event) if as_json else _as_text(event))
        return 0

    run(work, settings, timeline=False, codes=always(ERROR))


def _attributes(event: PlaceEvent) -> dict[str, str]:
    """Without the peer's own labels."""
    from boathook.compose.model import LABEL

    return {name: value for name, value in sorted(event.attributes.items()) if not name.startswith(LABEL)}


def _as_text(event: PlaceEvent) -> str:
    """With an empty line after it, as the peer has it."""
    attributes = ", ".join(f"{name}={value}" for name, value in _attributes(event).items())
    when = f"{event.at.astimezone():%Y-%m-%d %H:%M:%S.%f}"
    return f"{when} container {event.action} {event.container} ({attributes})\n"


def _as_json(event: PlaceEvent) -> str:
    from boathook.compose.showing.table import dumps, escaped

    return escaped(
        dumps(
            {
                "action": event.action,
                "attributes": dict(_attributes(event)),
                "id": event.container,
                "service": event.service,
                "time": event.at.astimezone().isoformat().replace("+00:00", "Z"),
                "type": "container",
            }
        )
    )
