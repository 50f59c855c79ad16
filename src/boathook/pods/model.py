"""What a pod means to Boathook: complete, so that no field stands for an unapplied default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from boathook.model import Exec, Finding, Hook, HttpGet, JsonObject, Source, TcpSocket
from boathook.runtimes.base import PullPolicy

POST_START = "postStart"
PRE_STOP = "preStop"
"""How the dialect calls its two hooks; their points are POST_START and PRE_STOP."""


class RestartPolicy(StrEnum):
    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    NEVER = "Never"


class Phase(StrEnum):
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"

    @property
    def terminal(self) -> bool:
        return self in (Phase.SUCCEEDED, Phase.FAILED)


class MessagePolicy(StrEnum):
    """Where a terminated container's message comes from."""

    FILE = "File"
    FALLBACK_TO_LOGS = "FallbackToLogsOnError"


class ContainerKind(StrEnum):
    """Which part of the pod's life a container belongs to."""

    INIT = "init"
    """Runs to its end before the next one; it has no hooks and no probes."""
    SIDECAR = "sidecar"
    """A native sidecar: an init container with ``restartPolicy: Always``."""
    REGULAR = "regular"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPort:
    """A port that a container declares. ``name`` may be empty."""

    name: str
    number: int
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcCheck:
    """The gRPC health check of a port."""

    port: int
    service: str


class ProbeKind(StrEnum):
    STARTUP = "startup"
    LIVENESS = "liveness"
    READINESS = "readiness"


ProbeHandler: TypeAlias = Exec | HttpGet | TcpSocket | GrpcCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question that is asked of a running container again and again."""

    kind: ProbeKind
    handler: ProbeHandler
    initial_delay: timedelta
    timeout: timedelta
    period: timedelta
    success_threshold: int
    failure_threshold: int
    grace: timedelta | None
    """In place of the pod's when this probe has the container killed; None: the pod's."""
    source: Source


class RestartAction(StrEnum):
    RESTART = "Restart"
    RESTART_ALL = "RestartAllContainers"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartRule:
    """What is done when a container ends with one of these codes (``negated``: with any other)."""

    action: RestartAction
    exit_codes: frozenset[int]
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRef:
    """One key of a ConfigMap or Secret."""

    kind: str
    name: str
    key: str
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRef:
    """A field of the pod itself, e.g. ``metadata.name``."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRef:
    """``resourceFieldRef``: ``limits.cpu`` and the like of a container (empty: the one that asks), over a divisor."""

    container: str
    resource: str
    divisor: str


EnvSource: TypeAlias = str | KeyRef | FieldRef | ResourceRef
"""A literal (with its ``$(VAR)`` still in it), or where the value comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvVar:
    """A variable of a container's environment."""

    name: str
    value: EnvSource
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvFrom:
    """All keys of a ConfigMap or Secret as variables."""

    kind: str
    name: str
    prefix: str
    optional: bool
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyDir:
    """A fresh directory that lives as long as its pod."""

    memory: bool = False
    """``medium: Memory``: a tmpfs where the place can make one, and said where it cannot."""
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPath:
    """A path of the machine itself."""

    path: str
    type: str
    """``""``, ``Directory``, ``DirectoryOrCreate``, ``File``, ``FileOrCreate``, ``Socket``…"""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyToPath:
    """Where one key of an object stands as a file."""

    key: str
    path: str
    mode: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFiles:
    """The keys of a ConfigMap or Secret as files. ``items`` None: all of them."""

    kind: str
    name: str
    items: tuple[KeyToPath, ...] | None
    mode: int
    optional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A volume that outlives its pods."""

    name: str
    read_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DownwardFile:
    """A field of the pod, or a resource of one of its containers, as a file."""

    path: str
    value: FieldRef | ResourceRef
    mode: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DownwardFiles:
    """The files of a ``downwardAPI`` volume or projection."""

    files: tuple[DownwardFile, ...]
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFile:
    """A service account's token: there is nobody to issue one here, so the file holds one that says so."""

    path: str
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Projected:
    """Several sources in one directory."""

    sources: tuple[ObjectFiles | DownwardFiles | TokenFile, ...]
    mode: int


