"""Takes a whole project away at once, for those whose projects are tests: no hook runs, and nothing stays."""

from __future__ import annotations

from contextlib import suppress

from boathook.compose.model import Project
from boathook.compose.place import ProjectPlace
from boathook.errors import NotFound
from boathook.events import EventStream


async def leave_nothing(place: ProjectPlace, name: str, project: Project | None, events: EventStream) -> None:
    """Remove the containers of the project of that name, and with ``project`` what they shared, volumes included."""
    for one in await place.members(name):
        with suppress(NotFound):
            await place.remove(one.id)
    if project is None:
        return
    await place.remove_helpers(name, sorted(project.names))
    await place.remove_networks(project, events)
    await place.remove_volumes(project, events)
