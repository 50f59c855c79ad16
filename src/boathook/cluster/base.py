"""What a place that holds Kubernetes objects must be able to do.

Objects are plain JSON mappings, exactly as their manifests say; a cluster adds ``metadata.uid``, ``resourceVersion``,
``creationTimestamp`` and ``status``. Unknown kinds are stored untouched and said to be inert.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

from boathook.model import JsonObject, Target
from boathook.runtimes.base import ExecSpec, Execution, LogLine, OutputSink

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectKey:
    """Which object: kind (``Pod``, ``Job``), namespace (empty for cluster-scoped kinds), name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeCopy:
    """What was copied of a volume."""

    files: int
    size_bytes: int
    sha256: str


CLUSTER_SCOPED = frozenset(
    {
        "Namespace",
        "Node",
        "PersistentVolume",
        "StorageClass",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "PriorityClass",
        "IngressClass",
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "APIService",
    }
)


def key_of(obj: JsonObject, *, default_namespace: str) -> ObjectKey:
    """The key of a manifest; ``default_namespace`` where it names none and its kind has one."""
    metadata = obj.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    kind = str(obj.get("kind", ""))
    namespace = "" if kind in CLUSTER_SCOPED else str(metadata.get("namespace") or default_namespace)
    return ObjectKey(kind=kind, namespace=namespace, name=str(metadata.get("name", "")))


class Cluster(Protocol):
    """Kubernetes objects in, state out."""

    @property
    def name(self) -> str:
        """``local``, ``simulated``, ``kubernetes``."""
        ...

    def is_inert(self, kind: str) -> bool:
        """True when objects of this kind are stored without anything acting on them."""
        ...

    async def create(self, obj: JsonObject, *, namespace: str = "default") -> JsonObject:
        """Store and return it. Raises ``Conflict`` (``<kind>s "<name>" already exists``) and ``ManifestError``."""
        ...

    async def apply(self, obj: JsonObject, *, namespace: str = "default") -> JsonObject:
        """Create, or bring an existing object to what the manifest says (status and uid stay)."""
        ...

    async def patch(self, key: ObjectKey, patch: JsonObject) -> JsonObject:
        """Apply a JSON merge patch (RFC 7386: null removes a field, lists are replaced); return the object.

        Raises ``NotFound``, and ``ManifestError`` for a change that is not allowed.
        """
        ...

    async def object_events(self, key: ObjectKey) -> list[JsonObject]:
        """The ``v1`` Event objects about an object, oldest first; also while and after it is deleted."""
        ...

    async def evict(self, pod: ObjectKey, *, grace: timedelta | None = None) -> None:
        """Ask for a pod's end through the Eviction API: as its deletion. Raises ``NotFound``."""
        ...

    async def get(self, key: ObjectKey) -> JsonObject:
        """Raises ``NotFound`` (``<kind>s "<name>" not found``)."""
        ...

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: dict[str, str] | None = None
    ) -> list[JsonObject]:
        """Objects of a kind; in all namespaces when ``namespace`` is None. Sorted by namespace and name."""
        ...

    async def list_all(self) -> Sequence[JsonObject]:
        """Every object of every kind."""
        ...

    async def delete(self, key: ObjectKey, *, grace: timedelta | None = None, cause: str = "deleted") -> None:
        """Ask for deletion (in the background: a pod first stops, with its hooks). Raises ``NotFound``.

        ``grace`` of zero is kubectl's ``--force --grace-period=0``: the object is gone at once, its containers get a
        second. An object with ``metadata.finalizers`` stays, marked as deleted, until a patch takes the last one away.
        """
        ...

    async def wait_until(self, key: ObjectKey, condition: Callable[[JsonObject | None], T | None]) -> T:
        """Until ``condition`` returns something; it is asked at once and after every change. None: object is gone.

        The caller bounds it (``anyio.fail_after``).
        """
        ...

    async def exec(self, pod: ObjectKey, container: str, spec: ExecSpec, output: OutputSink) -> Execution:
        """As ``ContainerRuntime.exec``, in a container of a pod."""
        ...

    def logs(self, pod: ObjectKey, container: str) -> AsyncIterator[LogLine]:
        """What the container has written so far."""
        ...

    async def volume_path(self, pod: ObjectKey, volume: str) -> Path | None:
        """Where a volume of the pod lies on this machine; None where it does not (simulated, or on a node)."""
        ...

    async def archive_volume(self, pod: ObjectKey, volume: str, destination: Path) -> VolumeCopy:
        """Write the volume's files as a gzip'ed tar to ``destination``: owners, modes, times kept, no link followed."""
        ...

    async def container_target(self, pod: ObjectKey, container: str) -> Target:
        """Which instance runs now: what an obligation must name. Raises ``NotFound``."""
        ...

    async def container_user(self, pod: ObjectKey, container: str) -> str | None:
        """Who its main process runs as, ``uid:gid``; None where the cluster does not tell. Raises ``NotFound``."""
        ...

    async def container_specification(self, pod: ObjectKey, container: str) -> JsonObject | None:
        """All that is needed to make a fresh container of the same specification after this one is gone.

        ``{"container": ContainerSpec, "sandbox": SandboxSpec}`` as ``codec.to_json`` writes them; None where another
        system keeps the container alive (a real cluster).
        """
        ...
