"""What a chart, its hooks and a release mean: frozen values, complete, and the keys that Helm itself uses for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from boathook.model import Finding, HookPoint, JsonObject

HOOK = "helm.sh/hook"
HOOK_WEIGHT = "helm.sh/hook-weight"
HOOK_DELETE_POLICY = "helm.sh/hook-delete-policy"
HOOK_OUTPUT_LOG_POLICY = "helm.sh/hook-output-log-policy"
RESOURCE_POLICY = "helm.sh/resource-policy"

MANAGED_BY = "app.kubernetes.io/managed-by"
RELEASE_NAME = "meta.helm.sh/release-name"
RELEASE_NAMESPACE = "meta.helm.sh/release-namespace"

BEFORE_HOOK_CREATION = "before-hook-creation"
HOOK_SUCCEEDED = "hook-succeeded"
HOOK_FAILED = "hook-failed"
DELETE_POLICIES = (BEFORE_HOOK_CREATION, HOOK_SUCCEEDED, HOOK_FAILED)
LOG_POLICIES = (HOOK_SUCCEEDED, HOOK_FAILED)

DEFAULT_DELETE_POLICIES = (BEFORE_HOOK_CREATION,)
"""Takes effect when a hook runs and is stored then, not when it is parsed (helm-hooks.md 2.1)."""


class HookEvent(StrEnum):
    """When a hook runs, in Helm's spelling."""

    PRE_INSTALL = "pre-install"
    POST_INSTALL = "post-install"
    PRE_UPGRADE = "pre-upgrade"
    POST_UPGRADE = "post-upgrade"
    PRE_ROLLBACK = "pre-rollback"
    POST_ROLLBACK = "post-rollback"
    PRE_DELETE = "pre-delete"
    POST_DELETE = "post-delete"
    TEST = "test"

    @property
    def point(self) -> HookPoint:
        """The same moment as all dialects call it."""
        return HookPoint(self.value.replace("-", "_"))


EVENTS = {event.value: event for event in HookEvent} | {"test-success": HookEvent.TEST}
"""What an annotation may name. ``test-success`` is Helm 2's word, still accepted."""


class RunPhase(StrEnum):
    """``last_run.phase`` of a stored hook."""

    NEVER = ""
    UNKNOWN = "Unknown"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """How a hook's last run went, as the release record keeps it."""

    started: datetime | None
    completed: datetime | None
    phase: RunPhase


NEVER_RAN = LastRun(started=None, completed=None, phase=RunPhase.NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class HelmHook:
    """A hook of a chart with what the release record says about it. Lists hold what was written, unknown names too."""

    name: str
    kind: str
    path: str
    """Of its template, as Helm writes it: ``chart/templates/job.yaml``."""
    manifest: str
    """Its rendered text, exactly."""
    events: tuple[HookEvent, ...]
    weight: int
    delete_policies: tuple[str, ...]
    output_log_policies: tuple[str, ...]
    last_run: LastRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One ordinary document of the chart. ``value`` is None for a document of comments alone."""

    path: str
    text: str
    value: JsonObject | None

    @property
    def kind(self) -> str:
        return str(self.value.get("kind") or "") if self.value else ""


class ReleaseStatus(StrEnum):
    """The states of a release record."""

    UNKNOWN = "unknown"
    DEPLOYED = "deployed"
    UNINSTALLED = "uninstalled"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    UNINSTALLING = "uninstalling"
    PENDING_INSTALL = "pending-install"
    PENDING_UPGRADE = "pending-upgrade"
    PENDING_ROLLBACK = "pending-rollback"

    @property
    def pending(self) -> bool:
        return self.value.startswith("pending-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart as it was loaded: its metadata, and what a release record keeps of it."""

    path: str
    """Where it lies, as the user named it; empty when it comes from a release record."""
    metadata: JsonObject
    """``Chart.yaml`` as Helm stores it."""
    templates: tuple[tuple[str, str], ...]
    """Path in the chart and source text, unrendered."""
    values: JsonObject
    """The chart's own default values."""
    stored: JsonObject
    """The ``chart`` entry of a release record: metadata, templates, values, files, schema."""

    @property
    def name(self) -> str:
        return str(self.metadata.get("name") or "")

    @property
    def version(self) -> str:
        return str(self.metadata.get("version") or "")

    @property
    def app_version(self) -> str:
        return str(self.metadata.get("appVersion") or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseOptions:
    """What templates see as ``.Release``."""

    name: str
    namespace: str
    revision: int
    is_upgrade: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What templates see as ``.Capabilities``. Empty: what the renderer has by itself."""

    kube_version: str
    api_versions: tuple[str, ...]


class ValueSource(StrEnum):
    """How values were given; later members win over earlier ones, whatever their order on the command line."""

    FILE = "values"
    SET_JSON = "set-json"
    SET = "set"
    SET_STRING = "set-string"
    SET_FILE = "set-file"
    SET_LITERAL = "set-literal"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenValue:
    """One ``-f FILE`` or ``--set EXPRESSION``."""

    source: ValueSource
    text: str
    """The file's path, or the expression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedChart:
    """A chart rendered and sorted: hooks and ordinary documents in stored order, nothing run."""

    chart: Chart
    config: JsonObject
    """The user's own values, merged."""
    crds: tuple[Resource, ...]
    hooks: tuple[HelmHook, ...]
    resources: tuple[Resource, ...]
    notes: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One revision of a release, as its Secret holds it."""

    name: str
    namespace: str
    revision: int
    status: ReleaseStatus
    description: str
    first_deployed: datetime
    last_deployed: datetime
    deleted: datetime | None
    notes: str
    chart: Chart
    config: JsonObject
    manifest: str
    hooks: tuple[HelmHook, ...]
    apply_method: str
    """``ssa``: objects are applied, so that an existing one is updated."""
    labels: tuple[tuple[str, str], ...]
    """Labels of the user's own on the record."""
