"""Image references: ``busybox`` is ``docker.io/library/busybox:latest``, as container engines read them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from boathook.errors import UsageError

DEFAULT_REGISTRY = "docker.io"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"

COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")
REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]+)?")
LONGEST_NAME = 255


class InvalidReference(ValueError):
    """The text is no image reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A reference, complete: with registry, and with a tag unless it has a digest."""

    registry: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def name(self) -> str:
        """The last part of the repository: ``agnhost`` of ``registry/e2e-test-images/agnhost``."""
        return self.repository.rpartition("/")[2]

    @property
    def familiar_name(self) -> str:
        """The repository as people write it: without the default registry and namespace."""
        if self.registry != DEFAULT_REGISTRY:
            return f"{self.registry}/{self.repository}"
        return self.repository.removeprefix(f"{DEFAULT_NAMESPACE}/")

    @property
    def familiar(self) -> str:
        return self.familiar_name + self._suffix

    @property
    def _suffix(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return tag + (f"@{self.digest}" if self.digest else "")

    def __str__(self) -> str:
        return f"{self.registry}/{self.repository}{self._suffix}"


def parse(text: str) -> Reference:
    """Raises ``InvalidReference``."""
    rest, _, digest = text.partition("@")
    if "@" in text and not DIGEST.fullmatch(digest):
        raise InvalidReference(f'image "{text}": invalid digest')
    name, tag = _split_tag(rest)
    if tag is not None and not TAG.fullmatch(tag):
        raise InvalidReference(f'image "{text}": invalid tag "{tag}"')
    registry, repository = _split_registry(name)
    if not REGISTRY.fullmatch(registry) or len(name) > LONGEST_NAME:
        raise InvalidReference(f'image "{text}": invalid reference format')
    if repository != repository.lower():
        raise InvalidReference(f'image "{text}": invalid reference format: repository name must be lowercase')
    if not all(COMPONENT.fullmatch(part) for part in repository.split("/")):
        raise InvalidReference(f'image "{text}": invalid reference format')
    if tag is None and not digest:
        tag = DEFAULT_TAG
    return Reference(registry=registry, repository=repository, tag=tag, digest=digest or None)


def as_reference(text: str) -> Reference:
    """What a user typed. Raises ``UsageError``."""
    try:
        return parse(text)
    except InvalidReference as error:
        raise UsageError(str(error)) from error


def _split_tag(text: str) -> tuple[str, str | None]:
    """A colon after the last slash begins a tag; one before it belongs to the registry's port."""
    head, slash, last = text.rpartition("/")
    name, colon, tag = last.partition(":")
    return head + slash + name, (tag if colon else None)


def _split_registry(name: str) -> tuple[str, str]:
    """The first part is a registry when it looks like a host: it has a dot, a port, capitals, or is ``localhost``."""
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry = DEFAULT_REGISTRY if first == "index.docker.io" else first
    else:
        registry, rest = DEFAULT_REGISTRY, name
    if registry == DEFAULT_REGISTRY and "/" not in rest:
        rest = f"{DEFAULT_NAMESPACE}/{rest}"
    return registry, rest
