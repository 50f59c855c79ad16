"""The local image store below ``$BOATHOOK_HOME/images``: a record per image, a directory per layer, a table of names.

A writer holds the store's lock from beginning to end; what a killed one left half done is removed by the next.
Readers need no lock: layers, images and the table come and go in one step. What reads archives is imported when one is
read: most commands only look a name up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from boathook.clock import Clock, SystemClock
from boathook.errors import Conflict, NotFound, UsageError
from boathook.home import Home
from boathook.images import config as image_config
from boathook.images.catalogue import Catalogue, StoredImage
from boathook.images.layers import LayerStore, chain_keys
from boathook.images.locking import UNFINISHED, no_pulls, writing
from boathook.images.model import Image, ImageConfig
from boathook.images.reference import InvalidReference, Reference, as_reference, parse
from boathook.images.removal import delete, delete_blobs
from boathook.images.standins import STAND_INS, stand_in

if TYPE_CHECKING:
    from boathook.images.archive import Archive, ArchivedImage
    from boathook.images.layout import Layout
    from boathook.images.manifest import Described

LOCAL_STORE = "local store"
IMAGE_MAP = "image map"

OpenLayer = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was cleared away: in words as ``rm`` has them, and the bytes that this freed."""

    lines: tuple[str, ...]
    freed: int
    waiting: bool
    """Layers were left, since an image is being pulled."""


