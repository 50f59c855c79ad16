"""The cluster of this machine: objects in the store, pods and Jobs run by controllers inside this process."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from boathook.cluster import claims
from boathook.cluster.base import ObjectKey, key_of
from boathook.cluster.deletion import (
    finalizers_of,
    is_being_deleted,
    is_forced,
    marked,
    marked_at_once,
    marked_claim,
)
from boathook.cluster.failing import LateWrites, job_ended_badly, job_stopped, pod_ended_badly
from boathook.cluster.jobs import JobRun
from boathook.cluster.local_pods import LocalPods
from boathook.cluster.merging import merged, refuse_changed_spec
from boathook.cluster.objects import ACTIVE_KINDS, StoredObjects
from boathook.cluster.owners import is_alive
from boathook.cluster.patching import patched
from boathook.cluster.recording import Recorder
from boathook.cluster.store import ObjectStore, Stored, plural, uid_of
from boathook.cluster.validation import check
from boathook.errors import BoathookError, Conflict, NotFound
from boathook.events import EventStream, ObjectApplied, ObjectDeleted, PhaseChanged
from boathook.journal import Context
from boathook.model import JsonObject, Target
from boathook.objects import mapping, text
from boathook.pods import PodWorker, pod_from_object
from boathook.pods.model import Pod
from boathook.runtimes.base import ContainerId, ContainerRuntime, NetworkMode

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
"""What names made by a cluster end with: no vowels, so that no words come about (apimachinery, util/rand)."""


def random_suffix() -> str:
    """Five letters and digits, as the names of a Job's pods end."""
    return "".join(secrets.choice(_LETTERS) for _ in range(5))


