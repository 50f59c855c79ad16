"""What a Compose project means to the program: complete, with every default filled in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from boathook.model import Hook, HookPoint, Source
from boathook.runtimes.base import PullPolicy

LABEL = "com.docker.compose."
PROJECT_LABEL = LABEL + "project"
SERVICE_LABEL = LABEL + "service"
NUMBER_LABEL = LABEL + "container-number"
ONEOFF_LABEL = LABEL + "oneoff"
HASH_LABEL = LABEL + "config-hash"
IMAGE_LABEL = LABEL + "image"
DEPENDS_ON_LABEL = LABEL + "depends_on"
VERSION_LABEL = LABEL + "version"
DIRECTORY_LABEL = LABEL + "project.working_dir"
FILES_LABEL = LABEL + "project.config_files"
VOLUME_LABEL = LABEL + "volume"

PEER_VERSION = "2.40.3"
"""The release of the peer whose labels and texts these are; stands in the version label, which its tools read."""

POINTS = {"post_start": HookPoint.POST_START, "pre_stop": HookPoint.PRE_STOP}
"""The hook keys of a service that run, in the file's spelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedVolume:
    """A top-level volume that some service uses."""

    key: str
    name: str
    """``<project>_<key>``, or the ``name:`` that the file gives it."""
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    """A named volume in a container. A new volume takes over what the image has at ``target``, unless ``nocopy``."""

    volume: str
    """The key of the volume in the project."""
    target: str
    read_only: bool
    nocopy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BindMount:
    """A directory or file of the machine in a container."""

    path: str
    """Absolute."""
    target: str
    read_only: bool
    create: bool
    """Make an empty directory where nothing is."""


ServiceMount: TypeAlias = VolumeMount | BindMount


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One service that must have started, its post_start hooks included, before this one."""

    service: str
    condition: str
    restart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: one container, and its hooks."""

    name: str
    image: str
    pull: PullPolicy
    entrypoint: tuple[str, ...] | None
    """None: the image's."""
    command: tuple[str, ...] | None
    """None: the image's, unless ``entrypoint`` is given."""
    user: str
    """Empty: the image's."""
    working_dir: str
    """Empty: the image's."""
    environment: tuple[tuple[str, str | None], ...]
    """Laid over the image's; a None value removes the image's variable."""
    mounts: tuple[ServiceMount, ...]
    depends_on: tuple[Dependency, ...]
    stop_signal: str
    """Empty: the image's, else SIGTERM."""
    stop_grace: timedelta
    container_name: str
    post_start: tuple[Hook, ...]
    pre_stop: tuple[Hook, ...]
    labels: tuple[tuple[str, str], ...]
    config_hash: str
    """Changes when anything changes that a container is made of, hooks included."""
    source: Source

    @property
    def hooks(self) -> tuple[Hook, ...]:
        return self.post_start + self.pre_stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project as its file means it."""

    name: str
    directory: str
    files: tuple[str, ...]
    services: tuple[Service, ...]
    volumes: tuple[NamedVolume, ...]

    def service(self, name: str) -> Service:
        """The service of that name, which must be there."""
        return next(service for service in self.services if service.name == name)

    def volume(self, key: str) -> NamedVolume:
        """The volume of that key, which must be there."""
        return next(volume for volume in self.volumes if volume.key == key)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(service.name for service in self.services)


def short_name(project: str, container: str) -> str:
    """How logs, hooks and events call a container: ``app-1`` for ``shop-app-1``; a name of its own stays whole."""
    return container.removeprefix(f"{project}-")
