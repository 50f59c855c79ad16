"""Takes containers of a project away: of its services in reverse order, of services it has no more, and of one-offs."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from boathook.compose.convergence import orphans
from boathook.compose.model import Project, VolumeMount
from boathook.compose.options import DownOptions
from boathook.compose.order import stop_order
from boathook.compose.place import Member
from boathook.compose.scene import Scene, by_service
from boathook.compose.stopping import Stopping
from boathook.compose.turns import in_turn, side_by_side

ORPHANS = (
    "Found orphan containers ([{}]) for this project. If you removed or renamed this service in your compose file, you"
    " can run this command with the --remove-orphans flag to clean it up."
)
"""The peer's own text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removing:
    """How one command takes away what it must."""

    scene: Scene
    stopping: Stopping

    async def down(self, options: DownOptions, names: frozenset[str]) -> bool:
        """Stop and remove what these services have; then orphans, helpers, networks, images and volumes as wished.

        False: there was nothing. After a failure nothing that containers share is removed.
        """
        scene, project = self.scene, self.scene.project
        found = await scene.members()
        members = [one for one in found if options.remove_orphans or not one.oneoff]
        await self.services(members, names, volumes=options.volumes)
        removed = sum(one.service in names for one in members)
        if options.remove_orphans:
            # One-offs of known services went with these, hooks included; this is what no file tells of.
            strangers = [one for one in members if one.service not in project.names | frozenset(project.disabled)]
            await self.strangers(strangers)
            removed += len(strangers)
        removed += await scene.place.remove_helpers(project.name, sorted(names))
        counts = await self._shared(options, names)
        return bool(removed or sum(counts))

    async def services(self, members: Iterable[Member], names: frozenset[str], *, volumes: bool) -> None:
        """Stop and remove the containers of these services, dependants first; those of one service side by side."""
        project, found = self.scene.project, by_service(members)

        async def take_down(name: str) -> None:
            service = project.service(name)
            await side_by_side(
                partial(self._remove, partial(self.stopping.stop_container, service, member), member, volumes=volumes)
                for member in found.get(name, ())
            )

        await in_turn(stop_order(project, only=names), take_down)

    async def strangers(self, members: Iterable[Member]) -> None:
        """Stop and remove what no file tells of. No hook runs, and that is said."""
        await side_by_side(
            partial(self._remove, partial(self._stop_stranger, member), member, volumes=False) for member in members
        )

    async def orphans(self, members: Iterable[Member], *, remove: bool, ignore: bool) -> None:
        """Say which containers are orphans, or remove them as wished."""
        found = orphans(self.scene.project, members)
        if not found or (ignore and not remove):
            return
        if remove:
            await self.strangers(found)
            return
        self.scene.warn("orphans", ORPHANS.format(" ".join(one.name for one in found)))

    async def _stop_stranger(self, member: Member) -> None:
        if member.stoppable:
            message = f'{member.name} is stopped without hooks: the file has no service "{member.service}"'
            if member.service in self.scene.project.names:
                message = f"{member.name} is stopped without hooks: it is a one-off"
            self.scene.warn("hook-skipped", message)
        await self.stopping.stop_container(None, member)

    async def _remove(self, ending: Callable[[], Awaitable[None]], member: Member, *, volumes: bool) -> None:
        async with self.scene.slot():
            await ending()
            await self.scene.remove(member, volumes=volumes)

    async def _shared(self, options: DownOptions, names: frozenset[str]) -> Sequence[int]:
        """Networks, images and volumes: how many of each there were."""
        scene, project = self.scene, self.scene.project
        counts: list[int] = []

        async def count(removal: Callable[[], Awaitable[int]]) -> None:
            counts.append(await removal())

        place, events = scene.place, scene.context.events
        removals: list[Callable[[], Awaitable[int]]] = [partial(place.remove_networks, project, events)]
        if options.images:
            chosen = _only(project, names) if options.services else project
            removals.append(partial(place.remove_images, chosen, options.images, events))
        if options.volumes:
            chosen = _with_volumes_of(project, names) if options.services else project
            removals.append(partial(place.remove_volumes, chosen, events))
        await side_by_side(partial(count, one) for one in removals)
        return counts


def _only(project: Project, names: frozenset[str]) -> Project:
    return dataclasses.replace(project, services=tuple(one for one in project.services if one.name in names))


def _with_volumes_of(project: Project, names: frozenset[str]) -> Project:
    """The project with those of its volumes that none but these services mount: others' data stays."""
    users = {
        volume.key: {
            service.name
            for service in project.services
            if any(isinstance(one, VolumeMount) and one.volume == volume.key for one in service.mounts)
        }
        for volume in project.volumes
    }
    return dataclasses.replace(
        project, volumes=tuple(one for one in project.volumes if users[one.key] and users[one.key] <= names)
    )
