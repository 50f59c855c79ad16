"""Finds the images and users of a project before anything starts, and refuses everything that cannot be, at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from boathook.compose.containers import Prepared
from boathook.compose.model import BindMount, Service
from boathook.compose.problems import Problems
from boathook.errors import CouldNotStart, NotFound, UnsupportedHere
from boathook.events import EventStream, ImageResolved
from boathook.model import Exec, Hook, Source
from boathook.runtimes.base import Container, ContainerRuntime, Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Preparation:
    """What a project needs of its place: its services with their images, and the uids of all services and hooks."""

    services: tuple[Prepared, ...]
    uids: frozenset[int]

    @property
    def only_uid(self) -> int | None:
        """The one uid that the whole project has; None: root, or several."""
        return _single(self.uids)


async def prepare(services: Iterable[Service], runtime: ContainerRuntime, events: EventStream) -> Preparation:
    """Resolve the images and users of the services and of their hooks; nothing is started.

    Raises ``ManifestError`` with everything that is unknown, and ``UnsupportedHere`` for a user that this place cannot
    give: a hook never runs as somebody else.
    """
    work = _Work(runtime=runtime, events=events)
    prepared = [one for service in services if (one := await work.service(service)) is not None]
    work.problems.raise_errors()
    work.refuse_impossible_users()
    return Preparation(services=tuple(prepared), uids=frozenset(work.uids))


async def only_uid(container: Container, hooks: Iterable[Hook], runtime: ContainerRuntime) -> int | None:
    """The one uid that a container and these hooks have; None: root, or several."""
    uids = {int(container.user.partition(":")[0])}
    for hook in hooks:
        if isinstance(hook.handler, Exec) and hook.handler.user is not None:
            uid, _ = await runtime.resolve_user(container.spec.image, hook.handler.user)
            uids.add(uid)
    return _single(uids)


def _single(uids: Collection[int]) -> int | None:
    return next(iter(uids)) if len(uids) == 1 and 0 not in uids else None


@dataclass(slots=True, kw_only=True)
class _Work:
    runtime: ContainerRuntime
    events: EventStream
    problems: Problems = field(default_factory=Problems)
    uids: dict[int, str] = field(default_factory=dict)
    """Every uid that is needed, with the first that needs it."""

    async def service(self, service: Service) -> Prepared | None:
        try:
            image = await self.runtime.resolve_image(service.image, service.pull)
        except NotFound as error:
            self._error("unknown-image", _at(service.source, "image"), str(error), error.hint)
            return None
        self.events.emit(
            ImageResolved(reference=service.image, origin=image.origin, stand_in=image.stand_in, note=image.note)
        )
        self._binds(service)
        argv = _argv(service, image)
        at_hand = bool(image.layers)
        if not argv and at_hand:
            message = f'neither service "{service.name}" nor its image "{service.image}" says what to run'
            self._error("no-command", service.source, message, 'give the service a "command"')
        user = await self._user(image, service.user, _at(service.source, "user"), f'service "{service.name}"')
        for hook in service.hooks:
            await self._hook_user(service, hook, image)
        if user is None:
            return None
        return Prepared(service=service, image=image, uid=user[0], gid=user[1], argv=argv)

    async def _hook_user(self, service: Service, hook: Hook, image: Image) -> None:
        if isinstance(hook.handler, Exec) and hook.handler.user is not None:
            what = f'hook {hook.name} of service "{service.name}"'
            await self._user(image, hook.handler.user, _at(hook.source, "user"), what)

    async def _user(self, image: Image, user: str, source: Source, what: str) -> tuple[int, int] | None:
        try:
            uid, gid = await self.runtime.resolve_user(image, user)
        except CouldNotStart as error:
            self._error("unknown-user", source, str(error), error.hint)
            return None
        self.uids.setdefault(uid, what)
        return uid, gid

    def _binds(self, service: Service) -> None:
        for position, mount in enumerate(service.mounts):
            if isinstance(mount, BindMount) and not mount.create and not Path(mount.path).exists():
                source = _at(service.source, f"volumes[{position}]")
                self._error("missing-path", source, f"bind source path does not exist: {mount.path}", None)

    def refuse_impossible_users(self) -> None:
        why = self.runtime.can_be(frozenset(self.uids))
        if why is not None:
            needed = ", ".join(f"{what} as uid {uid}" for uid, what in sorted(self.uids.items()))
            raise UnsupportedHere(
                f"cannot run {needed}: {why}", hint="nothing was started; no hook runs as another user"
            )

    def _error(self, kind: str, source: Source, message: str, remedy: str | None) -> None:
        self.problems.error(kind, source, message, remedy=remedy)


def _at(source: Source, below: str) -> Source:
    return dataclasses.replace(source, path=f"{source.path}.{below}")


def _argv(service: Service, image: Image) -> tuple[str, ...]:
    """The whole argument vector. An entrypoint of the service's own drops the image's command, as engines do."""
    config = image.config
    if service.entrypoint is not None:
        return service.entrypoint + (service.command or ())
    return config.entrypoint + (service.command or config.command)
