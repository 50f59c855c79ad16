"""What an engine tells of a project when somebody looks: processes, images, volumes."""

from __future__ import annotations

import json

from boathook.compose import model
from boathook.compose.place import ImageFacts, Member, PlaceVolume
from boathook.errors import NotFound, NotRunning
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.state import moment


async def top(engine: Engine, container: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Titles and rows, as the engine's machine has them. Raises ``NotRunning``."""
    found = await engine.call("GET", f"containers/{container}/top", query={"stream": False})
    if isinstance(found, str):  # Podman does not say that it is JSON, and says nothing of what does not run.
        if not found.strip():
            raise NotRunning(f"container {container} is not running")
        found = json.loads(found)
    titles = tuple(str(one) for one in found.get("Titles") or ())
    rows = tuple(tuple(str(one) for one in row) for row in found.get("Processes") or ())
    return _split(titles, rows) if engine.podman else (titles, rows)


def _split(
    titles: tuple[str, ...], rows: tuple[tuple[str, ...], ...]
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Podman may give a whole line as one column (measured with 4.3)."""
    if len(titles) != 1:
        return titles, rows
    names = tuple(titles[0].split())
    lines = (row[0].split(maxsplit=len(names) - 1) for row in rows if row)
    return tuple("CMD" if one == "COMMAND" else one for one in names), tuple(tuple(line) for line in lines)


async def image_facts(engine: Engine, member: Member) -> ImageFacts:
    """By its id: its name may mean another image by now."""
    try:
        found = await engine.call("GET", f"images/{member.image_id or member.image}/json")
    except NotFound:
        return ImageFacts(id=member.image_id, platform="", size=0, created=None, tagged=None)
    platform = "/".join(str(found[key]) for key in ("Os", "Architecture", "Variant") if found.get(key))
    return ImageFacts(
        id=str(found.get("Id") or ""),
        platform=platform,
        size=int(found.get("Size") or 0),
        created=moment(str(found.get("Created") or "")),
        tagged=moment(str((found.get("Metadata") or {}).get("LastTagTime") or "")),
    )


async def volumes(engine: Engine, project: str) -> tuple[PlaceVolume, ...]:
    query = {"filters": {"label": [f"{model.PROJECT_LABEL}={project}"]}}
    found = (await engine.call("GET", "volumes", query=query)).get("Volumes") or ()
    return tuple(
        PlaceVolume(
            name=str(one["Name"]),
            driver=str(one.get("Driver") or ""),
            mountpoint=str(one.get("Mountpoint") or ""),
            labels=one.get("Labels") or {},
        )
        for one in sorted(found, key=lambda one: str(one["Name"]))
    )
