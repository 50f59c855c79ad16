"""A real cluster behind ``Cluster``, as far as hooks on it can be shown and checked."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

from boathook.cluster.base import ObjectKey, VolumeCopy, key_of
from boathook.cluster.kubernetes.api import Api, Expired, refusal
from boathook.cluster.kubernetes.credentials import open_client
from boathook.cluster.kubernetes.execution import RemoteExecution
from boathook.cluster.kubernetes.resources import Resource, Resources
from boathook.errors import NotFound, NotRunning, UnsupportedHere, alone
from boathook.model import JsonObject, Stream, Target
from boathook.objects import mapping, mappings, text
from boathook.runtimes.base import ExecSpec, Execution, LogLine, OutputSink

T = TypeVar("T")

FIELD_MANAGER = "boathook"
STRICT = {"fieldValidation": "Strict"}
"""A field that no Kubernetes knows is refused, as kubectl has it; servers before 1.25 do not look at this."""

APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
VERSION = re.compile(r"v?(\d+)\.(\d+)")


@asynccontextmanager
async def open_cluster(kubeconfig: Path | None = None, context: str | None = None) -> AsyncIterator[KubernetesCluster]:
    """The cluster of a kubeconfig's context, reached and its version known. Raises ``PlaceError``, ``MissingExtra``."""
    with alone():
        async with open_client(kubeconfig, context) as client, anyio.create_task_group() as tasks:
            api = Api(client)
            version = text(await api.get("/version"), "gitVersion")
            yield KubernetesCluster(api, version, tasks)
            # Commands that nobody waits for any more run on in their containers.
            tasks.cancel_scope.cancel()


