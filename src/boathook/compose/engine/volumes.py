"""A project's named volumes in an engine. They are removed only when somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from boathook.compose import model
from boathook.compose.engine.form import records, text
from boathook.compose.engine.labels import filters, is_ours, of_project, own_labels, volume_labels
from boathook.compose.engine.telling import warn
from boathook.compose.model import NamedVolume, Project, Service
from boathook.compose.turns import side_by_side
from boathook.errors import Conflict, NotFound
from boathook.events import EventStream, ObjectApplied, ObjectDeleted
from boathook.model import Target
from boathook.objects import mapping
from boathook.runtimes.docker.engine import Engine, Refused

Found = Mapping[str, Any]


async def create_volumes(engine: Engine, project: Project, services: Iterable[Service], events: EventStream) -> None:
    """Those that these services use."""
    used = {text(one, "source") for service in services for one in records(service.form, "volumes")}
    await side_by_side(
        partial(_ensure, engine, project, volume, events) for volume in project.volumes if volume.key in used
    )


async def _ensure(engine: Engine, project: Project, volume: NamedVolume, events: EventStream) -> None:
    found = await _find(engine, volume.name)
    if volume.external:
        if found is None:
            raise NotFound(f'external volume "{volume.name}" not found')
        return
    if found is not None:
        _check_labels(project, volume, found, events)
        return
    await engine.call("POST", "volumes/create", body=volume_body(project, volume))
    events.emit(ObjectApplied(target=_target(project, volume.name), change="created", inert=False))


async def _find(engine: Engine, name: str) -> Found | None:
    try:
        found: Found = await engine.call("GET", f"volumes/{name}")
    except NotFound:
        return None
    return found


def _check_labels(project: Project, volume: NamedVolume, found: Found, events: EventStream) -> None:
    """Somebody else's is used all the same, and said (pkg/compose/create.go: ensureVolume)."""
    owner = (found.get("Labels") or {}).get(model.PROJECT_LABEL)
    remedy = "Use `external: true` to use an existing volume"
    if owner is None:
        warn(events, project, f'volume "{volume.name}" already exists but was not created by Docker Compose. {remedy}')
    elif owner != project.name:
        warn(
            events,
            project,
            f'volume "{volume.name}" already exists but was created for project "{owner}" '
            f'(expected "{project.name}"). {remedy}',
        )
    elif diverged(project, volume, found):
        warn(
            events,
            project,
            f'volume "{volume.name}" exists but doesn\'t match configuration in compose file. It is used as it is: '
            "what it holds is not thrown away",
        )


def diverged(project: Project, volume: NamedVolume, found: Found) -> bool:
    """Whether one of the project's own is not as the file wants it any more. Pure."""
    labels, body = found.get("Labels") or {}, volume_body(project, volume)
    if is_ours(labels):
        return bool(labels.get(model.HASH_LABEL) != body["Labels"][model.HASH_LABEL])
    wanted = body["Driver"] or "local", body["DriverOpts"] or {}, own_labels(body["Labels"])
    return wanted != (found.get("Driver"), found.get("Options") or {}, own_labels(labels))


def volume_body(project: Project, volume: NamedVolume) -> dict[str, Any]:
    """One ``create`` call."""
    options = mapping(volume.form, "driver_opts")
    return {
        "Name": volume.name,
        "Driver": text(volume.form, "driver"),
        "DriverOpts": {name: str(value) for name, value in options.items()} or None,
        "Labels": volume_labels(project, volume),
    }


async def remove_volumes(engine: Engine, project: Project, events: EventStream) -> int:
    """Those of the file that are there and not external."""
    names = {one.name for one in project.volumes if not one.external}
    if not project.volumes:
        answer = await engine.call("GET", "volumes", query=filters(of_project(project.name)))
        names = {one["Name"] for one in answer.get("Volumes") or ()}

    async def remove(name: str) -> None:
        try:
            await engine.call("DELETE", f"volumes/{name}", query={"force": True})
        except NotFound:
            return
        except (Conflict, Refused) as error:
            if "in use" not in str(error) and "being used" not in str(error):
                raise
            warn(events, project, f"Volume {name}  Resource is still in use")
            return
        events.emit(ObjectDeleted(target=_target(project, name), cause="down -v"))

    there = [name for name in sorted(names) if await _find(engine, name) is not None]
    await side_by_side(partial(remove, name) for name in there)
    return len(there)


def _target(project: Project, name: str) -> Target:
    return Target(kind="volume", scope=project.name, name=name, instance=name)