VolumeSource: TypeAlias = EmptyDir | HostPath | ObjectFiles | Claim | DownwardFiles | Projected


@dataclass(frozen=True, slots=True, kw_only=True)
class PodVolume:
    """A volume of a pod, by its name."""

    name: str
    volume: VolumeSource
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeMount:
    """Where a container sees a volume."""

    volume: str
    path: str
    sub_path: str
    """As written; with ``sub_path_expr`` its ``$(VAR)`` are expanded when the container is made."""
    read_only: bool
    source: Source
    sub_path_expr: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """The container's security context over the pod's. None: what the image says."""

    user: int | None
    group: int | None
    supplemental_groups: tuple[int, ...]
    fs_group: int | None
    run_as_non_root: bool
    privileged: bool
    allow_privilege_escalation: bool
    read_only_root: bool
    capabilities_add: tuple[str, ...]
    capabilities_drop: tuple[str, ...]

    @property
    def user_text(self) -> str:
        """``uid``, ``uid:gid`` or empty, as a ContainerSpec wants it. A group alone keeps the image's user."""
        if self.user is None:
            return ""
        return str(self.user) if self.group is None else f"{self.user}:{self.group}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodContainer:
    """A container of a pod, with its hooks and probes."""

    name: str
    image: str
    pull_policy: PullPolicy
    command: tuple[str, ...] | None
    """In place of the image's entrypoint; None: the image's. ``$(VAR)`` is expanded when the container is made."""
    args: tuple[str, ...] | None
    working_dir: str | None
    environment: tuple[EnvVar, ...]
    environment_from: tuple[EnvFrom, ...]
    mounts: tuple[VolumeMount, ...]
    security: Security
    post_start: Hook | None
    pre_stop: Hook | None
    stop_signal: str | None
    message_path: str
    message_policy: MessagePolicy
    image_source: Source
    source: Source
    kind: ContainerKind = ContainerKind.REGULAR
    restart_policy: RestartPolicy | None = None
    """Its own, in place of the pod's; None: the pod's."""
    restart_rules: tuple[RestartRule, ...] = ()
    """Looked at before its policy; the first that fits wins."""
    ports: tuple[ContainerPort, ...] = ()
    startup_probe: Probe | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    resources: Mapping[str, str] = field(default_factory=dict)
    """``limits.cpu``, ``requests.memory`` … as written: not enforced here, told by ``resourceFieldRef``."""

    @property
    def hooks(self) -> tuple[Hook, ...]:
        return tuple(hook for hook in (self.post_start, self.pre_stop) if hook is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One pod of a manifest."""

    name: str
    namespace: str
    uid: str
    """Empty where no cluster has given it one yet."""
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    containers: tuple[PodContainer, ...]
    """The regular ones."""
    volumes: tuple[PodVolume, ...]
    restart_policy: RestartPolicy
    grace: timedelta
    hostname: str
    hosts: tuple[tuple[str, str], ...]
    """``hostAliases`` as (address, name)."""
    host_network: bool
    service_account: str
    notices: tuple[Finding, ...]
    """What of the manifest is known and not acted upon: said once when the pod is run."""
    source: Source
    init_containers: tuple[PodContainer, ...] = ()
    """Plain ones and native sidecars, in the order of their start."""
    active_deadline: timedelta | None = None
    """How long it may be active before it is stopped and Failed; None: for ever."""

    @property
    def scope(self) -> str:
        """What its containers belong to: ``default/prestop-pod``."""
        return f"{self.namespace}/{self.name}"

    @property
    def all_containers(self) -> tuple[PodContainer, ...]:
        """Init containers and sidecars first, as they start."""
        return self.init_containers + self.containers

    def volume(self, name: str) -> PodVolume:
        """The declared volume of that name; every mount's was checked when the pod was read."""
        return next(volume for volume in self.volumes if volume.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFile:
    """What a file of pods says: the pods, and the objects that they need."""

    pods: tuple[Pod, ...]
    pod_objects: tuple[JsonObject, ...]
    """The same pods as objects, in the same order, for a cluster to store."""
    objects: tuple[JsonObject, ...]
    """PersistentVolumes, PersistentVolumeClaims, ConfigMaps and Secrets, in file order."""
