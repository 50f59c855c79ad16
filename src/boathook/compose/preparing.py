"""What services need before their containers can be made: images, and the networks and volumes that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from boathook.compose.options import ImageWishes
from boathook.compose.place import Ready
from boathook.compose.scene import Scene
from boathook.compose.turns import side_by_side


async def make_ready(scene: Scene, names: Iterable[str], images: ImageWishes) -> Mapping[str, Ready]:
    """Have the place prepare these services. Raises what refuses them."""
    chosen = frozenset(names)
    services = [service for service in scene.project.services if service.name in chosen]
    if not services:
        return {}
    return await scene.place.prepare(scene.project, services, images, scene.context.events)


async def make_shared(scene: Scene, names: frozenset[str], ready: Mapping[str, Ready]) -> None:
    """Make the networks and volumes that these services use and that are missing."""
    services = [service for service in scene.project.services if service.name in names]
    place, events = scene.place, scene.context.events
    await side_by_side(
        (
            partial(place.create_networks, scene.project, services, events),
            partial(place.create_volumes, scene.project, ready, events),
        )
    )
