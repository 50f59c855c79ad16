"""Manifests, indexes and configurations of images, as registries and OCI layouts have them (OCI image format)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boathook.errors import NotFound, UsageError
from boathook.images.config import from_engine
from boathook.images.model import ImageConfig

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = (OCI_INDEX, DOCKER_LIST)
ACCEPTED = (OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST)

CONFIGURATIONS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    "application/octet-stream",  # what early versions of engines pushed
)

ALGORITHMS: Mapping[str, Any] = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386"}
"""The machine's own name -> Go's, which images are marked with."""
VARIANTS = {"armv7l": ("v7", "v6", "v5"), "armv6l": ("v6", "v5"), "aarch64": ("v8",)}
"""What a machine can run, the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What names a blob: its digest says what it holds."""

    media_type: str
    digest: str
    size: int

    @property
    def short(self) -> str:
        return self.digest.partition(":")[2][:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One entry of an index."""

    descriptor: Descriptor
    system: str
    architecture: str
    variant: str
    name: str
    """The name that an OCI layout gives it; else empty."""

    @property
    def platform(self) -> str:
        return "/".join(part for part in (self.system, self.architecture, self.variant) if part) or "unmarked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An image for one platform."""

    config: Descriptor
    layers: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What an image's configuration says. ``id`` is its digest, as engines have it."""

    id: str
    config: ImageConfig
    diff_ids: tuple[str, ...]
    """The digests of the layers' contents, without compression, lowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What this machine runs."""

    architecture: str
    variants: tuple[str, ...]

    @classmethod
    def of_this_machine(cls) -> Platform:
        name = os.uname().machine
        return cls(architecture=ARCHITECTURES.get(name, name), variants=VARIANTS.get(name, ()))

    def __str__(self) -> str:
        return f"linux/{self.architecture}"


def check_digest(content: bytes, digest: str, what: str) -> None:
    """Raises ``UsageError`` when the content is not what the digest names."""
    found = digest_of(content, algorithm_of(digest, what))
    if found != digest:
        raise UsageError(f"{what} is refused: its digest is {found}, expected {digest}")


def algorithm_of(digest: str, what: str) -> str:
    algorithm, _, hexadecimal = digest.partition(":")
    known = ALGORITHMS.get(algorithm)
    if known is None or len(hexadecimal) != known().digest_size * 2 or set(hexadecimal) - set("0123456789abcdef"):
        raise UsageError(f'{what} is refused: digest "{digest}" is none of sha256 or sha512')
    return algorithm


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{ALGORITHMS[algorithm](content).hexdigest()}"


def parse_manifest(content: bytes, media_type: str, what: str) -> Manifest | tuple[Choice, ...]:
    """A manifest, or the entries of an index. ``media_type`` counts where the document names none itself."""
    document = _object(content, what)
    kind = str(document.get("mediaType") or media_type.partition(";")[0].strip())
    if document.get("schemaVersion") != 2:
        raise UsageError(f"{what} has a manifest of version {document.get('schemaVersion')}: only 2 can be read")
    try:
        if kind in INDEXES or "manifests" in document:
            return tuple(_choice(entry, what) for entry in document["manifests"])
        config = _descriptor(document["config"], what)
        if config.media_type not in CONFIGURATIONS:
            raise UsageError(f'{what} is no container image but "{config.media_type}"')
        return Manifest(config=config, layers=tuple(_descriptor(entry, what) for entry in document["layers"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{what} has a malformed manifest") from error


def choose(choices: tuple[Choice, ...], wanted: Platform, what: str) -> Descriptor:
    """The entry for a platform. Raises ``NotFound`` with the platforms that there are."""
    fitting = [each for each in choices if each.system == "linux" and each.architecture == wanted.architecture]
    for variant in (*wanted.variants, ""):
        for each in fitting:
            if each.variant == variant:
                return each.descriptor
    if fitting and not wanted.variants:
        return fitting[0].descriptor
    unmarked = [each for each in choices if not each.system and not each.architecture]
    if len(choices) == len(unmarked) == 1:
        return unmarked[0].descriptor
    there = ", ".join(sorted({each.platform for each in choices if each.system != "unknown"})) or "none"
    raise NotFound(f"{what} is not there for {wanted}: only for {there}")


def parse_config(content: bytes, what: str) -> Described:
    document = _object(content, what)
    try:
        config = from_engine(document.get("config") or {})
        diff_ids = tuple(document["rootfs"]["diff_ids"] or ())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{what} has a malformed configuration") from error
    for diff_id in diff_ids:
        if not isinstance(diff_id, str) or algorithm_of(diff_id, what) != "sha256":
            raise UsageError(f"{what} has a malformed configuration")
    return Described(id=hashlib.sha256(content).hexdigest(), config=config, diff_ids=diff_ids)


def check_layers(described: Described, count: int, what: str) -> None:
    if len(described.diff_ids) != count:
        raise UsageError(f"{what} has {count} layers, but its configuration speaks of {len(described.diff_ids)}")


def _object(content: bytes, what: str) -> dict[str, Any]:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise UsageError(f"{what} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise UsageError(f"{what} is no JSON object")
    return document


def _descriptor(entry: Mapping[str, Any], what: str) -> Descriptor:
    digest, size = entry["digest"], entry["size"]
    if not isinstance(digest, str) or type(size) is not int or size < 0:
        raise UsageError(f"{what} has a malformed manifest")
    algorithm_of(digest, what)
    return Descriptor(media_type=str(entry.get("mediaType") or ""), digest=digest, size=size)


def _choice(entry: Mapping[str, Any], what: str) -> Choice:
    platform = entry.get("platform") or {}
    annotations = entry.get("annotations") or {}
    return Choice(
        descriptor=_descriptor(entry, what),
        system=str(platform.get("os") or ""),
        architecture=str(platform.get("architecture") or ""),
        variant=str(platform.get("variant") or ""),
        name=str(annotations.get("org.opencontainers.image.ref.name") or ""),
    )
