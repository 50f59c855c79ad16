"""The images of a project in an engine: found, pulled or built before anything is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from boathook.clock import SystemClock
from boathook.compose.model import Project, Service
from boathook.compose.options import ImageWishes
from boathook.compose.turns import side_by_side
from boathook.errors import BoathookError, Conflict, ImageUnavailable, NotFound
from boathook.events import EventStream, ImageProgress, ImageResolved
from boathook.images.model import Image, PullPolicy
from boathook.model import RunContainer
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.images import EngineImages, PullProgress, image_of
from boathook.runtimes.docker.state import moment

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An image that the engine has."""

    image: Image
    id: str
    found: Found
    """As the engine describes it."""


@dataclass(slots=True)
class ProjectImages:
    """What one opened place knows of images: each is asked for once."""

    engine: Engine
    images: EngineImages
    known: dict[str, Known] = field(default_factory=dict)

    async def of_services(
        self, project: Project, services: Sequence[Service], wishes: ImageWishes, events: EventStream
    ) -> dict[str, Known]:
        """By reference, those of ``pre_start`` hooks included. Raises what was wrong, all of it."""
        wanted: dict[str, Service] = {}
        for service in services:
            wanted.setdefault(service.image, service)
        hooks = {
            hook.handler.image: service
            for service in services
            for hook in service.pre_start
            if isinstance(hook.handler, RunContainer) and hook.handler.image
        }

        async def come_by(reference: str, service: Service, own: bool) -> None:
            known = await self._come_by(project, reference, service, wishes, events, own=own)
            self.known[reference] = known
            image = known.image
            events.emit(ImageResolved(reference=reference, origin=image.origin, stand_in=False, note=image.note))

        await side_by_side(
            [
                *(partial(come_by, reference, service, True) for reference, service in wanted.items()),
                *(
                    partial(come_by, reference, service, False)
                    for reference, service in hooks.items()
                    if reference not in wanted
                ),
            ]
        )
        return {reference: self.known[reference] for reference in (*wanted, *hooks)}

    async def _come_by(
        self, project: Project, reference: str, service: Service, wishes: ImageWishes, events: EventStream, *, own: bool
    ) -> Known:
        if own and service.build is not None:
            return await self._built(project, service, wishes, events)
        here = await self._find(reference)
        if here is not None and not is_asked_for(here.found, service, wishes):
            return here
        return await self._pulled(reference, service, wishes, events, here)

    async def _built(self, project: Project, service: Service, wishes: ImageWishes, events: EventStream) -> Known:
        """Built when it is missing or asked for; one that has a registry may be pulled instead (pull policies)."""
        from boathook.compose.engine.build import build_image

        here = await self._find(service.image)
        again = wishes.build or (service.build_always and not wishes.no_build)
        if here is not None and not again:
            return here
        if wishes.no_build:
            raise ImageUnavailable(
                f'image "{service.image}" is not in the engine, and it may not be built',
                reason="ErrImageNeverPull",
                hint="without --no-build it is built; or docker load an archive that has it",
            )
        if not again and "image" in service.form and _policy(service, wishes) is not PullPolicy.NEVER:
            try:
                return await self._pulled(service.image, service, wishes, events, here)
            except BoathookError:
                pass  # What no registry has is built (pkg/compose/pull.go).
        await build_image(self.engine, project, service, events)
        found = await self._find(service.image)
        if found is None:
            raise ImageUnavailable(f'image "{service.image}" was built, and the engine does not have it')
        return found

    async def _pulled(
        self, reference: str, service: Service, wishes: ImageWishes, events: EventStream, here: Known | None
    ) -> Known:
        policy = _policy(service, wishes)
        pull = policy if policy is PullPolicy.NEVER else (PullPolicy.ALWAYS if here else PullPolicy.IF_NOT_PRESENT)
        said = self._teller(service, events)
        image = await self.images.resolve(reference, pull, platform=service.platform, progress=said)
        found = await self._find(reference)
        if found is None:
            raise ImageUnavailable(f'image "{reference}" is not in the engine')
        return Known(image=image, id=found.id, found=found.found)

    async def described(self, reference: str) -> Found:
        """As the engine describes it; nothing where it has none of that name."""
        if reference not in self.known:
            found = await self._find(reference)
            return {} if found is None else found.found
        return self.known[reference].found

    def _teller(self, service: Service, events: EventStream) -> PullProgress:
        """What the engine says of a pull, layer by layer: what is new, not how far it is."""

        def tell(reference: str, said: Found) -> None:
            if said.get("status") and not said.get("progressDetail"):
                layer = f"{said['id']}: " if said.get("id") else ""
                text = f"{layer}{said['status']}\n"
                events.emit(ImageProgress(service=service.name, image=reference, act="pull", text=text))

        return tell

    async def _find(self, reference: str) -> Known | None:
        try:
            found: Found = await self.engine.call("GET", f"images/{reference}/json")
        except NotFound:
            return None
        return Known(image=image_of(reference, found), id=str(found["Id"]), found=found)


def is_asked_for(here: Found, service: Service, wishes: ImageWishes) -> bool:
    """Whether the registry is asked for an image although it is here. ``here``: as the engine describes it."""
    if service.pull_every is not None and not wishes.pull:
        tagged = moment((here.get("Metadata") or {}).get("LastTagTime") or "")
        return tagged is None or SystemClock().now() - tagged > service.pull_every
    return _policy(service, wishes) is PullPolicy.ALWAYS


def _policy(service: Service, wishes: ImageWishes) -> PullPolicy:
    match wishes.pull:
        case "always":
            return PullPolicy.ALWAYS
        case "never":
            return PullPolicy.NEVER
        case "missing":
            return PullPolicy.IF_NOT_PRESENT
        case _:
            return service.pull


async def remove_images(engine: Engine, project: Project, which: str, events: EventStream) -> int:
    """Those of the project's services; ``local``: only those that have no name in the file. One in use is kept."""
    from boathook.compose.engine.telling import warn
    from boathook.events import ObjectDeleted
    from boathook.model import Target

    names = dict.fromkeys(one.image for one in project.services if which == "all" or "image" not in one.form)
    removed = 0
    for name in names:
        try:
            await engine.call("DELETE", f"images/{name}")
        except NotFound:
            continue
        except Conflict:
            warn(events, project, f"Image {name}  Resource is still in use")
            continue
        removed += 1
        target = Target(kind="image", scope=project.name, name=name, instance=name)
        events.emit(ObjectDeleted(target=target, cause="down --rmi"))
    return removed