class KubernetesCluster:
    """Implements ``Cluster``. Get one from ``open_cluster``."""

    def __init__(self, api: Api, version: str, tasks: TaskGroup) -> None:
        self._api = api
        self._version = version
        self._tasks = tasks
        self._resources = Resources(api)

    @property
    def name(self) -> str:
        """``kubernetes v1.36.2``."""
        return f"kubernetes {self._version}"

    @property
    def version(self) -> tuple[int, int]:
        """The API server's, ``(1, 36)``: what it has follows from it."""
        found = VERSION.match(self._version)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def is_inert(self, kind: str) -> bool:
        return False

    # Objects.

    async def create(self, obj: JsonObject, *, namespace: str = "default") -> JsonObject:
        resource = await self._resource_of(obj)
        key = key_of(obj, default_namespace=namespace)
        return await self._api.post(resource.collection(key.namespace), obj, STRICT)

    async def apply(self, obj: JsonObject, *, namespace: str = "default") -> JsonObject:
        resource = await self._resource_of(obj)
        key = key_of(obj, default_namespace=namespace)
        query = STRICT | {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._api.patch(resource.object(key), obj, APPLY, query)

    async def patch(self, key: ObjectKey, patch: JsonObject) -> JsonObject:
        return await self._api.patch(await self._path(key), patch, MERGE_PATCH, STRICT)

    async def get(self, key: ObjectKey) -> JsonObject:
        return await self._api.get(await self._path(key))

    async def object_events(self, key: ObjectKey) -> list[JsonObject]:
        resource = await self._resources.of("Event", "v1")
        chosen = {"involvedObject.kind": key.kind, "involvedObject.name": key.name}
        if key.namespace:
            chosen["involvedObject.namespace"] = key.namespace
        query = {"fieldSelector": ",".join(f"{name}={value}" for name, value in chosen.items())}
        # Events about a cluster's own objects stand in the namespace "default".
        listed = await self._api.get(resource.collection(key.namespace or "default"), query)
        found = [{"apiVersion": "v1", "kind": "Event", **item} for item in mappings(listed.get("items"))]
        about = sorted(found, key=_first_seen)
        # As kubectl has it: only of the object that bore the name last.
        newest = text(about[-1], "involvedObject", "uid") if about else ""
        return [event for event in about if text(event, "involvedObject", "uid") == newest]

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: dict[str, str] | None = None
    ) -> list[JsonObject]:
        resource = await self._resources.of(kind)
        selector = ",".join(f"{name}={value}" for name, value in (labels or {}).items())
        query = {"labelSelector": selector} if selector else {}
        listed = await self._api.get(resource.collection(namespace), query)
        # The items of a list leave out what stands once above them.
        whole = {"apiVersion": resource.group_version, "kind": kind}
        found: list[JsonObject] = [{**whole, **item} for item in mappings(listed.get("items"))]
        return sorted(found, key=lambda obj: (text(obj, "metadata", "namespace"), text(obj, "metadata", "name")))

    async def list_all(self) -> Sequence[JsonObject]:
        raise UnsupportedHere("every object of a Kubernetes cluster cannot be listed at once: name a kind")

    async def delete(self, key: ObjectKey, *, grace: timedelta | None = None, cause: str = "deleted") -> None:
        options: JsonObject = {"propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = int(grace.total_seconds())
        await self._api.delete(await self._path(key), options)

    async def evict(self, pod: ObjectKey, *, grace: timedelta | None = None) -> None:
        options: JsonObject = {} if grace is None else {"gracePeriodSeconds": int(grace.total_seconds())}
        eviction: JsonObject = {
            "apiVersion": "policy/v1" if self.version >= (1, 22) else "policy/v1beta1",
            "kind": "Eviction",
            "metadata": {"name": pod.name, "namespace": pod.namespace},
            "deleteOptions": options,
        }
        await self._api.post(f"{await self._path(pod)}/eviction", eviction)

    async def wait_until(self, key: ObjectKey, condition: Callable[[JsonObject | None], T | None]) -> T:
        resource = await self._resources.of(key.kind)
        path, query = resource.collection(key.namespace or None), {"fieldSelector": f"metadata.name={key.name}"}
        while True:
            listed = await self._api.get(path, query)
            items = mappings(listed.get("items"))
            whole = {"apiVersion": resource.group_version, "kind": key.kind}
            answer = condition({**whole, **items[0]} if items else None)
            if answer is None:
                seen = text(listed, "metadata", "resourceVersion")
                answer = await self._watch(path, query | {"watch": "true", "resourceVersion": seen}, condition)
            if answer is not None:
                return answer

    async def _watch(
        self, path: str, query: dict[str, str], condition: Callable[[JsonObject | None], T | None]
    ) -> T | None:
        """None when the server has ended the watch, or no longer knows where it began."""
        try:
            async with self._api.lines(path, query) as lines:
                async for line in lines:
                    event: JsonObject = json.loads(line)
                    if event.get("type") == "ERROR":
                        status = mapping(event, "object")
                        code = status.get("code")
                        raise refusal(status, code if isinstance(code, int) else 500)
                    answer = condition(None if event.get("type") == "DELETED" else mapping(event, "object"))
                    if answer is not None:
                        return answer
        except Expired:
            pass
        return None

    async def _resource_of(self, obj: JsonObject) -> Resource:
        return await self._resources.of(text(obj, "kind"), text(obj, "apiVersion"))

    async def _path(self, key: ObjectKey) -> str:
        return (await self._resources.of(key.kind)).object(key)

    # Pods.

    async def exec(self, pod: ObjectKey, container: str, spec: ExecSpec, output: OutputSink) -> Execution:
        """As the container's own user and with its environment: the API offers nothing else.

        That the program is missing comes out when the execution is waited for.
        """
        _refuse_beyond(spec)
        query = [("container", container), ("stdout", "true"), ("stderr", "true")]
        query += [("command", word) for word in spec.command]
        execution = RemoteExecution(output)
        path = f"{await self._path(pod)}/exec"
        try:
            await self._tasks.start(execution.follow, self._api.client, path, query)
        except NotRunning:
            # It says better what is missing: the pod, the container.
            await self._container_status(pod, container)
            raise
        return execution

    async def logs(
        self, pod: ObjectKey, container: str, *, follow: bool = False, previous: bool = False
    ) -> AsyncIterator[LogLine]:
        """What the container has written so far; ``previous``: the instance before it.

        The API joins both streams into one, which is taken for standard output.
        """
        query = {"container": container, "timestamps": "true"}
        query |= {"follow": "true"} if follow else {}
        query |= {"previous": "true"} if previous else {}
        async with self._api.lines(f"{await self._path(pod)}/log", query) as lines:
            async for line in lines:
                stamp, _, rest = line.decode(errors="replace").partition(" ")
                when = datetime.fromisoformat(stamp)
                yield LogLine(time=when, stream=Stream.STDOUT, partial=False, text=rest)

    async def volume_path(self, pod: ObjectKey, volume: str) -> Path | None:
        return None

    async def archive_volume(self, pod: ObjectKey, volume: str, destination: Path) -> VolumeCopy:
        raise UnsupportedHere(f'volume "{volume}" of pod "{pod.name}" lies in a cluster: it cannot be copied from here')

    async def container_target(self, pod: ObjectKey, container: str) -> Target:
        status = await self._container_status(pod, container)
        instance = text(status, "containerID") or f"{text(status, 'name')}/{text(status, 'restartCount')}"
        return Target(kind="container", scope=f"{pod.namespace}/{pod.name}", name=container, instance=instance)

    async def container_user(self, pod: ObjectKey, container: str) -> str | None:
        """As the status says it (Kubernetes 1.31, and a container runtime that reports it)."""
        user = mapping(await self._container_status(pod, container), "user", "linux")
        return f"{text(user, 'uid')}:{text(user, 'gid')}" if "uid" in user and "gid" in user else None

    async def container_specification(self, pod: ObjectKey, container: str) -> JsonObject | None:
        return None

    async def _container_status(self, pod: ObjectKey, container: str) -> JsonObject:
        status = mapping(await self.get(pod), "status")
        for group in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
            for one in mappings(status.get(group)):
                if one.get("name") == container:
                    return one
        raise NotFound(f'container "{container}" of pod "{pod.name}" not found')


def _first_seen(event: JsonObject) -> tuple[str, str]:
    """Times of events have whole seconds; the recorder writes the nanoseconds, in hexadecimal, into the name."""
    when = text(event, "firstTimestamp") or text(event, "eventTime") or text(event, "metadata", "creationTimestamp")
    return when[:19], text(event, "metadata", "name").rpartition(".")[2].zfill(20)


def _refuse_beyond(spec: ExecSpec) -> None:
    asked = {
        "as another user": spec.user is not None,
        "in another directory": spec.working_dir is not None,
        "with another environment": bool(spec.environment),
        "with more privileges": spec.privileged,
        "with another input": spec.stdin is not None,
    }
    for what, is_asked in asked.items():
        if is_asked:
            raise UnsupportedHere(f"a command cannot be run {what} than its container's in a Kubernetes cluster")
