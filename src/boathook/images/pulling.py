"""Pulling an image: its manifest for this machine, then the layers that are not here yet, each checked and unpacked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import anyio
import anyio.to_thread

from boathook.errors import BoathookError, NotFound, PlaceError
from boathook.images.blobs import blob_path, fetch
from boathook.images.catalogue import StoredImage
from boathook.images.credentials import find_credentials
from boathook.images.layers import chain_keys
from boathook.images.locking import pulling
from boathook.images.manifest import (
    Described,
    Descriptor,
    Manifest,
    Platform,
    check_digest,
    check_layers,
    choose,
    parse_config,
    parse_manifest,
)
from boathook.images.reference import Reference
from boathook.images.registry import MOST_BYTES, Registry, open_registry
from boathook.images.store import ImageStore

AT_ONCE = 3
"""Layers that are fetched at the same time, as engines do."""
DEEPEST_INDEX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far one layer has come: ``exists``, ``fetching``, ``fetched`` or ``complete``."""

    layer: str
    state: str
    have: int
    size: int


Heard = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """What a pull brought. ``digest`` is what the registry calls the reference, an index or a manifest."""

    stored: StoredImage
    digest: str
    fresh: bool
    """False: the store had the image already."""


async def pull(store: ImageStore, reference: Reference, heard: Heard | None = None) -> Pulled:
    """Bring the image of a reference from its registry into the store.

    Raises ``RegistryFailure``, ``NotFound``, ``PlaceError``, and ``UsageError`` for content that is not what it says.
    """
    store.prepare()
    credentials = await anyio.to_thread.run_sync(find_credentials, reference.registry)
    async with pulling(store.directory), open_registry(reference, credentials) as registry:
        return await _Pull(store, registry, reference, heard or _unheard).run()


class _Pull:
    def __init__(self, store: ImageStore, registry: Registry, reference: Reference, heard: Heard) -> None:
        self._store = store
        self._registry = registry
        self._reference = reference
        self._heard = heard
        self._what = f'image "{reference.familiar}"'
        self._blobs = store.directory / "blobs"

    async def run(self) -> Pulled:
        wanted = self._reference.digest or self._reference.tag or ""
        content, media_type, digest = await self._registry.manifest(wanted)
        by_digest = replace(self._reference, tag=None, digest=digest)
        names = (by_digest,) if self._reference.digest else (self._reference, by_digest)
        if (known := self._store.stored(by_digest)) is not None:
            stored = await anyio.to_thread.run_sync(self._store.tag, known, names)
            return Pulled(stored=stored, digest=digest, fresh=False)
        manifest = await self._for_this_machine(content, media_type)
        described = parse_config(await self._small_blob(manifest.config), self._what)
        check_layers(described, len(manifest.layers), self._what)
        fresh = await self._bring(manifest.layers, described)
        stored = await anyio.to_thread.run_sync(self._store.add_image, described, names)
        for layer in manifest.layers:  # another pull that needs one fetches it again
            blob_path(self._blobs, layer).unlink(missing_ok=True)
        return Pulled(stored=stored, digest=digest, fresh=fresh or bool(not manifest.layers))

    async def _for_this_machine(self, content: bytes, media_type: str) -> Manifest:
        for _ in range(DEEPEST_INDEX):
            found = parse_manifest(content, media_type, self._what)
            if isinstance(found, Manifest):
                return found
            one = choose(found, Platform.of_this_machine(), self._what)
            content, media_type, _ = await self._registry.manifest(one.digest)
        raise NotFound(f"{self._what} has indexes in indexes, too deep")

    async def _small_blob(self, descriptor: Descriptor) -> bytes:
        if descriptor.size > MOST_BYTES:
            raise PlaceError(f"{self._what} has a configuration of {descriptor.size} bytes")
        path = await fetch(self._registry, descriptor, await self._made(), lambda have: None)
        content = path.read_bytes()
        path.unlink(missing_ok=True)
        check_digest(content, descriptor.digest, self._what)
        return content

    async def _bring(self, layers: tuple[Descriptor, ...], described: Described) -> bool:
        """Fetch what is missing, then unpack it from below. Whether anything was missing."""
        keys = chain_keys(described.diff_ids)
        here = self._store.here(keys)
        for layer in layers[:here]:
            self._heard(Progress(layer=layer.short, state="exists", have=layer.size, size=layer.size))
        await self._fetch_all({layer.digest: layer for layer in layers[here:]})
        for number in range(here, len(layers)):
            await self._unpack(layers[number], number, keys, described)
        return here < len(layers)

    async def _fetch_all(self, layers: dict[str, Descriptor]) -> None:
        """The first failure ends all; what has come stays for the next time."""
        failures: list[BoathookError] = []
        limit = anyio.CapacityLimiter(AT_ONCE)
        directory = await self._made()
        async with anyio.create_task_group() as fetching:

            async def one(layer: Descriptor) -> None:
                try:
                    async with limit:
                        await fetch(self._registry, layer, directory, lambda have: self._tell(layer, have))
                    self._heard(Progress(layer=layer.short, state="fetched", have=layer.size, size=layer.size))
                except BoathookError as error:
                    failures.append(error)
                    fetching.cancel_scope.cancel()
                except OSError as error:
                    failures.append(PlaceError(f"{self._what} cannot be kept: {error}"))
                    fetching.cancel_scope.cancel()

            for layer in layers.values():
                fetching.start_soon(one, layer)
        if failures:
            raise failures[0]

    async def _unpack(self, layer: Descriptor, number: int, keys: tuple[str, ...], described: Described) -> None:
        while not self._store.has_layer(keys[number]):
            file = self._opened(layer)
            if file is None:  # another pull was done with it
                await fetch(self._registry, layer, self._blobs, lambda have: self._tell(layer, have))
                continue
            with file:
                await anyio.to_thread.run_sync(self._add, file, number, keys, described)
        self._heard(Progress(layer=layer.short, state="complete", have=layer.size, size=layer.size))

    def _opened(self, layer: Descriptor) -> IO[bytes] | None:
        try:
            return blob_path(self._blobs, layer).open("rb")
        except FileNotFoundError:
            return None

    def _add(self, file: IO[bytes], number: int, keys: tuple[str, ...], described: Described) -> None:
        self._store.add_layer(
            file,
            parent=keys[number - 1] if number else None,
            diff_id=described.diff_ids[number],
            key=keys[number],
            what=self._reference.familiar,
        )

    def _tell(self, layer: Descriptor, have: int) -> None:
        self._heard(Progress(layer=layer.short, state="fetching", have=have, size=layer.size))

    async def _made(self) -> Path:
        self._blobs.mkdir(mode=0o700, exist_ok=True)
        return self._blobs


def _unheard(progress: Progress) -> None: ...
