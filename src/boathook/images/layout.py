"""OCI layouts: a directory with ``oci-layout``, ``index.json`` and blobs named by their digests (image-layout.md)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from boathook.errors import NotFound, UsageError
from boathook.images.manifest import (
    OCI_INDEX,
    Choice,
    Described,
    Descriptor,
    Platform,
    algorithm_of,
    check_digest,
    check_layers,
    choose,
    parse_config,
    parse_manifest,
)

MARKER = "oci-layout"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutImage:
    """One image of a layout, for this machine's platform."""

    described: Described
    layers: tuple[Descriptor, ...]


class Layout:
    """A layout on disk. Every blob is checked against its digest before it is used."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._what = f'OCI layout "{directory}"'
        if not is_layout(directory):
            raise NotFound(f'{self._what}: it has no "{MARKER}"')
        try:
            version = json.loads((directory / MARKER).read_bytes())["imageLayoutVersion"]
            index = (directory / "index.json").read_bytes()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{self._what} cannot be read: {error}") from error
        if not str(version).startswith("1."):
            raise UsageError(f'{self._what} has version "{version}": only 1 can be read')
        choices = parse_manifest(index, OCI_INDEX, self._what)
        if not isinstance(choices, tuple):
            raise UsageError(f'{self._what}: "index.json" is no index')
        self._choices = choices

    @property
    def names(self) -> tuple[str, ...]:
        """What the images are called; whoever wrote the layout chose tags or whole references."""
        return tuple(sorted({choice.name for choice in self._choices if choice.name}))

    def image(self, tag: str) -> LayoutImage:
        """The image of that tag; without one, the only image, or that called ``latest``. Raises ``NotFound``."""
        return self._image(self._chosen(tag), depth=0)

    @contextmanager
    def open(self, descriptor: Descriptor) -> Iterator[BufferedReader]:
        """A blob, checked from its beginning to its end first."""
        with self._file(descriptor) as file:
            algorithm = algorithm_of(descriptor.digest, self._what)
            found = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
            if found != descriptor.digest:
                raise UsageError(f"{self._what} is refused: blob {descriptor.digest} has digest {found}")
            file.seek(0)
            yield file

    def _chosen(self, tag: str) -> tuple[Choice, ...]:
        if tag:
            named = tuple(each for each in self._choices if tag in (each.name, each.name.rpartition(":")[2]))
            if not named:
                there = ", ".join(self.names) or "no names"
                raise NotFound(f'{self._what} has no image "{tag}": it has {there}')
            return named
        names = {each.name for each in self._choices}
        if len(names) <= 1:
            return self._choices
        if "latest" in names:
            return self._chosen("latest")
        raise NotFound(f"{self._what} has several images: {', '.join(self.names)}", hint="name one: oci:DIR:TAG")

    def _image(self, choices: tuple[Choice, ...], depth: int) -> LayoutImage:
        """Through indexes in indexes, as some tools write them."""
        if not choices or depth > 3:
            raise NotFound(f"{self._what} has no image")
        one = choose(choices, Platform.of_this_machine(), self._what)
        found = parse_manifest(self._bytes(one), one.media_type, self._what)
        if isinstance(found, tuple):
            return self._image(found, depth + 1)
        described = parse_config(self._bytes(found.config), self._what)
        check_layers(described, len(found.layers), self._what)
        return LayoutImage(described=described, layers=found.layers)

    def _bytes(self, descriptor: Descriptor) -> bytes:
        with self._file(descriptor) as file:
            content = file.read()
        check_digest(content, descriptor.digest, f"{self._what}: blob {descriptor.short}")
        return content

    @contextmanager
    def _file(self, descriptor: Descriptor) -> Iterator[BufferedReader]:
        algorithm, _, hexadecimal = descriptor.digest.partition(":")
        path = self._directory / "blobs" / algorithm / hexadecimal
        try:
            with path.open("rb") as file:
                yield file
        except FileNotFoundError as error:
            raise UsageError(f"{self._what} is incomplete: blob {descriptor.digest} is missing") from error


def is_layout(directory: Path) -> bool:
    return (directory / MARKER).is_file()


def split_layout(place: str) -> tuple[Path, str]:
    """The directory and the tag of ``DIR`` or ``DIR:TAG``."""
    whole = Path(place).expanduser()
    directory, colon, tag = place.rpartition(":")
    if whole.is_dir() or not colon or not directory:
        return whole.absolute(), ""
    return Path(directory).expanduser().absolute(), tag
