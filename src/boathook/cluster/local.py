"""The cluster of this machine: objects in the store, pods and Jobs run by controllers inside this process."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from boathook.cluster import claims
from boathook.cluster.base import ObjectKey, VolumeCopy, key_of
from boathook.cluster.failing import LateWrites, job_ended_badly, pod_ended_badly
from boathook.cluster.jobs import JobRun
from boathook.cluster.merging import merged, refuse_changed_spec
from boathook.cluster.objects import ACTIVE_KINDS, StoredObjects
from boathook.cluster.owners import is_alive
from boathook.cluster.store import ObjectStore, plural, uid_of
from boathook.cluster.validation import check
from boathook.codec import to_json
from boathook.errors import BoathookError, Conflict, NotFound
from boathook.events import EventStream, ObjectApplied, ObjectDeleted
from boathook.journal import Context
from boathook.model import JsonObject, Target
from boathook.objects import mapping, text
from boathook.pods import PodWorker, pod_from_object
from boathook.pods.model import Claim, Pod
from boathook.runtimes.base import ContainerId, ContainerRuntime, ExecSpec, Execution, LogLine, NetworkMode, OutputSink

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""What names made by a cluster end with: no vowels, so that no words come about (apimachinery, util/rand)."""


@runtime_checkable
class CopiesVolumes(Protocol):
    """A runtime whose volumes are no directories, and that knows how long copying one takes."""

    async def copy_volume(self, name: str) -> None: ...


def random_suffix() -> str:
    """Five letters and digits, as the names of a Job's pods end."""
    return "".join(secrets.choice(_LETTERS) for _ in range(5))


