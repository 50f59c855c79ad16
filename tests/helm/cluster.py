"""A cluster whose objects end as the test has written: it keeps objects in memory and the requests as lines of text."""

from __future__ import annotations

import builtins
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import anyio

from boathook.clock import LoopClock
from boathook.cluster.base import ObjectKey, VolumeCopy, key_of
from boathook.errors import Conflict, ManifestError, NotFound, TargetError
from boathook.events import EventStream, Noted, Stamped
from boathook.helm.storage import ReleaseStore
from boathook.journal import Context, MemoryObligations
from boathook.model import Finding, JsonObject, Severity, Source, Stream, Target
from boathook.runtimes.base import ExecSpec, Execution, LogLine, OutputSink

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What becomes of a Job or Pod of one name. ``after`` None: it never ends."""

    after: float | None = 0.0
    ok: bool = True
    output: str = ""
    refused: bool = False
    slow_delete: float = 0.0
    broken_log: bool = False


@dataclass(slots=True)
class ScriptedCluster:
    """Obeys the ``Cluster`` protocol; ``ends`` says how workloads end, ``requests`` what was asked of it and when."""

    ends: dict[str, Ends] = field(default_factory=dict)
    objects: dict[ObjectKey, JsonObject] = field(default_factory=dict)
    requests: builtins.list[str] = field(default_factory=list)
    due: dict[ObjectKey, float] = field(default_factory=dict)
    gone_at: dict[ObjectKey, float] = field(default_factory=dict)
    uids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    name: str = "scripted"

    def is_inert(self, kind: str) -> bool:
        return kind not in ("Pod", "Job", "ConfigMap", "Secret")

    async def create(self, obj: JsonObject, *, namespace: str = "default") -> JsonObject:
        key = key_of(obj, default_namespace=namespace)
        if key in self._settled():
            raise Conflict(f'{key.kind.lower()}s "{key.name}" already exists')
        return await self.apply(obj, namespace=namespace)

    async def apply(self, obj: JsonObject, *, namespace: str = "default") -> JsonObject:
        await anyio.lowlevel.checkpoint()
        key = key_of(obj, default_namespace=namespace)
        self._note("apply", key)
        if self._ends(key).refused:
            raise ManifestError((_refusal(key),))
        existing = self._settled().get(key)
        stored = deepcopy(obj)
        metadata: Any = stored["metadata"]
        if existing is None:
            metadata["uid"] = f"uid-{next(self.uids)}"
            after = self._ends(key).after
            if key.kind in ("Pod", "Job") and after is not None:
                self.due[key] = anyio.current_time() + after
        else:
            metadata["uid"] = existing["metadata"]["uid"]  # type: ignore[index,call-overload]
            stored["status"] = existing.get("status")
        self.objects[key] = stored
        return deepcopy(stored)

    async def patch(self, key: ObjectKey, patch: JsonObject) -> JsonObject:
        raise NotImplementedError

    async def object_events(self, key: ObjectKey) -> builtins.list[JsonObject]:
        raise NotImplementedError

    async def evict(self, pod: ObjectKey, *, grace: timedelta | None = None) -> None:
        raise NotImplementedError

    async def get(self, key: ObjectKey) -> JsonObject:
        await anyio.lowlevel.checkpoint()
        if key not in self._settled():
            raise NotFound(f'{key.kind.lower()}s "{key.name}" not found')
        return deepcopy(self.objects[key])

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: dict[str, str] | None = None
    ) -> builtins.list[JsonObject]:
        if kind == "Pod" and labels and "job-name" in labels:
            return [_pod_of(labels["job-name"], namespace or "default")]
        found = []
        for key, obj in self._settled().items():
            metadata: Any = obj["metadata"]
            matches = all(metadata.get("labels", {}).get(name) == value for name, value in (labels or {}).items())
            if key.kind == kind and namespace in (None, key.namespace) and matches:
                found.append(deepcopy(obj))
        return found

    async def list_all(self) -> builtins.list[JsonObject]:
        return list(self.objects.values())

    async def delete(self, key: ObjectKey, *, grace: timedelta | None = None, cause: str = "deleted") -> None:
        await self.get(key)
        self._note("delete", key)
        self.gone_at[key] = anyio.current_time() + self._ends(key).slow_delete

    async def wait_until(self, key: ObjectKey, condition: Callable[[JsonObject | None], T | None]) -> T:
        while (answer := condition(self._settled().get(key))) is None:  # noqa: ASYNC110
            await anyio.sleep(0.1)
        return answer

    async def exec(self, pod: ObjectKey, container: str, spec: ExecSpec, output: OutputSink) -> Execution:
        raise NotImplementedError

    async def logs(self, pod: ObjectKey, container: str) -> AsyncIterator[LogLine]:
        ends = self.ends.get(container, Ends())
        if ends.broken_log:
            raise TargetError("the log is broken")
        self.requests.append(f"log {container}")
        if ends.output:
            yield LogLine(time=LoopClock().now(), stream=Stream.STDOUT, partial=False, text=ends.output)

    async def volume_path(self, pod: ObjectKey, volume: str) -> Path | None:
        return None

    async def archive_volume(self, pod: ObjectKey, volume: str, destination: Path) -> VolumeCopy:
        raise NotImplementedError

    async def container_target(self, pod: ObjectKey, container: str) -> Target:
        raise NotImplementedError

    async def container_user(self, pod: ObjectKey, container: str) -> str | None:
        return None

    async def container_specification(self, pod: ObjectKey, container: str) -> JsonObject | None:
        return None

    def _settled(self) -> dict[ObjectKey, JsonObject]:
        """The objects as they stand at this moment of the virtual clock."""
        now = anyio.current_time()
        for key in [key for key, moment in self.gone_at.items() if moment <= now]:
            del self.gone_at[key]
            self.due.pop(key, None)
            self.objects.pop(key, None)
        for key in [key for key, moment in self.due.items() if moment <= now]:
            del self.due[key]
            self.objects[key]["status"] = _status(key, ok=self._ends(key).ok)
        return self.objects

    def _ends(self, key: ObjectKey) -> Ends:
        return self.ends.get(key.name, Ends())

    def _note(self, verb: str, key: ObjectKey) -> None:
        if key.kind != "Secret":
            self.requests.append(f"{verb} {key.kind} {key.name}")

    def names(self, kind: str) -> builtins.list[str]:
        return sorted(key.name for key in self._settled() if key.kind == kind)


def _status(key: ObjectKey, *, ok: bool) -> JsonObject:
    if key.kind == "Pod":
        return {"phase": "Succeeded" if ok else "Failed"}
    condition: JsonObject = {"type": "Complete" if ok else "Failed", "status": "True"}
    return {"conditions": [condition if ok else condition | {"reason": "BackoffLimitExceeded"}]}


def _pod_of(job: str, namespace: str) -> JsonObject:
    return {
        "kind": "Pod",
        "metadata": {"name": f"{job}-pod", "namespace": namespace},
        "spec": {"containers": [{"name": job}]},
    }


def _refusal(key: ObjectKey) -> Finding:
    source = Source(file="", line=None, column=None, path="")
    return Finding(id="x.refused", severity=Severity.ERROR, source=source, message=f"{key.name} refused", remedy=None)


@dataclass(slots=True, kw_only=True)
class Stage:
    """A cluster, a context and what it heard: what a test of an action needs."""

    cluster: ScriptedCluster
    context: Context
    heard: list[Stamped]
    listening: ExitStack
    """Never closed: the context is listened to for the whole test."""

    @classmethod
    def of(cls, **ends: Ends) -> Stage:
        heard: list[Stamped] = []
        events = EventStream(clock=LoopClock())
        listening = ExitStack()
        listening.enter_context(events.listening(heard.append))
        context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
        return cls(cluster=ScriptedCluster(ends=ends), context=context, heard=heard, listening=listening)

    @property
    def store(self) -> ReleaseStore:
        return ReleaseStore(self.cluster, "default")

    @property
    def requests(self) -> list[str]:
        return self.cluster.requests

    def notes(self) -> list[str]:
        return [one.event.finding.id for one in self.heard if isinstance(one.event, Noted)]
