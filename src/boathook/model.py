"""The values that all parts speak of: hooks, handlers, their results, findings, and where something was written.

Nothing here does I/O, and nothing has a default that a dialect would have to fill in later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import TypeAlias

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where something was written. ``line`` and ``column`` count from 1; None where no file was given."""

    file: str
    line: int | None
    column: int | None
    path: str
    """The field's path in the file's own spelling, e.g. ``spec.containers[0].lifecycle.preStop``."""

    def __str__(self) -> str:
        parts = [self.file]
        if self.line is not None:
            parts.append(str(self.line))
            if self.column is not None:
                parts.append(str(self.column))
        return ":".join(parts)


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What plan, lint and errors say about one place in a file, in every dialect."""

    id: str
    """Stable identifier, ``<dialect>.<kebab-case>``, e.g. ``pods.unknown-field``."""
    severity: Severity
    source: Source
    message: str
    remedy: str | None

    def __str__(self) -> str:
        where = f"{self.source}: " if self.source.file else ""
        path = f"{self.source.path}: " if self.source.path else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{where}{path}{self.message}{remedy}"


class HookPoint(StrEnum):
    """The moments at which a hook can run. A dialect's model maps its own spelling both ways."""

    PRE_START = "pre_start"
    POST_START = "post_start"
    PRE_STOP = "pre_stop"
    PRE_INSTALL = "pre_install"
    POST_INSTALL = "post_install"
    PRE_DELETE = "pre_delete"
    POST_DELETE = "post_delete"
    PRE_UPGRADE = "pre_upgrade"
    POST_UPGRADE = "post_upgrade"
    PRE_ROLLBACK = "pre_rollback"
    POST_ROLLBACK = "post_rollback"
    TEST = "test"
    PRE_BACKUP = "pre_backup"
    POST_BACKUP = "post_backup"
    INIT_RESTORE = "init_restore"
    POST_RESTORE = "post_restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """A program run inside the target. No shell is added; None means what the container has."""

    command: tuple[str, ...]
    user: str | None
    privileged: bool
    working_dir: str | None
    environment: tuple[tuple[str, str | None], ...]
    """Added over the container's environment; a None value removes the variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContainer:
    """A program run to its end in a container of its own, beside the one that it is for: Compose's ``pre_start``.

    It has that container's networks, volumes and environment; None means what is said there in each case.
    """

    image: str | None
    """None: the target's."""
    command: tuple[str, ...] | None
    """What is handed to the image's entrypoint; None: the image's own command."""
    user: str | None
    privileged: bool
    working_dir: str | None
    environment: tuple[tuple[str, str | None], ...]
    """Added over the target's environment; a None value removes the variable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """A wait that runs nothing in the target."""

    duration: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpGet:
    """An HTTP request to the target, or to another host. Any answer is a success for a hook; a probe looks at it."""

    scheme: str
    """``HTTP`` or ``HTTPS``; certificates are not verified."""
    host: str
    """Empty: the target's own address. Else reached from the machine, as a kubelet does."""
    port: int | str
    """A name is one that the container does not declare: it fails at run time."""
    path: str
    """With its query."""
    headers: tuple[tuple[str, str], ...]
    """As configured; names may repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSocket:
    """A TCP connection: a probe succeeds when it opens; as a hook it always fails, as Kubernetes has it."""

    host: str
    port: int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An object that is applied to a cluster and waited for until it is complete."""

    api_version: str
    kind: str
    namespace: str
    name: str
    text: str
    """The object as JSON text: what is applied, byte for byte the same each time."""


Handler: TypeAlias = Exec | RunContainer | HttpGet | TcpSocket | Sleep | Manifest


class OnFailure(Enum):
    """What the dialect does about a bad outcome. The runner never looks at it."""

    STOP = "stop"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A hook as its file means it: complete, so that no field stands for an unapplied default."""

    point: HookPoint
    name: str
    """How the dialect's users call it, e.g. ``preStop``, ``post_start[0]``, ``post-install demo``."""
    handler: Handler
    timeout: timedelta | None
    """The limit that the file itself sets; None: none. One run's deadline is an argument of ``run_hook``."""
    on_failure: OnFailure
    source: Source


class Outcome(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    COULD_NOT_START = "could_not_start"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """The connection broke before a status came. Never counted as success."""


class SeenBy(StrEnum):
    """Who saw the hook run: Boathook itself, a cluster that reported it, or nobody (deduced)."""

    RUN = "run"
    OBSERVED = "observed"
    INFERRED = "inferred"


class Stream(StrEnum):
    STDOUT = "stdout"
    STDERR = "stderr"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What is kept of one stream: all of it, or head and tail with the number of bytes left out between."""

    text: str
    total_bytes: int
    omitted_bytes: int

    @property
    def truncated(self) -> bool:
        return self.omitted_bytes > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What an event or a hook is about: one container, pod, service, release or object, and which instance of it.

    Identity is ``instance`` (a uid, with the attempt where there are several), never the name.
    """

    kind: str
    """``container``, ``pod``, ``service``, ``release``, ``object``, ``backup`` or ``volume``."""
    scope: str
    """What it belongs to: ``default/prestop-pod``, a Compose project, a namespace."""
    name: str
    instance: str

    def __str__(self) -> str:
        return f"{self.scope}/{self.name}" if self.scope else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class HookResult:
    """How one run of a hook ended. Returned, never raised. What nobody saw is None."""

    hook: Hook
    target: Target
    outcome: Outcome
    exit_code: int | None
    signal: int | None
    stdout: Output | None
    stderr: Output | None
    started: datetime | None
    duration: timedelta | None
    budget_left: timedelta | None
    """What was left of its deadline when it ended; None: it had none."""
    reason: str | None
    """Why it did not succeed, in one line; None on success."""
    seen_by: SeenBy

    @property
    def succeeded(self) -> bool:
        return self.outcome is Outcome.SUCCEEDED