class LocalCluster(StoredObjects):
    """Implements ``Cluster``. What it runs lives inside its ``async with`` block and ends with it."""

    def __init__(
        self,
        store: ObjectStore,
        runtime: ContainerRuntime,
        context: Context,
        *,
        network: NetworkMode = NetworkMode.POD,
        owner: str = "",
        names: Callable[[], str] = random_suffix,
    ) -> None:
        super().__init__(store)
        self.runtime = runtime
        self._context = context
        self._network = network
        self._owner = owner
        self._names = names
        self._workers: dict[str, PodWorker] = {}
        self._surroundings: dict[str, tuple[Context, NetworkMode]] = {}
        self._causes: dict[str, str] = {}
        """Why a pod is being deleted, by its uid."""
        self._jobs: dict[str, anyio.CancelScope] = {}
        self._tasks: TaskGroup = anyio.create_task_group()
        self._late = LateWrites(self._tasks)

    @property
    def name(self) -> str:
        return "simulated" if self.runtime.name == "simulated" else "local"

    async def __aenter__(self) -> LocalCluster:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Whatever still runs here is ended at once; ask ``stop_all`` first where it should stop gracefully."""
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)

    @property
    def events(self) -> EventStream:
        """Where it is told what happens to objects that have no context of their own."""
        return self._context.events

    @property
    def busy(self) -> bool:
        """True while it runs a pod or a Job. A pod that has ended only waits to be looked at and deleted."""
        return bool(self._jobs) or any(not _has_ended(worker) for worker in self._workers.values())

    @property
    def ended(self) -> frozenset[ContainerId]:
        """The containers of pods that have ended, kept for their logs."""
        found = set()
        for worker in self._workers.values():
            for container in worker.pod.containers:
                with suppress(NotFound):
                    if _has_ended(worker):
                        found.add(worker.container_id(container.name))
        return frozenset(found)

    # Writing.

    async def create(
        self,
        obj: JsonObject,
        *,
        namespace: str = "default",
        context: Context | None = None,
        network: NetworkMode | None = None,
    ) -> JsonObject:
        """As ``Cluster.create``. What the object becomes is told to ``context`` and uses ``network``, if given."""
        pod = check(obj)
        owner = self._owner if obj["kind"] in ACTIVE_KINDS else ""
        if not self.is_inert(str(obj["kind"])):
            # What becomes of it is said by whoever acts on it, not by a manifest.
            obj = {field: value for field, value in obj.items() if field != "status"}
        stored = self.store.insert(obj, namespace=namespace, owner=owner)
        self._surroundings[uid_of(stored)] = context or self._context, network or self._network
        self._tell_applied(stored, "created")
        if pod is not None:
            pod = replace(pod, uid=uid_of(stored), namespace=text(stored, "metadata", "namespace"))
        self._act_on(stored, pod)
        return stored

    async def apply(self, obj: JsonObject, *, namespace: str = "default") -> JsonObject:
        check(obj)
        key = key_of(obj, default_namespace=namespace)
        found = self.store.find(key)
        if found is None:
            return await self.create(obj, namespace=namespace)
        wanted = merged(found.body, obj)
        if wanted == found.body:
            self._tell_applied(found.body, "unchanged")
            return found.body
        refuse_changed_spec(found.body, wanted)
        stored = self.store.update(key, lambda now: merged(now, obj))
        self._tell_applied(stored, "configured")
        self._act_on_change(stored)
        return stored

    async def delete(self, key: ObjectKey, *, grace: timedelta | None = None, cause: str = "deleted") -> None:
        found = self.store.find(key)
        if found is None:
            raise NotFound(f'{plural(key.kind)} "{key.name}" not found')
        if key.kind == "Pod":
            self._delete_pod(key, found.body, found.owner, grace, cause)
            return
        if key.kind == "Job":
            if (scope := self._jobs.get(uid_of(found.body))) is not None:
                scope.cancel()
            await self._delete_pods_of(found.body, cause)
        if key.kind == "PersistentVolumeClaim":
            await self._delete_claim(key, found.body, cause)
            return
        self._removed(key, found.body, cause)

    async def stop_all(self, cause: str) -> None:
        """Stop every pod that runs here, with its hooks, and wait until all are gone. What has ended stays as it is."""
        for scope in tuple(self._jobs.values()):
            scope.cancel()
        while left := [worker for worker in self._workers.values() if not _has_ended(worker)]:
            seen = self.store.version()
            running = [worker for worker in left if not worker.stop_requested]
            for worker in running:
                worker.request_stop(cause=cause)
            if running:
                # Those that wait for their claims look again.
                self.store.touched()
            await self.store.changed(seen)

    def _delete_pod(self, key: ObjectKey, pod: JsonObject, owner: str, grace: timedelta | None, cause: str) -> None:
        worker = self._workers.get(uid_of(pod))
        if worker is not None:
            seconds = worker.pod.grace if grace is None else min(grace, worker.pod.grace)
            self.store.update(key, lambda obj: _marked(obj, self._now(), seconds))
            self._causes.setdefault(uid_of(pod), cause)
            worker.request_stop(grace, cause=cause)
        elif owner and owner != self._owner and is_alive(owner):
            raise Conflict(f'pod "{key.name}" is run by another process', hint="ask that process to stop it")
        else:
            self._removed(key, pod, cause)

    async def _delete_claim(self, key: ObjectKey, claim: JsonObject, cause: str) -> None:
        """A claim that a pod uses is only marked: it goes with the last such pod (kubernetes, pvc-protection)."""
        if claims.is_used(self.store, claim):
            self.store.update(key, lambda obj: _marked_claim(obj, self._now()))
            return
        await claims.release(self.store, self.runtime, claim)
        self._removed(key, claim, cause)

    async def _delete_unused_claims(self, pod: JsonObject) -> None:
        """Those that were to be deleted while this pod still used them."""
        namespace = text(pod, "metadata", "namespace")
        for name in claims.claims_of(pod):
            key = ObjectKey(kind="PersistentVolumeClaim", namespace=namespace, name=name)
            found = self.store.find(key)
            if found is not None and text(found.body, "metadata", "deletionTimestamp"):
                await self._delete_claim(key, found.body, "unused")

    async def _delete_pods_of(self, job: JsonObject, cause: str) -> None:
        for stored in self.store.list("Pod", text(job, "metadata", "namespace")):
            owners = mapping(stored.body, "metadata").get("ownerReferences")
            if isinstance(owners, list) and any(isinstance(o, dict) and o.get("uid") == uid_of(job) for o in owners):
                await self.delete(key_of(stored.body, default_namespace="default"), cause=cause)

    def _removed(self, key: ObjectKey, obj: JsonObject, cause: str) -> None:
        if self.store.remove(key, uid=uid_of(obj)):
            self._of(obj)[0].events.emit(ObjectDeleted(target=target_of(obj), cause=cause))
        self._surroundings.pop(uid_of(obj), None)

    def _tell_applied(self, obj: JsonObject, change: str) -> None:
        inert = self.is_inert(str(obj["kind"]))
        self._of(obj)[0].events.emit(ObjectApplied(target=target_of(obj), change=change, inert=inert))

    def _of(self, obj: JsonObject) -> tuple[Context, NetworkMode]:
        """Whom the object's events are told, and its network."""
        return self._surroundings.get(uid_of(obj), (self._context, self._network))

    # Controllers.

    def _act_on(self, obj: JsonObject, pod: Pod | None) -> None:
        # What is to be found by a deletion that comes at once is known before its task first runs.
        if pod is not None:
            self._workers[uid_of(obj)] = worker = self._new_worker(obj, pod)
            self._tasks.start_soon(self._run_pod, obj, worker)
        elif obj["kind"] == "Job":
            self._jobs[uid_of(obj)] = scope = anyio.CancelScope()
            self._tasks.start_soon(self._run_job, obj, scope)
        else:
            self._act_on_change(obj)

    def _act_on_change(self, obj: JsonObject) -> None:
        if obj["kind"] == "PersistentVolume":
            claims.bind_all(self.store)
        elif obj["kind"] == "PersistentVolumeClaim":
            claims.bind_if_unbound(self.store, obj)

    def _new_worker(self, obj: JsonObject, pod: Pod) -> PodWorker:
        key, uid = key_of(obj, default_namespace="default"), uid_of(obj)
        context, network = self._of(obj)
        return PodWorker(
            pod,
            self.runtime,
            context,
            uid=uid,
            network=network,
            resolver=claims.ClusterResources(self.store, self.runtime),
            on_status=lambda status: self._set_status(key, uid, status),
        )

    async def _run_pod(self, obj: JsonObject, worker: PodWorker) -> None:
        key, uid = key_of(obj, default_namespace="default"), uid_of(obj)
        try:
            if await self._claims_are_bound(worker):
                await worker.run()
        except (BoathookError, ExceptionGroup) as error:
            # One pod that cannot go on is no reason to end all others.
            self._set_status(key, uid, pod_ended_badly(self.store.find(key), error))
        else:
            cause = self._causes.pop(uid, "stopped")
            self._late.write(uid, lambda: self._removed(key, obj, cause))
        finally:
            del self._workers[uid]
            self.store.touched()
        await self._delete_unused_claims(obj)

    async def _claims_are_bound(self, worker: PodWorker) -> bool:
        """Wait as a pod that cannot be scheduled does; False: it is to be stopped before it ever started."""
        namespace = worker.pod.namespace
        keys = [
            ObjectKey(kind="PersistentVolumeClaim", namespace=namespace, name=volume.volume.name)
            for volume in worker.pod.volumes
            if isinstance(volume.volume, Claim)
        ]
        while not worker.stop_requested:
            seen = self.store.version()
            found = [self.store.find(key) for key in keys]
            for stored in found:
                if stored is not None:
                    claims.bind_if_unbound(self.store, stored.body)
            found = [self.store.find(key) for key in keys]
            if all(stored is not None and claims.is_bound(stored.body) for stored in found):
                return True
            await self.store.changed(seen)
        return False

    async def _run_job(self, obj: JsonObject, scope: anyio.CancelScope) -> None:
        context, network = self._of(obj)
        create = partial(self.create, context=context, network=network)
        run = JobRun(obj, self, self.store, create=create, context=context, names=self._names, late=self._late)
        try:
            with scope:
                # It may have been deleted before this task first ran.
                await anyio.lowlevel.checkpoint()
                await run.run()
        except (BoathookError, ExceptionGroup) as error:
            self._set_status(run.key, uid_of(obj), job_ended_badly(self.store.find(run.key), error))
        finally:
            del self._jobs[uid_of(obj)]

    def _set_status(self, key: ObjectKey, uid: str, status: JsonObject) -> None:
        def write() -> None:
            with suppress(NotFound):
                self.store.update(key, lambda obj: obj | {"status": status} if uid_of(obj) == uid else obj)

        self._late.write(uid, write)

    def _now(self) -> str:
        return self._context.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    # Pods.

    async def prepare(self, obj: JsonObject) -> None:
        """Look at all that would keep a pod from starting. Raises what is wrong, before anything is stored."""
        check(obj)
        worker = PodWorker(
            pod_from_object(obj),
            self.runtime,
            self._context,
            uid="",
            network=self._network,
            resolver=claims.ClusterResources(self.store, self.runtime),
        )
        await worker.prepare()

    def context_of(self, key: ObjectKey) -> Context:
        """Whom the events of an object's life are told. Raises ``NotFound``."""
        return self._of(self.store.get(key))[0]

    def worker(self, pod: ObjectKey) -> PodWorker:
        """Raises ``NotFound`` for a pod that does not run in this process."""
        worker = self._workers.get(uid_of(self.store.get(pod)))
        if worker is None:
            raise NotFound(f'pod "{pod.name}" does not run in this process')
        return worker

    async def exec(self, pod: ObjectKey, container: str, spec: ExecSpec, output: OutputSink) -> Execution:
        return await self.runtime.exec(self.worker(pod).container_id(container), spec, output)

    async def logs(self, pod: ObjectKey, container: str) -> AsyncIterator[LogLine]:
        async for line in self.runtime.logs(self.worker(pod).container_id(container)):
            yield line

    async def container_target(self, pod: ObjectKey, container: str) -> Target:
        return self.worker(pod).container_target(container)

    async def container_user(self, pod: ObjectKey, container: str) -> str | None:
        return (await self.runtime.inspect(self.worker(pod).container_id(container))).user

    async def container_specification(self, pod: ObjectKey, container: str) -> JsonObject | None:
        worker = self.worker(pod)
        if worker.sandbox_spec is None:
            raise NotFound(f'container "{container}" in pod "{pod.name}" is waiting to start')
        return {
            "container": to_json(worker.container_spec(container)),
            "sandbox": to_json(worker.sandbox_spec),
        }

    async def volume_path(self, pod: ObjectKey, volume: str) -> Path | None:
        place = self.worker(pod).volume_place(volume)
        return Path(place) if place is not None and place.startswith("/") else None

    async def archive_volume(self, pod: ObjectKey, volume: str, destination: Path) -> VolumeCopy:
        path = await self.volume_path(pod, volume)
        if isinstance(self.runtime, CopiesVolumes):
            await self.runtime.copy_volume(volume)
            return VolumeCopy(files=0, size_bytes=0, sha256="")
        if path is None:
            raise NotFound(f'volume "{volume}" of pod "{pod.name}" is not on this machine')
        from boathook.cluster.archive import archive

        return await archive(path, destination)


