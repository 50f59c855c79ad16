"""Finds the images and users of a project before anything starts, and refuses everything that cannot be, at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from boathook.codec import to_json
from boathook.compose import model
from boathook.compose.embedded.refusals import refuse
from boathook.compose.embedded.specification import Mounts, Who, argv, container_spec
from boathook.compose.model import BindMount, NamedVolume, Project, Service, ServiceMount, VolumeMount
from boathook.compose.options import ImageWishes, OneOff
from boathook.compose.place import Making, Ready
from boathook.compose.reading.problems import Problems
from boathook.errors import CouldNotStart, NotFound, UnsupportedHere
from boathook.events import EventStream, ImageResolved, Noted
from boathook.model import Exec, Hook, RunContainer, Severity, Source
from boathook.runtimes.base import ContainerRuntime, Image, NetworkMode, PullPolicy, SandboxId

ON_DOCKER = "use --on docker"

PULLS = {"always": PullPolicy.ALWAYS, "missing": PullPolicy.IF_NOT_PRESENT, "never": PullPolicy.NEVER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What a project needs of its place: its services with their images, and the uids of all services and hooks."""

    ready: Mapping[str, Ready]
    uids: frozenset[int]


def single(uids: Collection[int]) -> int | None:
    """The one uid that a whole project has; None: root, or several."""
    return next(iter(uids)) if len(uids) == 1 and 0 not in uids else None


async def prepare(
    project: Project,
    services: Sequence[Service],
    wishes: ImageWishes,
    runtime: ContainerRuntime,
    network: NetworkMode,
    events: EventStream,
    *,
    refusing: bool = True,
) -> Preparation:
    """Resolve the images and users of the services and of their hooks; nothing is started.

    ``refusing`` False: what cannot be here is only warned of, since it is only simulated.
    Raises ``ManifestError`` with everything that is unknown or cannot be here, and ``UnsupportedHere`` for a user that
    this place cannot give: a hook never runs as somebody else.
    """
    if wishes.build:
        raise UnsupportedHere("images cannot be built without an engine", hint=ON_DOCKER)
    work = _Work(runtime=runtime, events=events, wishes=wishes)
    refuse(project, services, network, work.problems)
    if not refusing:
        work.problems.findings = [replace(one, severity=Severity.WARNING) for one in work.problems.findings]
    await work.external_volumes(project, services)
    ready = [one for service in services if (one := await work.service(service)) is not None]
    work.problems.raise_errors()
    for one in ready:
        work.tell_not_enforced(project, one, network)
    for finding in work.problems.findings:
        if finding.severity is not Severity.ERROR:
            events.emit(Noted(finding=finding))
    await work.standing_users(project, services)
    work.refuse_impossible_users()
    return Preparation(ready={one.service.name: one for one in ready}, uids=frozenset(work.uids))


def image_id(image: Image) -> str:
    """``sha256:…`` of all that it is made of; where nothing of it is here, its reference."""
    if not image.layers:
        return image.reference
    made_of = {"layers": [str(layer) for layer in image.layers], "config": to_json(image.config)}
    return f"sha256:{hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()}"


