"""Where the containers of a project live, and the values it is spoken of in.

Two places implement this: ``compose.embedded`` on any :class:`~boathook.runtimes.base.ContainerRuntime` (bubblewrap,
plain processes, simulated), whose containers share one network, and ``compose.engine`` on the API of a container
engine. A place knows no hooks: it starts and stops what it is told to, and says what stands. Order, hooks and what a
failure means are :mod:`boathook.compose.project`'s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import BinaryIO, Protocol

from boathook.compose import model
from boathook.compose.model import Project, Service
from boathook.compose.options import BuildWishes, ImageWishes, OneOff
from boathook.events import EventStream
from boathook.model import Hook, JsonObject, RunContainer, Target
from boathook.runtimes.base import ContainerId, ExecSpec, Execution, Exit, Image, LogLine, OutputSink, PullPolicy


class Status(StrEnum):
    """A container's state, in an engine's words."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    RESTARTING = "restarting"
    EXITED = "exited"
    REMOVING = "removing"
    DEAD = "dead"


class Health(StrEnum):
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPort:
    """A port of a container, and where the machine listens for it; ``published`` 0: nowhere."""

    target: int
    protocol: str
    host_ip: str
    published: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A container of a project as it stands, whoever made it."""

    id: ContainerId
    name: str
    """Without a slash."""
    service: str
    number: int
    """0: a one-off, which has none."""
    oneoff: bool
    labels: Mapping[str, str]
    status: Status
    health: Health | None
    """None: it has no healthcheck."""
    exit: Exit | None
    """Set once it has ended."""
    image: str
    """As written when it was made."""
    image_id: str
    command: tuple[str, ...]
    """The whole argument vector."""
    stop_signal: str
    user: str
    """``uid:gid`` where the place knows it, else as configured."""
    created: datetime
    started: datetime | None
    finished: datetime | None
    ports: tuple[PublishedPort, ...]
    networks: tuple[str, ...]
    """Full names."""
    mounts: tuple[str, ...]
    """Sources: full names of volumes, paths of binds."""
    owner_alive: bool
    """False when the process that ran it is gone, and the container with it (embedded only)."""
    last_exit: Exit | None = None
    """How its life before this one ended, where it was started again and the place remembers it."""
    tty: bool = False
    """It has a terminal of its own."""
    stdin_open: bool = False
    """Its standard input can be attached to."""

    @property
    def config_hash(self) -> str:
        return self.labels.get(model.HASH_LABEL, "")

    @property
    def running(self) -> bool:
        """Whether an exec could enter it."""
        return self.status is Status.RUNNING and self.owner_alive

    @property
    def stoppable(self) -> bool:
        """Whether there is something to stop."""
        return self.status in (Status.RUNNING, Status.PAUSED, Status.RESTARTING) and self.owner_alive


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A service about which nothing can be refused any more: its image is here, its users are known."""

    service: Service
    image: Image
    image_id: str
    """``sha256:…``, or the reference where the place has no such thing. Stands in the image label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What a container of a service is to be, beside what the file says."""

    name: str
    number: int
    """0: a one-off."""
    labels: Mapping[str, str]
    """All of them, complete (``compose.labels``)."""
    replaces: Member | None = None
    """The container whose place it takes: its volumes without a name go over to it, unless ``renew_volumes``."""
    renew_volumes: bool = False
    oneoff: OneOff | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEvent:
    """What happened to a container of the project."""

    container: ContainerId
    service: str
    name: str
    action: str
    """In an engine's words: ``create``, ``start``, ``die``, ``kill``, ``health_status: healthy``, ``exec_start: …``."""
    attributes: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStat:
    """A path in a container."""

    name: str
    mode: int
    """As ``os.lstat`` has it, the kind of file included."""
    size: int
    link_target: str
    """Of a symbolic link; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """What ``images`` prints of one. Empty and 0: the place does not know."""

    id: str
    platform: str
    """``linux/amd64``."""
    size: int
    created: datetime | None
    tagged: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceVolume:
    """A volume as it stands."""

    name: str
    driver: str
    mountpoint: str
    labels: Mapping[str, str]


class Attached(Protocol):
    """A terminal's way to a container's (or exec's) streams. Leave it with ``close``; the program goes on."""

    async def wait(self) -> Exit: ...

    async def resize(self, rows: int, columns: int) -> None: ...

    async def close(self) -> None: ...


class ProjectPlace(Protocol):
    """Where the containers of projects live. Use it inside its ``async with`` block.

    What was not found raises ``NotFound``; what cannot be here ``UnsupportedHere``, with the remedy; an engine that
    refuses or cannot be reached ``PlaceError``. Every method may be called side by side with others.
    """

    @property
    def name(self) -> str:
        """``local/bwrap``, ``docker``, ``simulated``: stands in every result."""

    @property
    def tells_of_all(self) -> bool:
        """Whether ``events`` tells of what other processes do, too."""

    async def prepare(
        self, project: Project, services: Sequence[Service], wishes: ImageWishes, events: EventStream
    ) -> Mapping[str, Ready]:
        """Come by the images and refuse, at once, all that cannot be here; nothing has been started or made then.

        Raises ``ManifestError`` with every problem. Emits ``ImageResolved`` and progress.
        """

    async def members(self, project: str) -> tuple[Member, ...]:
        """All containers of the project that carry a config hash, one-offs included, oldest first. Not helpers."""

    async def inspect(self, container: ContainerId) -> Member: ...

    async def difference(self, member: Member, project: Project, ready: Ready) -> str | None:
        """Why a container is not as the file wants it, in a few words; None: it is.

        Ours: by the config hash and image. One that the peer made: by comparing its configuration as inspected.
        """

    async def stale_networks(self, project: Project, services: Sequence[Service]) -> frozenset[str]:
        """Full names of those that these services use and that stand otherwise than the file wants them.

        ``create_networks`` makes them again, once nothing that runs uses them.
        """

    def refuse_replacing(self, members: Sequence[Member]) -> None:
        """Raises ``UnsupportedHere`` for one that cannot be replaced beside those that ``members`` said last."""

    async def create_networks(self, project: Project, services: Sequence[Service], events: EventStream) -> None:
        """Make those that these services use and that are missing. Emits ``ObjectApplied`` of kind ``network``."""

    async def create_volumes(self, project: Project, ready: Mapping[str, Ready], events: EventStream) -> None:
        """Make the named volumes that these services use and that are missing. Emits ``ObjectApplied``."""

    async def remove_networks(self, project: Project, events: EventStream) -> int:
        """Remove the project's networks, external ones never; how many there were.

        One that is still used is kept, and a warning says so (``Network X  Resource is still in use``).
        """

    async def remove_volumes(self, project: Project, events: EventStream) -> int:
        """Remove the project's named volumes, external ones never; one still in use is kept with a warning."""

    async def remove_images(self, project: Project, which: str, events: EventStream) -> int:
        """``which``: ``all``, or ``local`` (those without a name of their own)."""

    async def create(self, project: Project, ready: Ready, making: Making) -> Member:
        """Prepare the container; nothing runs yet. Networks and volumes are there. Raises ``Conflict`` for a name."""

    async def start(self, container: ContainerId, service: Service | None = None) -> None:
        """Start one that is created or has ended; its root and log go on.

        Files with content (secrets, configs of ``service``) are copied in before. Raises ``CouldNotStart``.
        """

    async def stop(
        self,
        member: Member,
        *,
        grace: timedelta | None,
        signal: str,
        signalled: Callable[[str, timedelta | None], None],
    ) -> Exit:
        """Signal, wait ``grace`` (None: what the container was made with), kill. The policy does not restart it."""

    async def restart(
        self,
        member: Member,
        *,
        grace: timedelta | None,
        signal: str,
        signalled: Callable[[str, timedelta | None], None],
    ) -> None:
        """Stop it as ``stop`` does and start it again; one that does not run is started."""

    async def signal(self, container: ContainerId, signal: str) -> None:
        """Raises ``NotRunning``."""

    async def wait(self, container: ContainerId) -> Exit:
        """Until it has ended and its policy does not start it again. One that is removed meanwhile: unseen end."""

    async def check_health(self, containers: Sequence[ContainerId]) -> None:
        """Somebody waits: until the place is closed their healthchecks are run. Raises ``UnsupportedHere``."""

    async def pause(self, container: ContainerId) -> None: ...

    async def unpause(self, container: ContainerId) -> None: ...

    async def rename(self, container: ContainerId, name: str) -> None: ...

    async def remove(self, container: ContainerId, *, volumes: bool = True) -> None:
        """End it if it runs, and delete it (``volumes``: with those that have no name). Idempotent."""

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        """Start a further process. Raises ``NotRunning``, ``NotFound``, ``CouldNotStart``, ``UnsupportedHere``."""

    async def run_helper(
        self, project: Project, ready: Ready, beside: Member, handler: RunContainer, output: OutputSink, *, label: str
    ) -> Execution:
        """Run ``handler`` in a container of its own, with the networks and volumes of ``beside`` (which is created).

        It carries the hook label, so that it is no member. When it ends with 0 it is removed; else it is kept, and
        ``helper_id`` of the returned execution, if it has one, says what to call it. ``kill`` removes it.
        """

    async def remove_helpers(self, project: str, services: Iterable[str]) -> int:
        """Remove what is kept of helpers of these services."""

    def logs(
        self,
        container: ContainerId,
        *,
        follow: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        tail: int | None = None,
    ) -> AsyncIterator[LogLine]:
        """With ``follow`` it may be asked before the container starts, and lasts until its end (see ``wait``)."""

    def events(
        self, project: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[PlaceEvent]:
        """From now on, or from ``since`` where the place remembers (else ``UnsupportedHere``); ends with ``until``."""

    async def stat_path(self, container: ContainerId, path: str) -> PathStat:
        """What stands at ``path``, a last symbolic link not followed. Raises ``NotFound``."""

    async def copy_out(self, container: ContainerId, path: str, into: BinaryIO) -> None:
        """Write a tar archive of what stands at ``path``; its first entry is named as the path's last part."""

    async def copy_in(
        self, container: ContainerId, directory: str, archive: BinaryIO, *, to_user: bool = False
    ) -> None:
        """Unpack it in an existing directory. ``to_user``: all is given to the container's user (``copyUIDGID``)."""

    async def top(self, container: ContainerId) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        """Titles and rows of its processes."""

    async def attach(self, container: ContainerId, output: OutputSink, *, stdin: int | None, tty: bool) -> Attached:
        """A terminal's way to the main process, before it starts."""

    async def exec_detached(self, container: ContainerId, spec: ExecSpec) -> None:
        """Start a further process that goes on when nobody of ours is there any more. Raises as ``exec`` does."""

    async def image_facts(self, member: Member) -> ImageFacts:
        """What is known of the image that a container was made of."""

    async def pull(self, service: Service, policy: PullPolicy) -> Image:
        """A service's image, from its registry where ``policy`` says so. Raises ``ImageUnavailable``."""

    async def build(self, project: Project, service: Service, events: EventStream, wishes: BuildWishes) -> str:
        """Make a service's image; its id. Raises ``UnsupportedHere``, ``PlaceError``. Emits ``ImageProgress``."""

    async def volumes(self, project: str) -> tuple[PlaceVolume, ...]:
        """The project's volumes, by name."""

    async def owed(self, project: Project, member: Member, hook: Hook) -> JsonObject:
        """All that is needed to run ``hook`` later for a container that is gone by then (see ``settle``)."""

    async def projects(self) -> Mapping[str, tuple[Member, ...]]:
        """All projects that stand here, for ``ls``."""


def member_target(project: str, member: Member) -> Target:
    """The container as events name it: by its short name, in its project."""
    return Target(kind="container", scope=project, name=model.short_name(project, member.name), instance=member.id)
