"""A Job: pods made one after another until one succeeds or too many have failed (kubernetes, pkg/controller/job)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from enum import Enum, auto

import anyio

from boathook.cluster.base import Cluster, ObjectKey
from boathook.cluster.failing import LateWrites
from boathook.cluster.store import ObjectStore, uid_of
from boathook.cluster.validation import pod_of_job
from boathook.errors import NotFound
from boathook.events import PhaseChanged
from boathook.journal import Context
from boathook.model import JsonObject, JsonValue, Target
from boathook.objects import mapping, text

BACKOFF_LIMIT = 6
FIRST_BACKOFF_SECONDS = 10
MAX_BACKOFF_SECONDS = 600
"""Between pods that failed: 10 s, doubling (pkg/controller/job, defaults)."""

DEADLINE_MESSAGE = "Job was active longer than specified deadline"
BACKOFF_MESSAGE = "Job has reached the specified backoff limit"


class _PodEnd(Enum):
    """What became of a pod of a Job. Restarts in place use up the limit, but are no failed pods."""

    SUCCEEDED = auto()
    FAILED = auto()
    RESTARTED_TOO_OFTEN = auto()


class JobRun:
    """The life of one Job object, until it is finished or gone."""

    def __init__(
        self,
        job: JsonObject,
        cluster: Cluster,
        store: ObjectStore,
        *,
        create: Callable[[JsonObject], Awaitable[JsonObject]],
        context: Context,
        names: Callable[[], str],
        late: LateWrites,
    ) -> None:
        self._job = job
        self._cluster = cluster
        self._store = store
        self._create = create
        self._clock = context.clock
        self._events = context.events
        self._names = names
        self._late = late
        self._name = text(job, "metadata", "name")
        self._namespace = text(job, "metadata", "namespace")
        self.key = ObjectKey(kind="Job", namespace=self._namespace, name=self._name)
        self.target = Target(kind="object", scope=self._namespace, name=f"Job/{self._name}", instance=uid_of(job))

    async def run(self) -> None:
        """Make pods until the Job is complete or has failed, then wait for its time to live, if it has one."""
        self._set_status({"startTime": self._now(), "active": 1})
        deadline = _number(self._job, "activeDeadlineSeconds")
        with anyio.move_on_after(deadline) as limit:
            await self._until_finished()
        if limit.cancelled_caught:
            await self._fail("DeadlineExceeded", DEADLINE_MESSAGE)
        ttl = _number(self._job, "ttlSecondsAfterFinished")
        if ttl is not None:
            await anyio.sleep(ttl)
            try:
                await self._cluster.delete(self.key, cause="ttlSecondsAfterFinished")
            except NotFound:
                return

    async def _until_finished(self) -> None:
        limit = _number(self._job, "backoffLimit")
        limit = BACKOFF_LIMIT if limit is None else int(limit)
        failures = 0
        while True:
            pod = await self._create(pod_of_job(self._job, f"{self._name}-{self._names()}"))
            ended = await self._pod_ended(pod, limit - failures)
            if ended is _PodEnd.SUCCEEDED:
                self._finish("Complete", None, None, succeeded=1)
                return
            if ended is _PodEnd.FAILED:
                failures += 1
                self._set_status({"failed": failures, "active": 0})
            if ended is _PodEnd.RESTARTED_TOO_OFTEN or failures > limit:
                await self._fail("BackoffLimitExceeded", BACKOFF_MESSAGE)
                return
            await anyio.sleep(delay(failures).total_seconds())
            self._set_status({"active": 1})

    async def _pod_ended(self, pod: JsonObject, restarts_left: int) -> _PodEnd:
        name = text(pod, "metadata", "name")

        def ended(now: JsonObject | None) -> _PodEnd | None:
            if now is None or uid_of(now) != uid_of(pod):
                return _PodEnd.FAILED
            phase = text(now, "status", "phase")
            if phase in ("Succeeded", "Failed"):
                return _PodEnd.SUCCEEDED if phase == "Succeeded" else _PodEnd.FAILED
            # As pastBackoffLimitOnFailure counts: the limit is reached, not passed, and 0 means the first restart.
            return _PodEnd.RESTARTED_TOO_OFTEN if _restarts(now) >= max(restarts_left, 1) else None

        return await self._cluster.wait_until(ObjectKey(kind="Pod", namespace=self._namespace, name=name), ended)

    async def _fail(self, reason: str, message: str) -> None:
        """Every pod that has not ended is ended now, and counts as failed (trackJobStatusAndRemoveFinalizers)."""
        now = self._store.find(self.key)
        failed = None if now is None else mapping(now.body, "status").get("failed")
        count = (failed if isinstance(failed, int) else 0) + await self._delete_pods()
        self._finish("Failed", reason, message, failed=count)

    async def _delete_pods(self) -> int:
        """End those that run, and say how many. Those that have ended stay, so that they can be looked at."""
        ended = 0
        for pod in await self._cluster.list("Pod", namespace=self._namespace, labels={"job-name": self._name}):
            if text(pod, "status", "phase") in ("Succeeded", "Failed"):
                continue
            key = ObjectKey(kind="Pod", namespace=self._namespace, name=text(pod, "metadata", "name"))
            with suppress(NotFound):
                await self._cluster.delete(key, cause="its Job is over")
                ended += 1
        return ended

    def _finish(self, kind: str, reason: str | None, message: str | None, **counts: int) -> None:
        condition: JsonObject = {"type": kind, "status": "True", "lastTransitionTime": self._now()}
        condition |= {} if reason is None else {"reason": reason, "message": message}
        status: JsonObject = {"active": 0, "conditions": [condition], **counts}
        if kind == "Complete":
            status["completionTime"] = self._now()
        self._set_status(status)
        self._events.emit(PhaseChanged(target=self.target, phase=kind, reason=reason))

    def _set_status(self, changes: JsonObject) -> None:
        def change(obj: JsonObject) -> JsonObject:
            if uid_of(obj) != uid_of(self._job):
                return obj
            return obj | {"status": mapping(obj, "status") | changes}

        def write() -> None:
            with suppress(NotFound):
                self._store.update(self.key, change)

        self._late.write(uid_of(self._job), write)

    def _now(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(job: JsonObject, field: str) -> float | None:
    value = mapping(job, "spec").get(field)
    return float(value) if isinstance(value, int | float) else None


def _restarts(pod: JsonObject) -> int:
    statuses: JsonValue = mapping(pod, "status").get("containerStatuses")
    total = 0
    for status in statuses if isinstance(statuses, list) else []:
        count = status.get("restartCount") if isinstance(status, dict) else 0
        total += count if isinstance(count, int) else 0
    return total


def delay(failures: int) -> timedelta:
    """How long after so many failures the next pod is made."""
    return timedelta(seconds=min(FIRST_BACKOFF_SECONDS * 2 ** (failures - 1), MAX_BACKOFF_SECONDS))