class LocalCluster(LocalPods, StoredObjects):
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
        self._clock = context.clock
        self._network = network
        self._owner = owner
        self._names = names
        self._workers: dict[str, PodWorker] = {}
        self._surroundings: dict[str, tuple[Context, NetworkMode]] = {}
        self._causes: dict[str, str] = {}
        """Why a pod is being deleted, by its uid."""
        self._recorder = Recorder(store)
        self._ending = ""
        """Why everything here is to stop; empty while it is not."""
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
        return frozenset[ContainerId]().union(*(w.instances for w in self._workers.values() if _has_ended(w)))

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
        self._act_on(stored, None if pod is None else _identified(pod, stored))
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
        return self._change(key, lambda now: merged(now, obj))

    async def patch(self, key: ObjectKey, patch: JsonObject) -> JsonObject:
        """As ``Cluster.patch``. An object that was only kept by the finalizers that this takes away is gone then."""
        found = self.store.get(key)
        inert = self.is_inert(key.kind)
        check(patched(found, patch, inert=inert))
        stored = self._change(key, lambda now: patched(now, patch, inert=inert))
        waits_for_nobody = is_forced(stored) or uid_of(stored) not in self._workers
        if is_being_deleted(stored) and not finalizers_of(stored) and waits_for_nobody:
            self._removed(key, stored, self._causes.get(uid_of(stored), "deleted"))
        return stored

    def _change(self, key: ObjectKey, change: Callable[[JsonObject], JsonObject]) -> JsonObject:
        before = self.store.get(key)
        stored = self.store.update(key, change)
        self._tell_applied(stored, "unchanged" if stored == before else "configured")
        worker = self._workers.get(uid_of(stored))
        if worker is not None and stored.get("spec") != before.get("spec"):
            worker.change(_pod_of(stored))
        self._act_on_change(stored)
        return stored

    async def evict(self, pod: ObjectKey, *, grace: timedelta | None = None) -> None:
        self._mark_evicted(pod, self._clock.now())
        await self.delete(pod, grace=grace, cause="evicted")

    async def delete(self, key: ObjectKey, *, grace: timedelta | None = None, cause: str = "deleted") -> None:
        found = self.store.find(key)
        if found is None:
            raise NotFound(f'{plural(key.kind)} "{key.name}" not found')
        if key.kind == "Pod":
            self._delete_pod(key, found, grace, cause)
            return
        if key.kind == "Job":
            if (scope := self._jobs.get(uid_of(found.body))) is not None:
                scope.cancel()
            await self._delete_pods_of(found.body, cause)
        if key.kind == "PersistentVolumeClaim":
            await self._delete_claim(key, found.body, cause)
            return
        self._removed(key, found.body, cause)

    async def stop(self, pod: ObjectKey, *, grace: timedelta | None = None, cause: str = "stopped") -> None:
        """Stop a pod of this process as its deletion would, and keep its object in its last state until it is deleted.

        Returns before it has stopped. Raises ``NotFound``.
        """
        self.worker(pod).request_stop(grace, cause=cause, keep=True)

    async def stop_all(self, cause: str) -> None:
        """Stop every pod that runs here, with its hooks, and wait until all are gone. What has ended stays as it is."""
        self._ending = cause
        for scope in tuple(self._jobs.values()):
            scope.cancel()
        while left := [worker for worker in self._workers.values() if not _has_ended(worker)]:
            seen = self.store.version()
            running = [worker for worker in left if not worker.removal_requested]
            for worker in running:
                worker.request_stop(cause=cause)
            if running:
                # Those that wait for their claims look again.
                self.store.touched()
            await self.store.changed(seen)

    async def until_idle(self) -> None:
        """Until nothing of a pod runs any more: also of those that were gone at once when they were deleted."""
        while any(not _has_ended(worker) for worker in self._workers.values()):
            await self.store.changed(self.store.version())

    async def until_ended(self, uid: str) -> None:
        """Until nothing of this pod runs any more, also when its object went before it."""
        while (worker := self._workers.get(uid)) is not None and not _has_ended(worker):
            await self.store.changed(self.store.version())

    def _delete_pod(self, key: ObjectKey, found: Stored, grace: timedelta | None, cause: str) -> None:
        pod, owner = found.body, found.owner
        worker = self._workers.get(uid_of(pod))
        if worker is not None:
            seconds = worker.pod.grace if grace is None else min(grace, worker.pod.grace)
            self._causes.setdefault(uid_of(pod), cause)
            if seconds <= timedelta(0):
                # What is deleted without any grace is gone at once; its containers still get their second.
                self._removed(key, pod, cause)
            else:
                self.store.update(key, lambda obj: marked(obj, self._clock.now(), seconds))
            worker.request_stop(grace, cause=cause)
        elif owner and owner != self._owner and is_alive(owner):
            raise Conflict(f'pod "{key.name}" is run by another process', hint="ask that process to stop it")
        else:
            self._removed(key, pod, cause)

    async def _delete_claim(self, key: ObjectKey, claim: JsonObject, cause: str) -> None:
        """A claim that a pod uses is only marked: it goes with the last such pod (kubernetes, pvc-protection)."""
        if claims.is_used(self.store, claim):
            self.store.update(key, lambda obj: marked_claim(obj, self._clock.now()))
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
        """Nothing stands behind the object any more: it goes, or is only kept by its finalizers, by nobody owned."""
        uid = uid_of(obj)
        found = self.store.find(key)
        if found is not None and uid_of(found.body) == uid and finalizers_of(found.body):
            self.store.update(key, lambda now: marked_at_once(now, self._clock.now()), owner="")
            return
        if self.store.remove(key, uid=uid):
            self._of(obj)[0].events.emit(ObjectDeleted(target=target_of(obj), cause=cause))
        self._surroundings.pop(uid, None)

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
            with self._recorder.hearing(self._of(obj)[0].events):
                if await claims.until_bound(self.store, worker.pod, lambda: worker.stop_requested):
                    await worker.run()
        except (BoathookError, ExceptionGroup) as error:
            # One pod that cannot go on is no reason to end all others.
            status = pod_ended_badly(self.store.find(key), error)
            self._set_status(key, uid, status)
            failed = PhaseChanged(target=worker.target, phase="Failed", reason=text(status, "message"))
            self._of(obj)[0].events.emit(failed)
        else:
            cause = self._causes.pop(uid, "stopped")
            self._late.write(uid, lambda: self._removed(key, obj, cause))
        finally:
            del self._workers[uid]
            self.store.touched()
        await self._delete_unused_claims(obj)

    async def _run_job(self, obj: JsonObject, scope: anyio.CancelScope) -> None:
        context, network = self._of(obj)
        create = partial(self.create, context=context, network=network)
        run = JobRun(obj, self, self.store, create=create, context=context, names=self._names, late=self._late)
        try:
            with scope:
                # It may have been deleted before this task first ran.
                await anyio.lowlevel.checkpoint()
                await run.run()
            if scope.cancelled_caught and self._ending:
                self._set_status(run.key, uid_of(obj), job_stopped(self.store.find(run.key), self._ending))
        except (BoathookError, ExceptionGroup) as error:
            self._set_status(run.key, uid_of(obj), job_ended_badly(self.store.find(run.key), error))
        finally:
            del self._jobs[uid_of(obj)]

    def _set_status(self, key: ObjectKey, uid: str, status: JsonObject) -> None:
        now = self._clock.now()
        self._late.write(uid, lambda: self._write_status(key, uid, status, now))

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


def _has_ended(worker: PodWorker) -> bool:
    """Ended for good, and nobody has asked for its deletion."""
    return worker.phase.terminal and not worker.removal_requested


def _identified(pod: Pod, obj: JsonObject) -> Pod:
    """The pod as the cluster knows it."""
    return replace(pod, uid=uid_of(obj), namespace=text(obj, "metadata", "namespace"))


def _pod_of(obj: JsonObject) -> Pod:
    return _identified(pod_from_object(obj), obj)


def target_of(obj: JsonObject) -> Target:
    """What events about an object name: ``Job/demo``."""
    kind, name = str(obj["kind"]), text(obj, "metadata", "name")
    return Target(kind="object", scope=text(obj, "metadata", "namespace"), name=f"{kind}/{name}", instance=uid_of(obj))