def _has_ended(worker: PodWorker) -> bool:
    """Ended for good, and nobody has asked for its deletion."""
    return worker.phase.terminal and not worker.stop_requested


def target_of(obj: JsonObject) -> Target:
    """What events about an object name: ``Job/demo``."""
    kind, name = str(obj["kind"]), text(obj, "metadata", "name")
    return Target(kind="object", scope=text(obj, "metadata", "namespace"), name=f"{kind}/{name}", instance=uid_of(obj))


def _marked_claim(claim: JsonObject, now: str) -> JsonObject:
    marked: JsonObject = {"deletionTimestamp": now}
    return claim | {"metadata": marked | mapping(claim, "metadata")}


def _marked(obj: JsonObject, now: str, grace: timedelta) -> JsonObject:
    """As an API server marks a pod that is being deleted. The grace period only shrinks."""
    metadata = mapping(obj, "metadata")
    seconds = max(int(grace.total_seconds()), 1)
    before = metadata.get("deletionGracePeriodSeconds")
    if isinstance(before, int):
        seconds = min(seconds, before)
    marks: JsonObject = {
        "deletionTimestamp": metadata.get("deletionTimestamp") or now,
        "deletionGracePeriodSeconds": seconds,
    }
    return obj | {"metadata": metadata | marks}
