"""What a place that runs containers must be able to do, and the values it speaks in.

A runtime knows nothing of hooks, pods or projects: it starts processes in isolated places and says how they ended.
Foreign errors are mapped inside each implementation; what leaves it is a ``BoathookError``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NewType, Protocol, TypeAlias, runtime_checkable

from boathook.images.model import Image as Image
from boathook.images.model import ImageConfig as ImageConfig
from boathook.images.model import PullPolicy as PullPolicy
from boathook.model import Stream

ContainerId = NewType("ContainerId", str)
SandboxId = NewType("SandboxId", str)

OutputSink: TypeAlias = Callable[[Stream, bytes], None]
"""Takes what a process wrote, as it comes, each stream in order."""


class NetworkMode(StrEnum):
    """``pod``: a network namespace of its own with loopback up. ``host``: the machine's."""

    POD = "pod"
    HOST = "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A directory or file of the machine shown inside the container."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tmpfs:
    """Memory shown inside the container, empty at each start."""

    target: str
    read_only: bool = False
    size: int | None = None
    """Bytes; None: no limit of its own."""
    mode: int = 0o1777
    """Its permission bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSpec:
    """What the containers of one pod (or one embedded Compose project) share: network, IPC, host name."""

    name: str
    hostname: str
    network: NetworkMode
    hosts: tuple[tuple[str, str], ...] = ()
    """Further names for /etc/hosts: (address, name)."""
    labels: Mapping[str, str]
    user: int | None = None
    """The one uid that its containers have, for a place that can give only one; None: root or several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """A container, complete. Nothing here stands for an unapplied default."""

    name: str
    labels: Mapping[str, str]
    sandbox: SandboxId
    image: Image
    command: tuple[str, ...]
    """The whole argument vector, entrypoint and command joined. Empty: a pause process of the runtime's own."""
    environment: tuple[tuple[str, str], ...]
    """The whole environment, the image's included."""
    working_dir: str
    """``/`` where nobody says otherwise. Created where missing, as engines do."""
    user: str
    """``uid``, ``uid:gid``, ``name`` or ``name:group`` of the image; empty: the image's own, else root."""
    supplemental_groups: tuple[int, ...] = ()
    run_as_non_root: bool = False
    """Refuse to start when the resolved uid is 0."""
    privileged: bool = False
    no_new_privileges: bool = False
    capabilities_add: tuple[str, ...] = ()
    """Without the ``CAP_`` prefix; ``ALL`` means every one."""
    capabilities_drop: tuple[str, ...] = ()
    read_only_root: bool = False
    mounts: tuple[Mount, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    hostname: str = ""
    """Empty: the sandbox's."""
    hosts: tuple[tuple[str, str], ...] = ()
    """Further names in this container alone: (address, name)."""
    init: bool = False
    """The main process is the child of a small first process, which hands signals on and reaps orphans."""
    stop_signal: str = "SIGTERM"
    termination_message_path: str | None = None
    """A file inside the container that is kept apart and read when it ends; None: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecSpec:
    """A further process in a running container. None means what the container has."""

    command: tuple[str, ...]
    user: str | None = None
    working_dir: str | None = None
    environment: tuple[tuple[str, str | None], ...] = ()
    """Added over the container's environment; a None value removes the variable."""
    privileged: bool = False
    """Only then may it have more capabilities than its container."""
    label: str = ""
    """Which hook this is, ``pre_stop:app`` (point and target); only the simulated runtime looks at it."""
    stdin: int | None = None
    """A descriptor that it reads; the caller's to close. None: its standard input is empty."""
    tty: bool = False
    """It gets a terminal of its own: one stream for all that it writes. Only an engine gives one."""


UNSEEN_CODE = 255
"""The exit code of a command that ran a process whose end nobody saw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a process ended: 128 + n and the signal when signal n ended it. None: nobody saw it."""

    code: int | None
    signal: int | None

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def command_code(self) -> int:
        """What a command ends with that stands for the process: ``UNSEEN_CODE`` where nobody saw how it ended."""
        return UNSEEN_CODE if self.code is None else self.code

    @classmethod
    def of_status(cls, returncode: int) -> Exit:
        """From a returncode as the standard library gives it: negative for a signal."""
        if returncode < 0:
            return cls(code=128 - returncode, signal=-returncode)
        return cls(code=returncode, signal=None)


class Execution(Protocol):
    """A process that was started by ``exec``. It goes on by itself when nobody waits for it any more."""

    async def wait(self) -> Exit:
        """Until it has ended and its output is read to the end (a background child that holds the output counts).

        May be called again and by several waiters; cancelling a wait does not end the process.
        """
        ...

    async def kill(self) -> None:
        """End the process with everything in its session or process group, at once; returns when they are gone."""
        ...


@runtime_checkable
class HasTerminal(Protocol):
    """An execution with a terminal, whose size may change."""

    async def resize(self, rows: int, columns: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One GET and its one answer: no redirect is followed, no second try made. TLS is not verified."""

    secure: bool
    host: str
    """Empty: the container's own address, reached in its network. Else reached from the machine, with its names."""
    port: int
    path: str
    """With its query; what is sent is what stands here."""
    headers: tuple[tuple[str, str], ...]
    """All of them, as they are to be sent (``Host`` included where it is not the address)."""
    any_answer: bool = False
    """Whatever is answered will do: how the body ends is no matter, and a long one is not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpConnect:
    """Open a connection and close it."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcHealthCheck:
    """``grpc.health.v1.Health/Check`` of a service (empty: of the server)."""

    host: str
    port: int
    service: str


Request: TypeAlias = HttpRequest | TcpConnect | GrpcHealthCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What came back. ``status``: the HTTP status; the serving status of a gRPC check (1: SERVING); 0 for TCP."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    """The first 10 KiB."""


class ContainerState(StrEnum):
    CREATED = "created"
    RUNNING = "running"
    EXITED = "exited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container as it stands. ``exit`` is set once it has ended."""

    id: ContainerId
    spec: ContainerSpec
    state: ContainerState
    user: str
    """As resolved: ``uid:gid``."""
    pid: int | None
    created: datetime
    started: datetime | None
    finished: datetime | None
    exit: Exit | None
    termination_message: str
    owner_alive: bool
    """False when the process that ran it is gone, and the container with it."""
    paused: bool = False
    """Its processes stand still. It is ``running`` all the same."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What its owner has written down about it for others (see ``note``)."""
    last_exit: Exit | None = None
    """How its life before this one ended, where it was started again and the place remembers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of a container's log, as the CRI writes it. ``partial``: the line goes on in the next record."""

    time: datetime
    stream: Stream
    partial: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeEvent:
    """``created``, ``started``, ``exited`` or ``removed``, of one container."""

    container: ContainerId
    name: str
    what: str
    exit: Exit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """Storage that containers mount. ``path`` is None where it is not on this machine or does not exist (simulated)."""

    name: str
    path: Path | None
    labels: Mapping[str, str]
    fresh: bool
    """True when this call made it: it is empty and root's own."""


class ContainerRuntime(Protocol):
    """Where containers run. One instance lives in one event loop; leave its ``async with`` block to release it."""

    @property
    def name(self) -> str:
        """``local/bwrap``, ``docker``, ``simulated``: stands in every result."""
        ...

    async def __aenter__(self) -> ContainerRuntime: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def resolve_image(self, reference: str, policy: PullPolicy) -> Image:
        """What stands behind a reference. Raises ``NotFound`` with what was tried and the remedy."""
        ...

    async def resolve_user(self, image: Image, user: str) -> tuple[int, int]:
        """uid and gid of ``user`` (empty: the image's own) in the image.

        Raises ``CouldNotStart`` for a name the image does not know.
        """
        ...

    def can_be(self, uids: frozenset[int]) -> str | None:
        """None when one sandbox here can hold processes of all these uids; else why not, with the remedy."""
        ...

    def not_enforced(self, spec: ContainerSpec) -> tuple[str, ...]:
        """Sentences on what of ``spec`` this place does not enforce."""
        ...

    async def create_sandbox(self, spec: SandboxSpec) -> SandboxId: ...

    async def sandbox_spec(self, sandbox: SandboxId) -> SandboxSpec:
        """Of any process's sandbox. Raises ``NotFound``."""
        ...

    async def remove_sandbox(self, sandbox: SandboxId) -> None:
        """Idempotent. Its containers must have been removed before."""
        ...

    async def create(self, spec: ContainerSpec) -> ContainerId:
        """Prepare the root file system and write the record; nothing runs yet."""
        ...

    async def start(self, container: ContainerId) -> None:
        """Start the main process of a container that is created, or has ended: its root and its log then go on.

        Raises ``CouldNotStart``; the container is then ``exited``. ``Conflict``: it runs.
        """
        ...

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        """Start a further process. Raises ``NotRunning``, ``NotFound``, ``CouldNotStart``, ``UnsupportedHere``."""
        ...

    async def request(self, container: ContainerId, request: Request, *, label: str = "") -> Response:
        """Ask something of a container over its network, from outside of it, as a kubelet does.

        ``label``: which hook or probe this is (``pre_stop:app``, ``liveness:app``), for a runtime that only simulates.
        No limit of time: the caller has one. Raises ``RequestFailed`` (the connection, TLS or protocol failed; its
        text as Go prints it), ``NotRunning``, ``NotFound``.
        """
        ...

    async def signal(self, container: ContainerId, signal: str) -> None:
        """Send ``SIGTERM`` and the like to the main process. Raises ``NotRunning``."""
        ...

    async def wait(self, container: ContainerId) -> Exit:
        """Until the main process has ended and its log is written. At once when it has."""
        ...

    async def pause(self, container: ContainerId) -> None:
        """Let everything in the container stand still. Raises ``NotRunning``, ``UnsupportedHere``."""
        ...

    async def unpause(self, container: ContainerId) -> None:
        """Let it go on. Raises ``NotRunning``."""
        ...

    async def rename(self, container: ContainerId, name: str) -> None:
        """Its specification has another name from now on."""
        ...

    async def note(self, container: ContainerId, notes: Mapping[str, str]) -> None:
        """Write something down about a container of this process, for whoever looks at it (``Container.notes``).

        What was noted before stays; an empty text takes it away. Nothing is done for one that was removed.
        """
        ...

    async def add_hosts(self, sandbox: SandboxId, hosts: tuple[tuple[str, str], ...]) -> None:
        """Further names for /etc/hosts of a sandbox that stands, in its running containers too."""
        ...

    async def remove(self, container: ContainerId) -> None:
        """End it if it runs, and delete root, log and record. Idempotent."""
        ...

    async def inspect(self, container: ContainerId) -> Container:
        """Raises ``NotFound``."""
        ...

    async def list(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        """All containers, of every process that uses this place, that carry all these labels; oldest first."""
        ...

    def logs(self, container: ContainerId, *, follow: bool = False) -> AsyncIterator[LogLine]: ...

    def events(self) -> AsyncIterator[RuntimeEvent]:
        """What happens from now on to containers that this instance runs."""
        ...

    async def create_volume(
        self, name: str, labels: Mapping[str, str], *, mode: int, sandbox: SandboxId | None = None
    ) -> Volume:
        """A volume of that name, made if missing (root's own, with these permission bits).

        With ``sandbox`` it is that sandbox's own and goes with it (an emptyDir).
        """
        ...

    async def remove_volume(self, name: str) -> None:
        """Idempotent."""
        ...

    async def list_volumes(self, labels: Mapping[str, str]) -> tuple[Volume, ...]: ...


async def stop(
    runtime: ContainerRuntime,
    container: ContainerId,
    *,
    signal: str,
    grace: timedelta,
    signalled: Callable[[str, timedelta | None], None],
) -> Exit:
    """Send ``signal``, wait ``grace``, then SIGKILL. The one place that ends a container's main process.

    ``signalled(name, left)`` is told of each signal that was sent. Returns at once when the container has ended.
    """
    import anyio

    from boathook.errors import NotRunning

    try:
        await runtime.signal(container, signal)
        signalled(signal, grace)
        with anyio.move_on_after(grace.total_seconds()):
            return await runtime.wait(container)
        await runtime.signal(container, "SIGKILL")
        signalled("SIGKILL", None)
    except NotRunning:
        pass
    return await runtime.wait(container)


def exec_environment(
    environment: tuple[tuple[str, str], ...], over: tuple[tuple[str, str | None], ...]
) -> dict[str, str]:
    """The environment of an exec: the container's, with ``over`` laid on it; None removes a variable."""
    result = dict(environment)
    for name, value in over:
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result
