"""What a backup means to Boathook: which pods, which hooks, and how it ended. Complete: every default is applied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from boathook.model import Finding, Hook, HookPoint, JsonObject, OnFailure

HOOK_INFIX = "hook.backup."
DOMAINS = ("velero.io", "ark.heptio.com")
"""In the order in which they win inside one form (backup-hooks.md 2.2)."""

PRE, POST, UNPREFIXED = "pre.", "post.", ""
FORMS: Mapping[HookPoint, tuple[str, ...]] = {
    HookPoint.PRE_BACKUP: (PRE, UNPREFIXED),
    HookPoint.POST_BACKUP: (POST,),
}
"""The annotation forms of each point, in the order in which they win."""

CONTAINER, COMMAND, ON_ERROR, TIMEOUT = "container", "command", "on-error", "timeout"
FIELDS = (CONTAINER, COMMAND, ON_ERROR, TIMEOUT)

PHASE_NAMES: Mapping[HookPoint, str] = {HookPoint.PRE_BACKUP: "pre", HookPoint.POST_BACKUP: "post"}
"""``hookPhase`` in log lines."""

FROM_ANNOTATION = "<from-annotation>"
"""The name of a hook that a pod's annotations give."""

EXCLUDE_LABEL = "velero.io/exclude-from-backup"
VOLUME_EXCLUDES = ("backup.velero.io/backup-volumes-excludes", "backup.ark.heptio.com/backup-volumes-excludes")
"""Volumes of a pod that are not copied, separated by commas."""

GROUPS = ("velero.io/v1", "ark.heptio.com/v1")
"""``apiVersion`` of Backup documents, both eras."""

BACKUP_NAMESPACE = "velero"


class OnError(StrEnum):
    """What a failed hook does to its pod, in the peers' spelling."""

    FAIL = "Fail"
    CONTINUE = "Continue"

    @property
    def on_failure(self) -> OnFailure:
        return OnFailure.STOP if self is OnError.FAIL else OnFailure.CONTINUE


class Phase(StrEnum):
    """Of a backup."""

    NEW = "New"
    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    PARTIALLY_FAILED = "PartiallyFailed"
    FAILED = "Failed"
    FAILED_VALIDATION = "FailedValidation"

    @property
    def ended(self) -> bool:
        return self not in (Phase.NEW, Phase.IN_PROGRESS)


class Operator(StrEnum):
    """Of a label selector."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One condition on a label. ``NotIn`` and ``DoesNotExist`` hold for objects without the key, too."""

    key: str
    operator: Operator
    values: tuple[str, ...]

    def __str__(self) -> str:
        match self.operator:
            case Operator.EXISTS:
                return self.key
            case Operator.DOES_NOT_EXIST:
                return f"!{self.key}"
            case Operator.IN if len(self.values) == 1:
                return f"{self.key}={self.values[0]}"
            case Operator.IN:
                return f"{self.key} in ({','.join(self.values)})"
            case Operator.NOT_IN:
                return f"{self.key} notin ({','.join(self.values)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSpec:
    """What is to be backed up. All requirements must hold; patterns are globs."""

    name: str
    included_namespaces: tuple[str, ...]
    """``*``: all."""
    excluded_namespaces: tuple[str, ...]
    selector: tuple[Requirement, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    ttl: timedelta

    @property
    def selector_text(self) -> str:
        return ",".join(map(str, self.selector))


@dataclass(frozen=True, slots=True, kw_only=True)
class PodHook:
    """A hook of one pod and the container that it runs in."""

    hook: Hook
    label: str
    """``hookName`` in log lines: ``<from-annotation>``."""
    container: str
    on_error: OnError


@dataclass(frozen=True, slots=True, kw_only=True)
class PodHooks:
    """What a pod's annotations say."""

    pre: PodHook | None
    post: PodHook | None
    findings: tuple[Finding, ...]


class VolumeKind(StrEnum):
    EMPTY_DIR = "emptyDir"
    CLAIM = "persistentVolumeClaim"
    OTHER = "other"
    """hostPath, configMap and the like: never copied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupVolume:
    name: str
    kind: VolumeKind
    claim: str
    """The claim's name; empty for other kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPod:
    """A pod as a backup sees it: read once, at the start."""

    namespace: str
    name: str
    uid: str
    phase: str
    containers: tuple[str, ...]
    """Eligible for hooks: ``spec.containers`` first, then sidecars (init containers that always restart)."""
    volumes: tuple[BackupVolume, ...]
    """Those that are to be copied: emptyDirs and claims that the pod does not exclude."""
    hooks: PodHooks
    manifest: JsonObject

    @property
    def scope(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def completed(self) -> bool:
        return self.phase in ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class PodVolumeBackup:
    """What became of one volume's data."""

    namespace: str
    pod: str
    volume: str
    key: str
    """Where its archive lies in the backup's directory; empty when it could not be copied."""
    files: int
    size_bytes: int
    sha256: str
    phase: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error or warning of a run: an entry of the results file."""

    namespace: str
    resource: str
    name: str
    message: str
    error: str

    def __str__(self) -> str:
        parts = (("resource", self.resource and f"/{self.resource}"), ("name", self.name and f"/{self.name}"))
        texts = (("message", self.message and f"/{self.message}"), ("error", self.error and f"/{self.error}"))
        return "".join(f" {key}: {value}" for key, value in (*parts, *texts) if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A backup and how it stands: its record in the store."""

    spec: BackupSpec
    uid: str
    phase: Phase
    failure_reason: str | None
    started: datetime
    completed: datetime | None
    total_items: int
    items_backed_up: int
    errors: int
    warnings: int
    hooks_attempted: int
    hooks_failed: int

    @property
    def expiration(self) -> datetime:
        return self.started + self.spec.ttl
