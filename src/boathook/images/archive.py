"""Image archives: what ``docker save`` writes, and plain tar archives of a root file system."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from boathook.errors import NotFound, UsageError
from boathook.images.config import from_engine
from boathook.images.model import ImageConfig
from boathook.images.unpack import unpack_layer

MANIFEST = "manifest.json"
OCI_LAYOUT = "oci-layout"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedImage:
    """One image of an archive. ``id`` is the digest of its configuration, as engines have it."""

    id: str
    tags: tuple[str, ...]
    config: ImageConfig
    layers: tuple[str, ...]
    """Names of the layers in the archive, lowest first."""


class Archive:
    """An open archive. ``images`` is None for a plain root file system."""

    def __init__(self, file: tarfile.TarFile, path: Path) -> None:
        self._file = file
        self._path = path
        self.images = self._images()

    def unpack(self, image: ArchivedImage, root: Path) -> None:
        """Lay all layers of ``image`` into the empty directory ``root``."""
        for name in image.layers:
            with self._open(name) as layer:
                unpack_layer(layer, root, str(self._path))

    def _images(self) -> tuple[ArchivedImage, ...] | None:
        names = set(self._file.getnames())
        if MANIFEST not in names:
            if OCI_LAYOUT in names:
                raise UsageError(
                    f'image archive "{self._path}" is an OCI layout: it cannot be imported yet',
                    hint="save it as a docker-archive instead",
                )
            return None
        manifest = self._json(MANIFEST)
        if not isinstance(manifest, list):
            raise UsageError(f'image archive "{self._path}": "{MANIFEST}" is not a list')
        return tuple(self._image(entry) for entry in manifest)

    def _image(self, entry: Any) -> ArchivedImage:
        try:
            described = self._bytes(entry["Config"])
            config = from_engine(json.loads(described).get("config") or {})
            tags, layers = tuple(entry.get("RepoTags") or ()), tuple(entry["Layers"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(f'image archive "{self._path}": "{MANIFEST}" or a configuration is malformed') from error
        return ArchivedImage(id=hashlib.sha256(described).hexdigest(), tags=tags, config=config, layers=layers)

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self._bytes(name))
        except ValueError as error:
            raise UsageError(f'image archive "{self._path}": "{name}" is not JSON: {error}') from error

    def _bytes(self, name: str) -> bytes:
        with self._open(name) as file:
            return file.read()

    @contextmanager
    def _open(self, name: str) -> Iterator[IO[bytes]]:
        try:
            file = self._file.extractfile(name)
        except KeyError:
            file = None
        if file is None:
            raise UsageError(f'image archive "{self._path}" is incomplete: "{name}" is missing')
        with file:
            yield file


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """An archive for reading. Raises ``NotFound`` or ``UsageError``."""
    try:
        with tarfile.open(path, mode="r:*") as file:
            yield Archive(file, path)
    except FileNotFoundError as error:
        raise NotFound(f'image archive "{path}": no such file') from error
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UsageError(f'image archive "{path}" cannot be read: {error}') from error
