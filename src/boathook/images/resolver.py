"""From a reference to an image: image map, local store, registry, stand-ins, in this order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from boathook.clock import Clock, SystemClock
from boathook.errors import ImageUnavailable, NotFound, RegistryFailure, UsageError
from boathook.home import Home
from boathook.images.catalogue import StoredImage
from boathook.images.config import with_path
from boathook.images.model import Image, ImageConfig, PullPolicy
from boathook.images.reachability import Reachability
from boathook.images.reference import InvalidReference, Reference, parse
from boathook.images.standins import STAND_INS, skeleton, stand_in, stand_in_name
from boathook.images.store import IMAGE_MAP, LOCAL_STORE, ImageStore

NOT_YET = ("docker-daemon", "containers-storage")
PULLED = "pulled"

ERR_IMAGE_PULL = "ErrImagePull"
ERR_IMAGE_NEVER_PULL = "ErrImageNeverPull"
INVALID_IMAGE_NAME = "InvalidImageName"
"""The kubelet's words (kubernetes, pkg/kubelet/images/types.go)."""


class ImageResolver:
    """Finds images for the embedded runtime."""

    def __init__(self, home: Home, image_map: Mapping[str, str], offline: bool, *, clock: Clock | None = None) -> None:
        self._home = home
        self._map = dict(image_map)
        self._offline = offline
        self._store = ImageStore(home)
        self._reachability = Reachability(home.images, clock or SystemClock())

    async def resolve(self, reference: str, policy: PullPolicy) -> Image:
        """Raises ``ImageUnavailable`` with what was tried and the remedy, ``UsageError`` for a wrong map."""
        name = _parsed(reference)
        source = self._mapped(reference, name)
        if source is not None:
            return await self._from_source(reference, name, source)
        here = self._store.stored(name)
        if here is not None and (policy is not PullPolicy.ALWAYS or self._offline):
            return self._store.runnable(here, name.familiar, LOCAL_STORE)
        if self._offline or policy is PullPolicy.NEVER:
            return self._stood_in(reference, "") or self._refuse(reference, policy, self._not_pulled(policy))
        return await self._pulled(reference, name, policy, here)

    def known(self, reference: str) -> bool:
        """Whether ``resolve`` has a place on this machine to take it from. Looks at names only."""
        return self.check(reference, PullPolicy.NEVER) is None

    def check(self, reference: str, policy: PullPolicy = PullPolicy.IF_NOT_PRESENT) -> str | None:
        """None for an image that is known or may be pulled, else what is wrong with it: before anything starts."""
        try:
            name = _parsed(reference)
        except NotFound as error:
            return str(error)
        if self._mapped(reference, name) is not None or stand_in_name(name) is not None:
            return None
        if self._store.stored(name) is not None or not (self._offline or policy is PullPolicy.NEVER):
            return None
        return self._not_found(reference, self._not_pulled(policy))

    async def _pulled(self, reference: str, name: Reference, policy: PullPolicy, here: StoredImage | None) -> Image:
        """From the registry, else what stands in for it.

        ``here`` is what the store has where the registry is asked all the same (Always): an image that came from a
        registry is not used unasked, as the kubelet has it; one that was imported is what its user put there.
        """
        from boathook.images.pulling import pull

        why = self._reachability.failure(name.registry) if stand_in_name(name) is not None else None
        if why is None:
            try:
                pulled = await pull(self._store, name)
            except (RegistryFailure, NotFound) as failure:
                why, hint = str(failure), failure.hint
                if isinstance(failure, RegistryFailure) and failure.unreachable:
                    self._reachability.failed(name.registry, why)
            else:
                self._reachability.answered(name.registry)
                return self._store.runnable(pulled.stored, name.familiar, PULLED if pulled.fresh else LOCAL_STORE)
        else:
            hint = None
        if here is not None and not here.digests:
            return replace(self._store.runnable(here, name.familiar, LOCAL_STORE), note=why)
        if here is not None:
            message = f'image "{reference}" is in the local store, but imagePullPolicy Always asks its registry: {why}'
            hint = "imagePullPolicy IfNotPresent, or --offline, takes it from the store"
            raise ImageUnavailable(message, reason=ERR_IMAGE_PULL, hint=hint)
        return self._stood_in(reference, why) or self._refuse(reference, policy, f"pulling ({why})", hint)

    def _stood_in(self, reference: str, note: str) -> Image | None:
        found = stand_in(self._home, reference)
        return None if found is None else replace(found, note=note)

    def _refuse(self, reference: str, policy: PullPolicy, pulling: str, hint: str | None = None) -> Image:
        never = policy is PullPolicy.NEVER
        remedy = _remedy(reference)
        raise ImageUnavailable(
            self._not_found(reference, pulling),
            reason=ERR_IMAGE_NEVER_PULL if never else ERR_IMAGE_PULL,
            hint=f"{hint}; or {remedy}" if hint else remedy,
        )

    def _not_pulled(self, policy: PullPolicy) -> str:
        return "no pulling (imagePullPolicy Never)" if policy is PullPolicy.NEVER else "no pulling (offline)"

    def _mapped(self, reference: str, name: Reference) -> str | None:
        """The source that the map has for a reference, by its own words before a pattern."""
        spellings = (reference, name.familiar, name.familiar_name, str(name))
        for spelling in spellings:
            if spelling in self._map:
                return self._map[spelling]
        for pattern, source in self._map.items():
            if any(fnmatchcase(spelling, pattern) for spelling in spellings):
                return source
        return None

    async def _from_source(self, reference: str, name: Reference, source: str) -> Image:
        kind, _, place = source.partition(":")
        if source == "host":
            layers, config = (skeleton(self._home),), with_path(ImageConfig())
            return _of_map(reference, layers, config, host_system=True)
        if kind == "rootfs" and place:
            return _root_file_system(reference, source, place)
        if kind == "docker-archive" and place:
            import anyio.to_thread

            return await anyio.to_thread.run_sync(self._store.from_archive, _absolute(place), name)
        if kind == "oci" and place:
            import anyio.to_thread

            return await anyio.to_thread.run_sync(self._from_layout, name, place)
        why = "is not there yet" if kind in NOT_YET else "is unknown"
        raise UsageError(
            f'image map for "{reference}": source "{source}" {why}',
            hint="sources are rootfs:DIR, oci:DIR[:TAG], docker-archive:FILE and host",
        )

    def _from_layout(self, name: Reference, place: str) -> Image:
        from boathook.images.layout import Layout, split_layout

        directory, tag = split_layout(place)
        return self._store.from_layout(Layout(directory), tag, name)

    def _not_found(self, reference: str, pulling: str) -> str:
        image_map = f"image map ({len(self._map)} entries)" if self._map else "image map (empty)"
        stand_ins = ", ".join(STAND_INS)
        return f'image "{reference}" not found: tried {image_map}, local store, {pulling}, stand-ins ({stand_ins})'


def _parsed(reference: str) -> Reference:
    try:
        return parse(reference)
    except InvalidReference as error:
        raise ImageUnavailable(str(error), reason=INVALID_IMAGE_NAME) from error


def _remedy(reference: str) -> str:
    return (
        f"import it: boathook image import FILE-OR-DIRECTORY {reference}; or map it: --image-map {reference}=rootfs:DIR"
    )


def _absolute(place: str) -> Path:
    return Path(place).expanduser().absolute()


def _root_file_system(reference: str, source: str, place: str) -> Image:
    directory = _absolute(place)
    if not directory.is_dir():
        raise NotFound(f'image "{reference}": image map says "{source}": no such directory')
    return _of_map(reference, (directory,), with_path(ImageConfig()), host_system=False)


def _of_map(reference: str, layers: tuple[Path, ...], config: ImageConfig, *, host_system: bool) -> Image:
    return Image(
        reference=reference,
        origin=IMAGE_MAP,
        stand_in=False,
        layers=layers,
        host_system=host_system,
        config=config,
    )
