"""What a Compose project means to the program: complete, with every default filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from boathook.model import Hook, HookPoint, JsonObject, Source
from boathook.runtimes.base import PullPolicy

LABEL = "com.docker.compose."
PROJECT_LABEL = LABEL + "project"
SERVICE_LABEL = LABEL + "service"
NUMBER_LABEL = LABEL + "container-number"
ONEOFF_LABEL = LABEL + "oneoff"
SLUG_LABEL = LABEL + "slug"
HASH_LABEL = LABEL + "config-hash"
IMAGE_LABEL = LABEL + "image"
DEPENDS_ON_LABEL = LABEL + "depends_on"
VERSION_LABEL = LABEL + "version"
DIRECTORY_LABEL = LABEL + "project.working_dir"
FILES_LABEL = LABEL + "project.config_files"
ENVIRONMENT_FILES_LABEL = LABEL + "project.environment_file"
REPLACE_LABEL = LABEL + "replace"
NETWORK_LABEL = LABEL + "network"
VOLUME_LABEL = LABEL + "volume"
HOOK_LABEL = LABEL + "hook"

PEER_VERSION = "2.40.3"
"""The release of the peer whose labels and texts these are; stands in the version label, which its tools read."""

STOP_GRACE = timedelta(seconds=10)
"""What an engine waits between the stop signal and SIGKILL where the file sets no ``stop_grace_period``."""

POINTS = {"pre_start": HookPoint.PRE_START, "post_start": HookPoint.POST_START, "pre_stop": HookPoint.PRE_STOP}
"""The hook keys of a service that run, in the file's spelling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A top-level network that some service uses."""

    key: str
    name: str
    """``<project>_<key>``, or the ``name:`` that the file gives it."""
    external: bool
    """Made by somebody else: neither created nor removed."""
    form: JsonObject
    """The network in its long form: driver, options, ipam, internal, labels …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedVolume:
    """A top-level volume that some service uses."""

    key: str
    name: str
    """``<project>_<key>``, or the ``name:`` that the file gives it."""
    labels: tuple[tuple[str, str], ...]
    external: bool
    form: JsonObject
    """The volume in its long form: driver, options …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    """A named volume in a container. A new volume takes over what the image has at ``target``, unless ``nocopy``."""

    volume: str
    """The key of the volume in the project; empty: one without a name, the container's own."""
    target: str
    read_only: bool
    nocopy: bool
    subpath: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BindMount:
    """A directory or file of the machine in a container."""

    path: str
    """Absolute."""
    target: str
    read_only: bool
    create: bool
    """Make an empty directory where nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TmpfsMount:
    """Memory in a container, empty at each start."""

    target: str
    read_only: bool
    size: int | None
    """Bytes; None: no limit of its own."""
    mode: int | None


ServiceMount: TypeAlias = VolumeMount | BindMount | TmpfsMount


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantedFile:
    """A secret or config in a container: a file of the machine, or content that is copied in before each start."""

    kind: str
    """``secrets`` or ``configs``."""
    source: str
    """Its key in the project."""
    path: str | None
    """A file of the machine, absolute, mounted read-only; None: ``content``."""
    content: str | None
    target: str
    """Absolute."""
    uid: str
    gid: str
    mode: int


class Condition(StrEnum):
    """What a dependency is waited for, in the file's spelling."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    COMPLETED = "service_completed_successfully"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One service that must have reached a condition, its post_start hooks run, before this one starts."""

    service: str
    condition: str
    """A value of :class:`Condition`."""
    restart: bool
    """Restart this one when that one is restarted or replaced."""
    required: bool
    """False: that it is missing or fails is a warning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck:
    """A program that says whether a container is healthy; an engine's defaults are filled in."""

    test: tuple[str, ...]
    """``CMD`` and a program with its arguments, or ``CMD-SHELL`` and a line for the image's shell; empty: the
    image's own."""
    interval: timedelta
    timeout: timedelta
    start_period: timedelta
    start_interval: timedelta
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """What the place does when a container ends by itself; no hook runs then."""

    name: str
    """``no``, ``always``, ``unless-stopped`` or ``on-failure``."""
    retries: int
    """Of ``on-failure``; 0: without limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A service in one network."""

    network: str
    """The network's key."""
    aliases: tuple[str, ...]
    priority: int
    form: JsonObject
    """In its long form: addresses, driver options …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A container's port that the machine listens for."""

    target: int
    protocol: str
    """``tcp``, ``udp`` or ``sctp``."""
    host_ip: str
    """Empty: every address."""
    published: str
    """A number, or a range ``8000-8010`` of which one that is free is taken; empty: any free one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service: its containers, and its hooks."""

    name: str
    image: str
    """Of one that is only built: ``<project>-<service>``."""
    build: JsonObject | None
    """How its image is made, in the long form; None: it is not."""
    build_always: bool
    """Build although the image is there (``pull_policy: build``)."""
    pull: PullPolicy
    pull_every: timedelta | None
    """Pull an image that is older (``daily``, ``weekly``, ``every_…``); None: as ``pull`` says."""
    platform: str
    scale: int
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
    files: tuple[GrantedFile, ...]
    depends_on: tuple[Dependency, ...]
    """Those that are written, and those that sharing something with another service implies."""
    healthcheck: Healthcheck | None
    """None: the image's, if it has one."""
    healthcheck_disabled: bool
    """Not even the image's."""
    restart: RestartPolicy
    stop_signal: str
    """Empty: the image's, else SIGTERM."""
    stop_grace: timedelta
    container_name: str
    networks: tuple[Attachment, ...]
    """Highest priority first, then by name; empty with a ``network_mode``."""
    network_mode: str
    """``host``, ``none``, ``bridge``, ``service:NAME``, ``container:NAME``; empty: the networks."""
    ports: tuple[Port, ...]
    tty: bool
    stdin_open: bool
    privileged: bool
    read_only: bool
    capabilities_add: tuple[str, ...]
    """Without the ``CAP_`` prefix; ``ALL`` means every one."""
    capabilities_drop: tuple[str, ...]
    hostname: str
    """Empty: the place's."""
    extra_hosts: tuple[tuple[str, str], ...]
    """(name, address)."""
    attach: bool
    """Whether its output is shown by an attached ``up``."""
    pre_start: tuple[Hook, ...]
    post_start: tuple[Hook, ...]
    pre_stop: tuple[Hook, ...]
    own_on_failure: frozenset[str]
    """Names of the hooks that say themselves what a failure means (``x-boathook: {on_failure: …}``)."""
    labels: tuple[tuple[str, str], ...]
    form: JsonObject
    """The whole service in its long form, as ``config`` prints it, checked. What only an engine acts upon (limits,
    devices, logging, dns …) is read from here by the engine's place."""
    config_hash: str
    """Changes when anything changes that a container is made of, hooks included."""
    source: Source
    sources: Mapping[str, Source]
    """Where its fields are written, by their paths below the service: ``ports``, ``ports[0]`` (see :meth:`at`)."""

    @property
    def hooks(self) -> tuple[Hook, ...]:
        return self.pre_start + self.post_start + self.pre_stop

    def at(self, field: str) -> Source:
        """Where a field of it is written, or the nearest around it that is: ``ports[0]``, ``post_start[1].user``."""
        nearest = field
        while nearest and nearest not in self.sources:
            nearest = nearest[: max(nearest.rfind("."), nearest.rfind("["), 0)]
        return replace(self.sources.get(nearest, self.source), path=f"{self.source.path}.{field}")

    def says_on_failure(self, hook: Hook) -> bool:
        """Whether the file says what a failure of this hook means; a command's own wish applies only where not."""
        return hook.name in self.own_on_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project as its file means it."""

    name: str
    directory: str
    files: tuple[str, ...]
    environment_files: tuple[str, ...]
    """Those that were given by hand (``--env-file``), absolute."""
    services: tuple[Service, ...]
    networks: tuple[Network, ...]
    volumes: tuple[NamedVolume, ...]
    disabled: tuple[str, ...]
    """Services that no active profile enables: their containers are no orphans, and are left alone."""

    def service(self, name: str) -> Service:
        """The service of that name, which must be there."""
        return next(service for service in self.services if service.name == name)

    def network(self, key: str) -> Network:
        """The network of that key, which must be there."""
        return next(network for network in self.networks if network.key == key)

    def volume(self, key: str) -> NamedVolume:
        """The volume of that key, which must be there."""
        return next(volume for volume in self.volumes if volume.key == key)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(service.name for service in self.services)


def short_name(project: str, container: str) -> str:
    """How logs, hooks and events call a container: ``app-1`` for ``shop-app-1``; a name of its own stays whole."""
    return container.removeprefix(f"{project}-")
