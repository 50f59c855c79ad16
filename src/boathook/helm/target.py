"""A cluster as what a hook's manifest is run against: apply the object, wait until it is complete, bring its output."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import anyio

from boathook.cluster.base import CLUSTER_SCOPED, Cluster, ObjectKey
from boathook.errors import BoathookError
from boathook.events import EventStream, Noted
from boathook.hooks.target import Completion
from boathook.model import Finding, JsonObject, Manifest, Severity, Source
from boathook.runtimes.base import OutputSink

LOG_SECONDS = 10.0
"""How long reading the output of a hook that was given up may take."""


@dataclass(frozen=True, slots=True)
class ClusterApply:
    """Applies hook objects to ``cluster`` and knows when each kind is complete (helm-hooks.md 5.1)."""

    cluster: Cluster
    events: EventStream

    async def apply(self, manifest: Manifest) -> None:
        await self.cluster.apply(json.loads(manifest.text), namespace=manifest.namespace)

    async def completion(self, manifest: Manifest, output: OutputSink) -> Completion:
        key = key_of_manifest(manifest)
        try:
            return await self.cluster.wait_until(key, lambda obj: completion_of(key, obj))
        finally:
            # Also when the wait was given up: what a hook has said is most wanted when it does not end.
            with anyio.move_on_after(LOG_SECONDS, shield=True):
                await self._bring_output(key, output)

    async def _bring_output(self, key: ObjectKey, output: OutputSink) -> None:
        try:
            for pod in await self._pods(key):
                for container in _container_names(pod):
                    pod_key = ObjectKey(kind="Pod", namespace=key.namespace, name=str(_metadata(pod).get("name")))
                    async for line in self.cluster.logs(pod_key, container):
                        output(line.stream, (line.text + ("" if line.partial else "\n")).encode())
        except BoathookError as error:
            self.events.emit(Noted(finding=_no_output(key, error)))

    async def _pods(self, key: ObjectKey) -> list[JsonObject]:
        if key.kind == "Pod":
            return [await self.cluster.get(key)]
        if key.kind == "Job":
            return await self.cluster.list("Pod", namespace=key.namespace, labels={"job-name": key.name})
        return []


def key_of_manifest(manifest: Manifest) -> ObjectKey:
    """The key of the object that a hook applies."""
    namespace = "" if manifest.kind in CLUSTER_SCOPED else manifest.namespace
    return ObjectKey(kind=manifest.kind, namespace=namespace, name=manifest.name)


def completion_of(key: ObjectKey, obj: JsonObject | None) -> Completion | None:
    """How the object has ended; None while it has not.

    An object that was deleted meanwhile tells nothing: it is waited for until the time is up, as Helm 4 does.
    """
    if obj is None:
        return None
    status = obj.get("status")
    status = status if isinstance(status, dict) else {}
    if key.kind == "Job":
        return _job_completion(key, status)
    if key.kind == "Pod":
        phase = status.get("phase")
        if phase == "Succeeded":
            return Completion(ok=True, message="")
        return Completion(ok=False, message=f"pod {key.name} failed") if phase == "Failed" else None
    return Completion(ok=True, message="")


def _job_completion(key: ObjectKey, status: dict[str, Any]) -> Completion | None:
    conditions = status.get("conditions")
    for condition in conditions if isinstance(conditions, list) else ():
        if condition.get("status") != "True":
            continue
        if condition.get("type") == "Complete":
            return Completion(ok=True, message="")
        if condition.get("type") == "Failed":
            return Completion(ok=False, message=f"job {key.name} failed: {condition.get('reason') or 'unknown reason'}")
    return None


def _metadata(obj: JsonObject) -> dict[str, Any]:
    metadata = obj.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _container_names(pod: JsonObject) -> list[str]:
    spec = pod.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    if not isinstance(containers, list):
        return []
    return [str(one.get("name")) for one in containers if isinstance(one, dict)]


def _no_output(key: ObjectKey, error: BoathookError) -> Finding:
    return Finding(
        id="helm.no-hook-output",
        severity=Severity.WARNING,
        source=Source(file="", line=None, column=None, path=""),
        message=f"cannot read the output of {key}: {error}",
        remedy=None,
    )