class ImageStore:
    """The store of one home. Every method does its work at once; none is called from a simulation."""

    def __init__(self, home: Home, *, clock: Clock | None = None) -> None:
        self._home = home
        self._catalogue = Catalogue(home.images, clock or SystemClock())
        self._layers = LayerStore(home.images)

    @property
    def directory(self) -> Path:
        return self._home.images

    def prepare(self) -> None:
        """Make the store's directories."""
        self._catalogue.prepare()

    def find(self, reference: Reference) -> Image | None:
        """The image of that name, ready to be run; None when it is not here."""
        stored = self.stored(reference)
        return self.runnable(stored, reference.familiar, LOCAL_STORE) if stored else None

    def stored(self, reference: Reference) -> StoredImage | None:
        """The image of that name, whole; a digest counts before a tag."""
        tags = self._catalogue.tags()
        names = [str(reference)] if reference.digest is None else [str(replace(reference, tag=None))]
        for name in names:
            if (stored := self._catalogue.load(tags.get(name, ""))) and self._is_whole(stored):
                return stored
        return None

    def list(self) -> tuple[StoredImage, ...]:
        """Every image, the newest first."""
        return self._catalogue.list()

    def import_directory(
        self, directory: Path, reference: Reference, *, base: str | None, changes: tuple[str, ...]
    ) -> StoredImage:
        """A copy of a directory as an image, laid over ``base`` where one is named."""
        if not directory.is_dir():
            raise NotFound(f'directory "{directory}" to import: no such directory')
        from boathook.images.copying import copy_directory

        with self._writing():
            return self._import_tree(lambda root: copy_directory(directory, root), reference, base, changes)

    def import_archive(
        self, file: Path, reference: Reference | None, *, base: str | None, changes: tuple[str, ...]
    ) -> tuple[StoredImage, ...]:
        """The images of a docker-archive or an archived OCI layout, or a plain archive of a root file system as one.

        ``reference`` renames the only image of an archive, and is needed for a plain one.
        """
        from boathook.images.archive import open_archive

        with self._writing(), open_archive(file) as archive:
            if archive.images is None and not archive.is_layout:
                return (self._import_plain(file, reference, base, changes),)
            if base is not None or changes:
                raise UsageError(
                    f'image archive "{file}" has its own configuration: --base and --change are not for it'
                )
            if archive.images is None:
                with self._extracted(archive) as layout:
                    return self._import_layout(layout, "", reference)
            if reference is not None and len(archive.images) != 1:
                raise UsageError(
                    f'image archive "{file}" holds {len(archive.images)} images: give no name to import all'
                )
            stored = []
            for image in archive.images:
                tags = (reference,) if reference else tuple(parse(tag) for tag in image.tags)
                stored.append(self._catalogue.tag(self._archived(image, archive, file), tags))
            return tuple(stored)

    def import_layout(self, layout: Layout, tag: str, reference: Reference | None) -> tuple[StoredImage, ...]:
        """The image of that tag in an OCI layout; without a tag and a name all that have whole references as names."""
        with self._writing():
            return self._import_layout(layout, tag, reference)

    def from_archive(self, file: Path, reference: Reference) -> Image:
        """The image of a docker-archive without a name in the store, unpacked on first use: for an image map."""
        from boathook.images.archive import open_archive

        with open_archive(file) as archive:
            image = _chosen(archive.images, reference, file)
            stored = self._catalogue.load(image.described.id)
            if stored is None or not self._is_whole(stored):
                with self._writing():
                    stored = self._archived(image, archive, file)
        return self.runnable(stored, reference.familiar, IMAGE_MAP)

    def from_layout(self, layout: Layout, tag: str, reference: Reference) -> Image:
        """The image of an OCI layout without a name in the store, unpacked on first use: for an image map."""
        image = layout.image(tag)
        stored = self._catalogue.load(image.described.id)
        if stored is None or not self._is_whole(stored):
            with self._writing():
                opened = [partial(layout.open, one) for one in image.layers]
                stored = self._unpacked(image.described, opened, reference.familiar)
        return self.runnable(stored, reference.familiar, IMAGE_MAP)

    def here(self, keys: Sequence[str]) -> int:
        """How many of an image's layers, from the lowest on, need not be brought: a layer here has all below it."""
        return next((number for number in range(len(keys), 0, -1) if self.has_layer(keys[number - 1])), 0)

    def has_layer(self, key: str) -> bool:
        return bool(self._layers.chain(key))

    def add_layer(self, layer: IO[bytes], *, parent: str | None, diff_id: str, key: str, what: str) -> None:
        """One layer of an image that is being pulled; nothing is done when another process was faster."""
        with self._writing():
            if not self.has_layer(key):
                self._layers.add(layer, parent=parent, diff_id=diff_id, key=key, what=what)

    def add_image(self, described: Described, references: tuple[Reference, ...]) -> StoredImage:
        """An image whose layers are all here, under its names."""
        with self._writing():
            return self._catalogue.tag(self._recorded(described), references)

    def tag(self, stored: StoredImage, references: tuple[Reference, ...]) -> StoredImage:
        """Give further names to an image."""
        with self._writing():
            return self._catalogue.tag(stored, references)

    def remove(self, name: str, *, in_use: frozenset[Path] = frozenset()) -> tuple[str, ...]:
        """Remove a name, and the image with its last one; by id, the image with all its names. What was done, in words.

        ``in_use`` are layers that containers stand on: an image that alone has one of them is kept.
        """
        with self._writing():
            tags = self._catalogue.tags()
            named, stored = self._named(name, tags)
            left = {tag: id for tag, id in tags.items() if tag not in named}
            if any(parse(tag).digest is None for tag, id in left.items() if id == stored.id):
                self._catalogue.write_tags(left)
                return tuple(f"Untagged: {parse(tag).familiar}" for tag in named)
            self._check_unused(stored, in_use)
            lines = self._catalogue.delete(stored)
            self._clear(in_use)
            return lines

    def prune(self, *, everything: bool, in_use: frozenset[Path] = frozenset()) -> Pruned:
        """Remove images without a tag, or ``everything`` that no container stands on, and what no image needs."""
        with self._writing():
            lines: list[str] = []
            for stored in self._catalogue.list():  # the newest first: what is laid over another goes before it
                if (everything or not stored.tags) and not self._is_needed(stored, in_use):
                    lines += self._catalogue.delete(stored)
            freed, waiting = self._clear(in_use, unfinished=True)
            return Pruned(lines=tuple(lines), freed=freed, waiting=waiting)

    def runnable(self, stored: StoredImage, reference: str, origin: str) -> Image:
        layers: list[Path] = []
        image: StoredImage | None = stored
        host_system = False
        while image is not None:
            layers[:0] = self._layers.roots(image.layer)
            if image.base is not None and image.base in STAND_INS:
                below = stand_in(self._home, image.base)
                assert below is not None
                layers[:0] = below.layers
                host_system = True
                break
            image = self._catalogue.load(image.base or "")
        return Image(
            reference=reference,
            origin=origin,
            stand_in=False,
            layers=tuple(layers),
            host_system=host_system,
            config=image_config.with_path(stored.config),
        )

    def _named(self, name: str, tags: Mapping[str, str]) -> tuple[tuple[str, ...], StoredImage]:
        try:
            reference = str(parse(name))
        except InvalidReference:
            reference = ""
        if stored := self._catalogue.load(tags.get(reference, "")):
            return (reference,), stored
        wanted = name.removeprefix("sha256:")
        found = [image for image in self._catalogue.list() if len(wanted) >= 4 and image.id.startswith(wanted)]
        if len(found) != 1:
            raise NotFound(f'image "{name}": {"several images begin so" if found else "no such image"}')
        return (*found[0].tags, *found[0].digests), found[0]

    def _is_whole(self, stored: StoredImage) -> bool:
        return stored.layer is None or self.has_layer(stored.layer)

    def _is_needed(self, stored: StoredImage, in_use: frozenset[Path]) -> bool:
        try:
            self._check_unused(stored, in_use)
        except Conflict:
            return True
        return False

    def _check_unused(self, stored: StoredImage, in_use: frozenset[Path]) -> None:
        others = [image for image in self._catalogue.list() if image.id != stored.id]
        going = self._layers.unused(image.layer for image in others if image.layer)
        own = {layer.key for layer in self._layers.chain(stored.layer)} if stored.layer else set()
        if any(self._layers.is_in_use(layer, in_use) for layer in going if layer.key in own):
            raise Conflict(f"image {stored.short_id} is in use by a container", hint="remove the container first")
        above = [image.short_id for image in others if image.base == stored.id]
        if above:
            raise Conflict(f"image {stored.short_id} is the base of {', '.join(above)}", hint="remove those first")

    def _clear(self, in_use: frozenset[Path], *, unfinished: bool = False) -> tuple[int, bool]:
        """Clear away layers that no image needs, and blobs. The bytes that this freed; whether it has to wait."""
        with no_pulls(self._home.images) as alone:
            if not alone:
                return 0, True
            freed = 0
            for layer in self._layers.unused(image.layer for image in self._catalogue.list() if image.layer):
                if not self._layers.is_in_use(layer, in_use):
                    freed += layer.size
                    self._layers.remove(layer)
            return freed + delete_blobs(self._home.images / "blobs", unfinished=unfinished), False

    def _import_tree(
        self, fill: Callable[[Path], None], reference: Reference, base: str | None, changes: tuple[str, ...]
    ) -> StoredImage:
        """An image of one layer, over ``base``, whose configuration it inherits."""
        below, inherited = self._base(base)
        config = image_config.changed(inherited, changes)
        layer = self._layers.add_tree(fill)
        described = {"layer": layer.key, "base": below, "config": image_config.to_engine(config)}
        id = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
        return self._catalogue.tag(
            self._catalogue.record(id, base=below, layer=layer, size=layer.size, config=config), (reference,)
        )

    def _import_plain(
        self, file: Path, reference: Reference | None, base: str | None, changes: tuple[str, ...]
    ) -> StoredImage:
        if reference is None:
            raise UsageError(f'archive "{file}" is a plain root file system: it needs a name to be imported as')

        from boathook.images.unpack import unpack_layer

        def fill(root: Path) -> None:
            with file.open("rb") as layer:
                unpack_layer(layer, root, str(file))

        return self._import_tree(fill, reference, base, changes)

    def _import_layout(self, layout: Layout, tag: str, reference: Reference | None) -> tuple[StoredImage, ...]:
        tags = (tag,) if tag or reference or len(layout.names) < 2 else layout.names
        stored = []
        for name in tags:
            image = layout.image(name)
            named = reference or _whole_reference(name or "".join(layout.names[:1]))
            opened = [partial(layout.open, one) for one in image.layers]
            stored.append(self._catalogue.tag(self._unpacked(image.described, opened, named.familiar), (named,)))
        return tuple(stored)

    @contextmanager
    def _extracted(self, archive: Archive) -> Iterator[Layout]:
        import tempfile

        from boathook.images.layout import Layout

        fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self._home.images))
        archive.extract_layout(fresh)
        yield Layout(fresh)
        delete(fresh)

    def _base(self, base: str | None) -> tuple[str | None, ImageConfig]:
        """The id of an image, or the name of a stand-in, and its configuration."""
        if base is None:
            return None, ImageConfig()
        reference = as_reference(base)
        if stored := self.stored(reference):
            return stored.id, stored.config
        if (below := stand_in(self._home, base)) is not None:
            return reference.name, below.config
        raise NotFound(f'base image "{base}": neither in the local store nor a stand-in')

    def _archived(self, image: ArchivedImage, archive: Archive, file: Path) -> StoredImage:
        opened = [partial(archive.open, name) for name in image.layers]
        return self._unpacked(image.described, opened, str(file))

    def _unpacked(self, described: Described, opened: Sequence[OpenLayer], what: str) -> StoredImage:
        """The image with the layers that are not here yet unpacked."""
        parent: str | None = None
        keys = chain_keys(described.diff_ids)
        here = self.here(keys)
        for number, (key, diff_id, opening) in enumerate(zip(keys, described.diff_ids, opened, strict=True)):
            if number >= here:
                with opening() as layer:
                    self._layers.add(layer, parent=parent, diff_id=diff_id, key=key, what=what)
            parent = key
        return self._recorded(described)

    def _recorded(self, described: Described) -> StoredImage:
        keys = chain_keys(described.diff_ids)
        if self.here(keys) < len(keys):
            raise Conflict(f"image {described.id[:12]} has lost a layer meanwhile", hint="try again")
        layers = [layer for key in keys if (layer := self._layers.find(key)) is not None]
        size = sum(layer.size for layer in layers)
        top = layers[-1] if layers else None
        return self._catalogue.record(described.id, base=None, layer=top, size=size, config=described.config)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self.prepare()
        with writing(self._home.images):
            yield


def _whole_reference(name: str) -> Reference:
    """The name that a layout gives an image, where that is a reference; a bare tag names no repository."""
    if "/" not in name and ":" not in name:
        what = f'the image "{name}"' if name else "an image without a name"
        raise UsageError(f"{what} of an OCI layout needs a name to be imported as")
    return as_reference(name)


def _chosen(images: tuple[ArchivedImage, ...] | None, reference: Reference, file: Path) -> ArchivedImage:
    """The image of that name in the archive, else its only one."""
    for image in images or ():
        if str(reference) in {str(parse(tag)) for tag in image.tags}:
            return image
    if images is not None and len(images) == 1:
        return images[0]
    what = "is no docker-archive" if images is None else f"holds {len(images)} images, none of them by that name"
    raise NotFound(f'image "{reference.familiar}": archive "{file}" {what}')
