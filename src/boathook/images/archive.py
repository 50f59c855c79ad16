"""Image archives: what ``docker save`` writes, archived OCI layouts, and plain tar archives of a root file system."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from boathook.errors import NotFound, UsageError
from boathook.images.manifest import Described, check_layers, parse_config

MANIFEST = "manifest.json"
OCI_LAYOUT = "oci-layout"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedImage:
    """One image of an archive."""

    tags: tuple[str, ...]
    described: Described
    layers: tuple[str, ...]
    """Names of the layers in the archive, lowest first."""


class Archive:
    """An open archive. ``images`` is None for a plain root file system and for an OCI layout."""

    def __init__(self, file: tarfile.TarFile, path: Path) -> None:
        self._file = file
        self._path = path
        self._names = frozenset(name.removeprefix("./") for name in file.getnames())
        self.images = self._images() if MANIFEST in self._names else None

    @property
    def is_layout(self) -> bool:
        return self.images is None and OCI_LAYOUT in self._names

    def extract_layout(self, directory: Path) -> None:
        """Put an OCI layout's own files, and no others, into ``directory``."""
        for member in self._file:
            parts = [part for part in member.name.split("/") if part not in ("", ".")]
            is_blob = len(parts) == 3 and parts[0] == "blobs" and ".." not in parts
            if member.isfile() and (is_blob or parts in ([OCI_LAYOUT], ["index.json"])):
                target = directory.joinpath(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                source = self._file.extractfile(member)
                assert source is not None
                with source, target.open("wb") as file:
                    while chunk := source.read(1024 * 1024):
                        file.write(chunk)

    def _images(self) -> tuple[ArchivedImage, ...]:
        manifest = self._json(MANIFEST)
        if not isinstance(manifest, list):
            raise UsageError(f'image archive "{self._path}": "{MANIFEST}" is not a list')
        return tuple(self._image(entry) for entry in manifest)

    def _image(self, entry: Any) -> ArchivedImage:
        try:
            config, layers = str(entry["Config"]), tuple(map(str, entry["Layers"]))
            tags = tuple(map(str, entry.get("RepoTags") or ()))
        except (KeyError, TypeError, AttributeError) as error:
            raise UsageError(f'image archive "{self._path}": "{MANIFEST}" is malformed') from error
        what = f'image archive "{self._path}"'
        described = parse_config(self._bytes(config), what)
        check_layers(described, len(layers), what)
        return ArchivedImage(tags=tags, described=described, layers=layers)

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self._bytes(name))
        except ValueError as error:
            raise UsageError(f'image archive "{self._path}": "{name}" is not JSON: {error}') from error

    def _bytes(self, name: str) -> bytes:
        with self.open(name) as file:
            return file.read()

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """One file of the archive."""
        file = None
        for spelling in (name, f"./{name}"):
            try:
                file = self._file.extractfile(spelling)
                break
            except KeyError:
                continue
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
