"""Whether a container is as the file wants it: ours by its hash, the peer's by what the engine says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boathook.compose.engine.bodies import container_body
from boathook.compose.engine.inspection import unlike
from boathook.compose.engine.labels import is_ours
from boathook.compose.engine.listing import members
from boathook.compose.engine.references import around, shared_with
from boathook.compose.model import Project
from boathook.compose.place import Making, Member, Ready
from boathook.errors import NotFound
from boathook.runtimes.docker.engine import Engine

Found = Mapping[str, Any]

IMAGE_CHANGED = "its image changed"
NETWORKS_CHANGED = "its networks changed"
CONFIGURATION_CHANGED = "its configuration changed"


async def difference(
    engine: Engine,
    member: Member,
    project: Project,
    ready: Ready,
    *,
    found: Found,
    image: Found,
    networks: Mapping[str, str],
) -> str | None:
    """Why it is not, in a few words; None: it is.

    ``found``: the container as the engine describes it; ``image``: the service's image, likewise; ``networks``: the
    ids of those that are known to stand, by name.
    """
    if member.image_id != ready.image_id:
        return IMAGE_CHANGED
    if _networks_differ(member, project, ready, found, networks):
        return NETWORKS_CHANGED
    ours = is_ours(member.labels)
    if ours and member.config_hash != ready.service.config_hash:
        return CONFIGURATION_CHANGED
    if ours and not shared_with(ready.service):
        return None
    making = Making(name=member.name, number=member.number, labels=member.labels)
    try:
        known = await around(engine.api, project, ready.service, making, lambda: members(engine, project.name))
    except NotFound:
        return CONFIGURATION_CHANGED  # What it shares something with is gone.
    body = container_body(project, ready.service, ready.service.image, making, known)
    if ours:
        return CONFIGURATION_CHANGED if _shares_with_others(body, found) else None
    key = unlike(body, found, image.get("Config") or {}, dict(ready.service.labels))
    return None if key is None else f"{CONFIGURATION_CHANGED}: {key}"


def _networks_differ(member: Member, project: Project, ready: Ready, found: Found, networks: Mapping[str, str]) -> bool:
    """It has left one, or one was removed and made again, which has another id."""
    there = (found.get("NetworkSettings") or {}).get("Networks") or {}
    for one in ready.service.networks:
        name = project.network(one.network).name
        if name not in there:
            return True
        known, joined = networks.get(name), there[name].get("NetworkID")
        # Podman gives the name once more.
        if known and joined and joined not in (known, name):
            return True
    return False


def _shares_with_others(body: Found, found: Found) -> bool:
    """The container whose namespaces or volumes it has was replaced."""
    wanted, there = body["HostConfig"], found["HostConfig"]
    modes = ("NetworkMode", "IpcMode", "PidMode")
    if any(str(wanted[key]).startswith("container:") and wanted[key] != there.get(key) for key in modes):
        return True
    return [one.partition(":")[0] for one in wanted["VolumesFrom"]] != [
        one.partition(":")[0] for one in there.get("VolumesFrom") or ()
    ]
