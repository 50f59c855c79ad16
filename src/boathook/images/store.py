"""The local image store: one directory per image below ``$BOATHOOK_HOME/images``, and a table of tags.

A writer holds the store's lock from beginning to end; what a killed one left half done is removed by the next.
Readers need no lock: images and the table come and go in one step. What reads archives is imported when one is read:
most commands only look a name up.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from boathook.clock import Clock, SystemClock
from boathook.errors import Conflict, JournalError, NotFound, UsageError
from boathook.home import Home
from boathook.images import config as image_config
from boathook.images.locking import UNFINISHED, writing
from boathook.images.model import Image, ImageConfig
from boathook.images.reference import InvalidReference, Reference, parse
from boathook.images.removal import delete
from boathook.images.standins import STAND_INS, stand_in

if TYPE_CHECKING:
    from boathook.images.archive import ArchivedImage

SHORT_ID = 12
LOCAL_STORE = "local store"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image of the store. ``tags`` are complete references."""

    id: str
    tags: tuple[str, ...]
    created: datetime
    size: int
    """Bytes of its own files; those of its base are not counted."""
    base: str | None
    """The id of the image, or the name of the stand-in, that it is laid over."""
    config: ImageConfig

    @property
    def short_id(self) -> str:
        return self.id[:SHORT_ID]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What is about to be stored, but for its files."""

    id: str | None
    """None: named after its content."""
    base: str | None
    config: ImageConfig


class ImageStore:
    """The store of one home. Every method does its work at once; none is called from a simulation."""

    def __init__(self, home: Home, *, clock: Clock | None = None) -> None:
        self._home = home
        self._clock = clock or SystemClock()
        self._images = home.images / "store"

    def find(self, reference: Reference) -> Image | None:
        """The image of that name, ready to be run; None when it is not here."""
        stored = self._load(self._tags().get(str(reference), ""))
        return self._runnable(stored, reference.familiar, LOCAL_STORE) if stored else None

    def list(self) -> tuple[StoredImage, ...]:
        """Every image, the newest first."""
        names = os.listdir(self._images) if self._images.is_dir() else []
        images = [image for name in names if (image := self._load(name)) is not None]
        return tuple(sorted(images, key=lambda image: image.created, reverse=True))

    def import_directory(
        self, directory: Path, reference: Reference, *, base: str | None, changes: tuple[str, ...]
    ) -> StoredImage:
        """A copy of a directory as an image, laid over ``base`` where one is named."""
        if not directory.is_dir():
            raise NotFound(f'directory "{directory}" to import: no such directory')
        from boathook.images.unpack import copy_directory

        with self._writing():
            content = self._over(base, changes)
            stored = self._add(content, lambda root: copy_directory(directory, root))
            return self._tagged(stored, (reference,))

    def import_archive(
        self, file: Path, reference: Reference | None, *, base: str | None, changes: tuple[str, ...]
    ) -> tuple[StoredImage, ...]:
        """The images of a docker-archive, or a plain tar archive of a root file system as one image.

        ``reference`` renames the only image of an archive, and is needed for a plain one.
        """
        from boathook.images.archive import open_archive

        with self._writing(), open_archive(file) as archive:
            if archive.images is None:
                return (self._import_plain(file, reference, base, changes),)
            if base is not None or changes:
                raise UsageError(
                    f'image archive "{file}" has its own configuration: --base and --change are not for it'
                )
            if reference is not None and len(archive.images) != 1:
                raise UsageError(
                    f'image archive "{file}" holds {len(archive.images)} images: give no name to import all'
                )
            stored = []
            for image in archive.images:
                tags = (reference,) if reference else tuple(parse(tag) for tag in image.tags)
                stored.append(self._tagged(self._unpacked(image, archive.unpack), tags))
            return tuple(stored)

    def from_archive(self, file: Path, reference: Reference) -> Image:
        """The image of a docker-archive without a name in the store, unpacked on first use: for an image map."""
        from boathook.images.archive import open_archive

        with open_archive(file) as archive:
            image = _chosen(archive.images, reference, file)
            stored = self._load(image.id)
            if stored is None:
                with self._writing():
                    stored = self._unpacked(image, archive.unpack)
        return self._runnable(stored, reference.familiar, "image map")

    def remove(self, name: str, *, in_use: frozenset[Path] = frozenset()) -> tuple[str, ...]:
        """Remove a name, and the image with its last one; by id, the image with all its names. What was done, in words.

        ``in_use`` are layers that containers stand on: an image that has one is kept.
        """
        with self._writing():
            tags = self._tags()
            named, stored = self._named(name, tags)
            left = {tag: id for tag, id in tags.items() if tag not in named}
            done = [f"Untagged: {parse(tag).familiar}" for tag in named]
            if stored.id not in left.values():
                self._check_unused(stored, in_use)
                done.append(f"Deleted: sha256:{stored.id}")
            self._write_tags(left)
            if stored.id not in left.values():
                self._discard(self._images / stored.id)
            return tuple(done)

    def _named(self, name: str, tags: Mapping[str, str]) -> tuple[tuple[str, ...], StoredImage]:
        try:
            reference = str(parse(name))
        except InvalidReference:
            reference = ""
        if stored := self._load(tags.get(reference, "")):
            return (reference,), stored
        wanted = name.removeprefix("sha256:")
        found = [image for image in self.list() if len(wanted) >= 4 and image.id.startswith(wanted)]
        if len(found) != 1:
            raise NotFound(f'image "{name}": {"several images begin so" if found else "no such image"}')
        return found[0].tags, found[0]

    def _check_unused(self, stored: StoredImage, in_use: frozenset[Path]) -> None:
        if self._images / stored.id / "root" in in_use:
            raise Conflict(f"image {stored.short_id} is in use by a container", hint="remove the container first")
        above = [image.short_id for image in self.list() if image.base == stored.id]
        if above:
            raise Conflict(f"image {stored.short_id} is the base of {', '.join(above)}", hint="remove those first")

    def _import_plain(
        self, file: Path, reference: Reference | None, base: str | None, changes: tuple[str, ...]
    ) -> StoredImage:
        if reference is None:
            raise UsageError(f'archive "{file}" is a plain root file system: it needs a name to be imported as')

        from boathook.images.unpack import unpack_layer

        def fill(root: Path) -> None:
            with file.open("rb") as layer:
                unpack_layer(layer, root, str(file))

        return self._tagged(self._add(self._over(base, changes), fill), (reference,))

    def _over(self, base: str | None, changes: tuple[str, ...]) -> _Content:
        """An image over ``base``: its configuration is inherited."""
        if base is None:
            return _Content(id=None, base=None, config=image_config.changed(ImageConfig(), changes))
        reference = _reference(base)
        if stored := self._load(self._tags().get(str(reference), "")):
            return _Content(id=None, base=stored.id, config=image_config.changed(stored.config, changes))
        if (below := stand_in(self._home, base)) is not None:
            return _Content(id=None, base=reference.name, config=image_config.changed(below.config, changes))
        raise NotFound(f'base image "{base}": neither in the local store nor a stand-in')

    def _unpacked(self, image: ArchivedImage, unpack: Callable[[ArchivedImage, Path], None]) -> StoredImage:
        if stored := self._load(image.id):
            return stored
        content = _Content(id=image.id, base=None, config=image.config)
        return self._add(content, lambda root: unpack(image, root))

    def _add(self, content: _Content, fill: Callable[[Path], None]) -> StoredImage:
        """Fill a fresh directory and put it in place in one step."""
        import tempfile

        fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self._home.images))
        root = fresh / "root"
        root.mkdir()
        fill(root)
        root.chmod(0o755)
        fresh.chmod(0o755)
        digest, size = _measured(root)
        described = {"base": content.base, "config": image_config.to_engine(content.config)}
        name = content.id or hashlib.sha256(json.dumps([digest, described], sort_keys=True).encode()).hexdigest()
        record = {"created": self._clock.now().isoformat(), "size": size, **described}
        (fresh / "image.json").write_text(json.dumps(record))
        target = self._images / name
        if target.exists():
            delete(fresh)
        else:
            fresh.rename(target)
        stored = self._load(name)
        assert stored is not None
        return stored

    def _tagged(self, stored: StoredImage, references: tuple[Reference, ...]) -> StoredImage:
        added = {str(reference): stored.id for reference in references}
        tags = self._tags() | added
        self._write_tags(tags)
        return replace(stored, tags=_tags_of(stored.id, tags))

    def _runnable(self, stored: StoredImage, reference: str, origin: str) -> Image:
        layers: list[Path] = []
        image: StoredImage | None = stored
        host_system = False
        while image is not None:
            layers.insert(0, self._images / image.id / "root")
            if image.base is not None and image.base in STAND_INS:
                below = stand_in(self._home, image.base)
                assert below is not None
                layers[:0] = below.layers
                host_system = True
                break
            if image.base is None:
                break
            image = self._load(image.base)
        return Image(
            reference=reference,
            origin=origin,
            stand_in=False,
            layers=tuple(layers),
            host_system=host_system,
            config=image_config.with_path(stored.config),
        )

    def _load(self, id: str) -> StoredImage | None:
        if not id:
            return None
        try:
            record = json.loads((self._images / id / "image.json").read_text())
        except FileNotFoundError:
            return None
        return StoredImage(
            id=id,
            tags=_tags_of(id, self._tags()),
            created=datetime.fromisoformat(record["created"]),
            size=record["size"],
            base=record["base"],
            config=image_config.from_engine(record["config"]),
        )

    def _tags(self) -> dict[str, str]:
        path = self._home.images / "tags.json"
        try:
            tags: dict[str, str] = json.loads(path.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise JournalError(f'table of images "{path}" is damaged: {error}') from error
        return tags

    def _write_tags(self, tags: Mapping[str, str]) -> None:
        path = self._home.images / "tags.json"
        fresh = path.with_name(f"{UNFINISHED}{secrets.token_hex(6)}")
        fresh.write_text(json.dumps(tags, indent=1, sort_keys=True))
        fresh.replace(path)

    def _discard(self, path: Path) -> None:
        """Out of sight in one step, then away."""
        gone = self._home.images / f"{UNFINISHED}{secrets.token_hex(6)}"
        path.rename(gone)
        delete(gone)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._images.mkdir(mode=0o755, parents=True, exist_ok=True)
        with writing(self._home.images):
            yield


def _reference(text: str) -> Reference:
    try:
        return parse(text)
    except InvalidReference as error:
        raise UsageError(str(error)) from error


def _tags_of(id: str, tags: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(sorted(tag for tag, target in tags.items() if target == id))


def _chosen(images: tuple[ArchivedImage, ...] | None, reference: Reference, file: Path) -> ArchivedImage:
    """The image of that name in the archive, else its only one."""
    for image in images or ():
        if str(reference) in {str(parse(tag)) for tag in image.tags}:
            return image
    if images is not None and len(images) == 1:
        return images[0]
    what = "is no docker-archive" if images is None else f"holds {len(images)} images, none of them by that name"
    raise NotFound(f'image "{reference.familiar}": archive "{file}" {what}')


def _measured(root: Path) -> tuple[str, int]:
    """A digest of names, kinds, permissions and contents, and the size of all files."""
    digest, size = hashlib.sha256(), 0
    for directory, names, files in os.walk(root):
        names.sort()
        for name in sorted((*names, *files)):
            path = Path(directory, name)
            status = path.lstat()
            owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else ()
            digest.update(json.dumps([os.fsencode(path.relative_to(root)).hex(), status.st_mode, owner]).encode())
            if stat.S_ISLNK(status.st_mode):
                digest.update(os.fsencode(os.readlink(path)))
            elif stat.S_ISREG(status.st_mode):
                size += status.st_size
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest(), size