@dataclass(slots=True, kw_only=True)
class _Work:
    runtime: ContainerRuntime
    events: EventStream
    wishes: ImageWishes
    problems: Problems = field(default_factory=Problems)
    uids: dict[int, str] = field(default_factory=dict)
    """Every uid that is needed, with the first that needs it."""
    images: dict[str, Image] = field(default_factory=dict)

    async def external_volumes(self, project: Project, services: Iterable[Service]) -> None:
        there = {volume.name for volume in await self.runtime.list_volumes({})}
        for service in services:
            for mount in service.mounts:
                volume = _named(project, mount)
                if volume is not None and volume.external and volume.name not in there:
                    message = f'external volume "{volume.name}" not found'
                    self._error("unknown-volume", service.at("volumes"), message, None)

    async def service(self, service: Service) -> Ready | None:
        image = await self._image(service)
        if image is None:
            return None
        self._binds(service)
        self._files(service)
        if not argv(service, image.config, OneOff()) and image.layers:
            message = f'neither service "{service.name}" nor its image "{service.image}" says what to run'
            self._error("no-command", service.source, message, 'give the service a "command"')
        user = await self._user(image, service.user, service.at("user"), f'service "{service.name}"')
        for hook in service.hooks:
            await self._hook(service, hook, image)
        if user is None:
            return None
        return Ready(service=service, image=image, image_id=image_id(image))

    async def _image(self, service: Service) -> Image | None:
        built = service.build is not None
        policy = PullPolicy.NEVER if built else PULLS.get(self.wishes.pull, service.pull)
        try:
            return await self._resolved(service.image, policy)
        except NotFound as error:
            if built:
                message = f'image "{service.image}" of service "{service.name}" would have to be built'
                remedy = f"{ON_DOCKER}, or import it: boathook image import FILE-OR-DIRECTORY {service.image}"
                self._error("build", service.at("build"), message, remedy)
            else:
                self._error("unknown-image", service.at("image"), str(error), error.hint)
            return None

    async def _resolved(self, reference: str, policy: PullPolicy) -> Image:
        if reference in self.images:
            return self.images[reference]
        image = await self.runtime.resolve_image(reference, policy)
        self.images[reference] = image
        self.events.emit(
            ImageResolved(reference=reference, origin=image.origin, stand_in=image.stand_in, note=image.note)
        )
        return image

    async def _hook(self, service: Service, hook: Hook, image: Image) -> None:
        field_ = f"{hook.name}.user"
        what = f'hook {hook.name} of service "{service.name}"'
        match hook.handler:
            case Exec(user=str(user)):
                await self._user(image, user, service.at(field_), what)
            case RunContainer() as handler:
                await self._helper(service, hook, handler, image, what)
            case _:
                return

    async def _helper(self, service: Service, hook: Hook, handler: RunContainer, image: Image, what: str) -> None:
        if handler.image is not None:
            try:
                image = await self._resolved(handler.image, PULLS.get(self.wishes.pull, service.pull))
            except NotFound as error:
                self._error("unknown-image", service.at(f"{hook.name}.image"), str(error), error.hint)
                return
        if image.layers and not (image.config.entrypoint or handler.command or image.config.command):
            message = f'neither {what} nor its image "{image.reference}" says what to run'
            self._error("no-command", service.at(hook.name), message, 'give the hook a "command"')
        await self._user(image, handler.user or service.user, service.at(f"{hook.name}.user"), what)

    async def _user(self, image: Image, user: str, source: Source, what: str) -> tuple[int, int] | None:
        try:
            uid, gid = await self.runtime.resolve_user(image, user)
        except CouldNotStart as error:
            self._error("unknown-user", source, str(error), error.hint)
            return None
        self.uids.setdefault(uid, what)
        return uid, gid

    def tell_not_enforced(self, project: Project, ready: Ready, network: NetworkMode) -> None:
        """What the runtime says of the container that is to be. What holds for all is said once."""
        making = Making(name=ready.service.name, number=1, labels={})
        spec = container_spec(project, ready, making, SandboxId(""), Mounts(), Who(uid=0, gid=0), network)
        for said in self.runtime.not_enforced(spec):
            self.problems.warn("not-enforced", ready.service.source, said, once=said)

    def _binds(self, service: Service) -> None:
        for position, mount in enumerate(service.mounts):
            if isinstance(mount, BindMount) and not mount.create and not Path(mount.path).exists():
                message = f"bind source path does not exist: {mount.path}"
                self._error("missing-path", service.at(f"volumes[{position}]"), message, None)

    def _files(self, service: Service) -> None:
        for one in service.files:
            if one.path is not None and not Path(one.path).exists():
                message = f"bind source path does not exist: {one.path}"
                self._error("missing-path", service.at(one.kind), message, None)

    async def standing_users(self, project: Project, services: Iterable[Service]) -> None:
        """What runs already, and stays, shares the sandbox with what is to come."""
        chosen = {service.name for service in services}
        for one in await self.runtime.list({model.PROJECT_LABEL: project.name}):
            if one.owner_alive and one.spec.labels.get(model.SERVICE_LABEL) not in chosen:
                self.uids.setdefault(int(one.user.partition(":")[0]), f'container "{one.spec.name}"')

    def refuse_impossible_users(self) -> None:
        why = self.runtime.can_be(frozenset(self.uids))
        if why is not None:
            needed = ", ".join(f"{what} as uid {uid}" for uid, what in sorted(self.uids.items()))
            raise UnsupportedHere(
                f"cannot run {needed}: {why}", hint=f"nothing was started; no hook runs as another user; {ON_DOCKER}"
            )

    def _error(self, kind: str, source: Source, message: str, remedy: str | None) -> None:
        self.problems.error(kind, source, message, remedy=remedy)


def _named(project: Project, mount: ServiceMount) -> NamedVolume | None:
    if not isinstance(mount, VolumeMount) or not mount.volume:
        return None
    return next((one for one in project.volumes if one.key == mount.volume), None)
