"""From a reference to an image: image map, local store, stand-ins, in this order. Nothing is pulled yet."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from boathook.errors import NotFound, UsageError
from boathook.home import Home
from boathook.images.config import with_path
from boathook.images.model import Image, ImageConfig, PullPolicy
from boathook.images.reference import InvalidReference, Reference, parse
from boathook.images.standins import STAND_INS, skeleton, stand_in, stand_in_name
from boathook.images.store import ImageStore

IMAGE_MAP = "image map"
NOT_YET = ("oci", "docker-daemon", "containers-storage")


class ImageResolver:
    """Finds images for the embedded runtime."""

    def __init__(self, home: Home, image_map: Mapping[str, str], offline: bool) -> None:
        self._home = home
        self._map = dict(image_map)
        self._offline = offline
        self._store = ImageStore(home)

    async def resolve(self, reference: str, policy: PullPolicy) -> Image:
        """Raises ``NotFound`` with what was tried and the remedy, ``UsageError`` for a wrong entry of the map."""
        name = _parsed(reference)
        source = self._mapped(reference, name)
        if source is not None:
            return await self._from_source(reference, name, source)
        found = self._store.find(name) or stand_in(self._home, reference)
        if found is not None:
            return found
        raise NotFound(self._not_found(reference, policy), hint=_remedy(reference))

    def known(self, reference: str) -> bool:
        """Whether ``resolve`` has a place to take it from. Looks at names only."""
        return self.check(reference) is None

    def check(self, reference: str, policy: PullPolicy = PullPolicy.IF_NOT_PRESENT) -> str | None:
        """None for an image that is known, else what is wrong with it: for findings before anything starts."""
        try:
            name = _parsed(reference)
        except NotFound as error:
            return str(error)
        if self._mapped(reference, name) is not None or stand_in_name(name) is not None:
            return None
        return None if self._store.find(name) is not None else self._not_found(reference, policy)

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
        why = "is not there yet" if kind in NOT_YET else "is unknown"
        raise UsageError(
            f'image map for "{reference}": source "{source}" {why}',
            hint="sources are rootfs:DIR, docker-archive:FILE and host",
        )

    def _not_found(self, reference: str, policy: PullPolicy) -> str:
        pulling = "pulling (not there yet)"
        if self._offline:
            pulling = "no pulling (offline)"
        elif policy is PullPolicy.NEVER:
            pulling = "no pulling (imagePullPolicy Never)"
        image_map = f"image map ({len(self._map)} entries)" if self._map else "image map (empty)"
        stand_ins = ", ".join(STAND_INS)
        return f'image "{reference}" not found: tried {image_map}, local store, {pulling}, stand-ins ({stand_ins})'


def _parsed(reference: str) -> Reference:
    try:
        return parse(reference)
    except InvalidReference as error:
        raise NotFound(str(error)) from error


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
