"""The local cluster as seen from another process than the one that acts on its objects.

What is stored is read from the shared store. A hook's process belongs to the command that runs it: exec, logs and
volumes go through this process's own runtime, by the containers' records. What makes something act (a pod, a Job) is
asked of the supervisor, and what ends it, of its owner.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from boathook.cluster import claims
from boathook.cluster.base import ObjectKey, VolumeCopy
from boathook.cluster.objects import ACTIVE_KINDS, StoredObjects, T
from boathook.cluster.owners import is_alive, parse_owner, settle_orphans
from boathook.cluster.store import ObjectStore, plural, uid_of
from boathook.codec import to_json
from boathook.errors import NotFound, NotRunning, PlaceError
from boathook.home import Home
from boathook.journal import Context
from boathook.model import JsonObject, Target
from boathook.objects import mapping, mappings, text
from boathook.pods.specification import NAME_LABEL, UID_LABEL
from boathook.runtimes.base import (
    Container,
    ContainerRuntime,
    ContainerState,
    ExecSpec,
    Execution,
    LogLine,
    OutputSink,
)

if TYPE_CHECKING:
    from boathook.cluster.local import LocalCluster

LOOK_SECONDS = 1.0
"""How often a wait looks whether the owner of what it waits for is alive."""

Call = Callable[[str, JsonObject, int | None], Awaitable[JsonObject]]
"""Has the owner with this pid (None: the supervisor) do an operation."""


Follow = Callable[[ObjectKey], AbstractAsyncContextManager[None]]
"""Lets the command hear what the supervisor does with one object."""


class RemoteCluster(StoredObjects):
    """Implements ``Cluster``. Close its store when done."""

    def __init__(
        self,
        home: Home,
        runtime: Callable[[], Awaitable[ContainerRuntime]],
        *,
        context: Context,
        call: Call | None = None,
        follow: Follow | None = None,
    ) -> None:
        """``runtime`` is asked for when it is first needed; without ``call``, what has an owner is refused."""
        super().__init__(ObjectStore.open(home.objects, clock=context.clock, uids=lambda: str(uuid.uuid4())))
        self._runtime = runtime
        self._context = context
        self._call = call or _nobody_to_ask
        self._follow = follow

    @property
    def name(self) -> str:
        return "local"

    def following(self, key: ObjectKey) -> AbstractAsyncContextManager[None]:
        """While the block runs, what happens to the object in the supervisor is told here too."""
        return nullcontext() if self._follow is None else self._follow(key)

    def close(self) -> None:
        self.store.close()

    async def create(self, obj: JsonObject, *, namespace: str = "default") -> JsonObject:
        if obj.get("kind") not in ACTIVE_KINDS:
            return await (await self._own()).create(obj, namespace=namespace)
        return await self._ask("cluster.create", {"object": obj, "namespace": namespace}, None)

    async def apply(self, obj: JsonObject, *, namespace: str = "default") -> JsonObject:
        if obj.get("kind") not in ACTIVE_KINDS:
            return await (await self._own()).apply(obj, namespace=namespace)
        return await self._ask("cluster.apply", {"object": obj, "namespace": namespace}, None)

    async def delete(self, key: ObjectKey, *, grace: timedelta | None = None, cause: str = "deleted") -> None:
        found = self.store.find(key)
        if found is None:
            raise NotFound(f'{plural(key.kind)} "{key.name}" not found')
        owner = self.living_owner(key)
        if owner is None:
            await (await self._own()).delete(key, grace=grace, cause=cause)
            return
        params: JsonObject = {
            "key": to_json(key),
            "grace_seconds": None if grace is None else grace.total_seconds(),
            "cause": cause,
        }
        await self._call("cluster.delete", params, owner)

    async def patch(self, key: ObjectKey, patch: JsonObject) -> JsonObject:
        """Whoever acts on the object does it: a pod's image may change while it runs."""
        owner = self.living_owner(key)
        if owner is None:
            return await (await self._own()).patch(key, patch)
        return await self._ask("cluster.patch", {"key": to_json(key), "patch": patch}, owner)

    async def evict(self, pod: ObjectKey, *, grace: timedelta | None = None) -> None:
        self._mark_evicted(pod, self._context.clock.now())
        await self.delete(pod, grace=grace, cause="evicted")

    async def _own(self) -> LocalCluster:
        """For objects that nobody acts on: they need no other process."""
        from boathook.cluster.local import LocalCluster

        return LocalCluster(self.store, await self._runtime(), self._context)

    async def _ask(self, operation: str, params: JsonObject, owner: int | None) -> JsonObject:
        answer = await self._call(operation, params, owner)
        return mapping(answer, "object")

    async def wait_until(self, key: ObjectKey, condition: Callable[[JsonObject | None], T | None]) -> T:
        """Look now and then whether the owner lives: nobody else says that an object ended with it."""
        while True:
            with anyio.move_on_after(LOOK_SECONDS):
                return await super().wait_until(key, condition)
            found = self.store.find(key)
            if found is not None and found.owner and not is_alive(found.owner):
                settle_orphans(self.store)

    def living_owner(self, key: ObjectKey) -> int | None:
        """The process that acts on the object; None when nobody does. Raises ``NotFound``."""
        found = self.store.find(key)
        if found is None:
            raise NotFound(f'{plural(key.kind)} "{key.name}" not found')
        owner = parse_owner(found.owner)
        return owner.process.pid if owner is not None and owner.process.alive else None

    # Pods.

    async def exec(self, pod: ObjectKey, container: str, spec: ExecSpec, output: OutputSink) -> Execution:
        return await (await self._runtime()).exec((await self._container(pod, container)).id, spec, output)

    async def logs(self, pod: ObjectKey, container: str) -> AsyncIterator[LogLine]:
        found = await self._container(pod, container, running=False)
        async for line in (await self._runtime()).logs(found.id):
            yield line

    async def container_target(self, pod: ObjectKey, container: str) -> Target:
        found = await self._container(pod, container, running=False)
        return Target(kind="container", scope=f"{pod.namespace}/{pod.name}", name=container, instance=found.id)

    async def container_user(self, pod: ObjectKey, container: str) -> str | None:
        return (await self._container(pod, container)).user

    async def container_specification(self, pod: ObjectKey, container: str) -> JsonObject | None:
        found = await self._container(pod, container)
        sandbox = await (await self._runtime()).sandbox_spec(found.spec.sandbox)
        return {"container": to_json(found.spec), "sandbox": to_json(sandbox)}

    async def volume_path(self, pod: ObjectKey, volume: str) -> Path | None:
        """Where a container of the pod mounts it from."""
        obj = self.store.get(pod)
        for declared in _containers(obj):
            for mount in mappings(declared.get("volumeMounts")):
                if mount.get("name") == volume and not mount.get("subPath"):
                    found = await self._container(pod, str(declared.get("name")), running=False)
                    sources = (m.source for m in found.spec.mounts if m.target == mount.get("mountPath"))
                    if source := next(sources, None):
                        return Path(source)
        return await self._unmounted_path(obj, volume)

    async def _unmounted_path(self, pod: JsonObject, volume: str) -> Path | None:
        """A claim can be found by itself; an emptyDir that no container mounts whole cannot."""
        resources = claims.ClusterResources(self.store, await self._runtime())
        for declared in mappings(mapping(pod, "spec").get("volumes")):
            if declared.get("name") == volume and (name := text(declared, "persistentVolumeClaim", "claimName")):
                return (await resources.claim(text(pod, "metadata", "namespace"), name)).path
        return None

    async def archive_volume(self, pod: ObjectKey, volume: str, destination: Path) -> VolumeCopy:
        path = await self.volume_path(pod, volume)
        if path is None:
            raise NotFound(f'volume "{volume}" of pod "{pod.name}" is not mounted by any of its containers')
        from boathook.cluster.archive import archive

        return await archive(path, destination)

    async def _container(self, pod: ObjectKey, name: str, *, running: bool = True) -> Container:
        """The newest instance. Raises ``NotFound`` and, where it must run, ``NotRunning``."""
        obj = self.store.get(pod)
        if name not in (one.get("name") for one in _containers(obj)):
            raise NotFound(f'container "{name}" is not in pod "{pod.name}"')
        found = await (await self._runtime()).list({UID_LABEL: uid_of(obj), NAME_LABEL: name})
        if not found:
            raise NotRunning(f'container "{name}" in pod "{pod.name}" is waiting to start, or its pod has ended')
        if running and found[-1].state is not ContainerState.RUNNING:
            raise NotRunning(f'container "{name}" in pod "{pod.name}" is not running')
        return found[-1]


def _containers(pod: JsonObject) -> list[JsonObject]:
    """As declared, also those that come before the regular ones."""
    spec = mapping(pod, "spec")
    return mappings(spec.get("initContainers")) + mappings(spec.get("containers"))


async def _nobody_to_ask(operation: str, params: JsonObject, owner: int | None) -> JsonObject:
    raise PlaceError("this needs the process that owns it, and there is nobody to ask")
