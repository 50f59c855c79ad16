"""Builders of pods with backup hooks, and backups of them in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import anyio

from boathook import events as e
from boathook.backup import Backup, BackupSpec, MemoryStore, create_backup
from boathook.backup.plan import started
from boathook.clock import LoopClock, run_virtual
from boathook.cluster.base import Cluster
from boathook.cluster.simulation import simulated_cluster
from boathook.durations import format_go_duration
from boathook.errors import BoathookError
from boathook.events import EventStream, Stamped
from boathook.journal import Context, MemoryObligations, Obligation
from boathook.model import HookPoint, JsonObject
from boathook.runtimes.assumptions import COPY, Assumption, Assumptions

PRE = "pre.hook.backup.velero.io"
POST = "post.hook.backup.velero.io"
ARK_PRE = "pre.hook.backup.ark.heptio.com"
PLAIN = "hook.backup.velero.io"


def hooks(pre: str | None = '["pre"]', post: str | None = '["post"]', **fields: str) -> dict[str, str]:
    """Annotations: a pre and a post hook; ``pre_on_error="Continue"`` and the like add fields."""
    annotations = {}
    if pre is not None:
        annotations[f"{PRE}/command"] = pre
    if post is not None:
        annotations[f"{POST}/command"] = post
    for name, value in fields.items():
        phase, _, field = name.partition("_")
        annotations[f"{PRE if phase == 'pre' else POST}/{field.replace('_', '-')}"] = value
    return annotations


def a_pod(name: str = "db", *, namespace: str = "default", **more: Any) -> JsonObject:
    """A pod with one container of its own name and an emptyDir ``data``, or ``claim``."""
    claim = more.pop("claim", None)
    volume: JsonObject = {"name": f"{name}-data"}
    volume |= {"persistentVolumeClaim": {"claimName": claim}} if claim else {"emptyDir": {}}
    metadata: JsonObject = {"name": name, "namespace": namespace}
    for key in ("labels", "annotations"):
        if more.get(key):
            metadata[key] = more.pop(key)
    mounts: Any = [{"name": f"{name}-data", "mountPath": "/data"}]
    container: JsonObject = {"name": name, "image": "busybox", "command": ["sleep", "1d"], "volumeMounts": mounts}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container], "volumes": [volume], **more},
    }


def a_claim(name: str = "shared") -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}},
    }


def a_spec(name: str = "nightly", **fields: Any) -> BackupSpec:
    values: dict[str, Any] = {
        "included_namespaces": ("*",),
        "excluded_namespaces": (),
        "selector": (),
        "labels": {},
        "annotations": {},
        "ttl": timedelta(hours=720),
    }
    return BackupSpec(name=name, **(values | fields))


def takes(point: HookPoint, name: str, seconds: float = 0, exit_code: int = 0, output: str = "") -> Assumption:
    """A hook of the container ``name``."""
    duration = timedelta(seconds=seconds)
    return Assumption(point=point.value, name=name, duration=duration, exit_code=exit_code, output=output)


def copying(volume: str, seconds: float) -> Assumption:
    return Assumption(point=COPY, name=volume, duration=timedelta(seconds=seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a simulated backup did."""

    backup: Backup
    store: MemoryStore
    stamped: tuple[Stamped, ...]
    owed: tuple[Obligation, ...]

    @property
    def steps(self) -> str:
        """One line per step: when, what."""
        begun = next(one.at for one in self.stamped if isinstance(one.event, e.RunStarted))
        told = ((one.at - begun, step(one.event)) for one in self.stamped)
        return "\n".join(f"{format_go_duration(timedelta(seconds=at))} {text}" for at, text in told if text)

    @property
    def log(self) -> str:
        return "\n".join(self.store.lines)

    @property
    def paths(self) -> list[str]:
        from boathook.backup.archive import paths_of

        contents = self.store.contents
        return [path for obj in (contents.objects if contents else ()) for path in paths_of(obj)]


def step(event: e.Event) -> str:
    match event:
        case e.HookStarted():
            return f"{event.hook.name} {event.target.name}"
        case e.HookFinished():
            return f"{event.result.hook.name} {event.result.target.name} {event.result.outcome}"
        case e.VolumeCopyStarted():
            return f"copying {event.volume}"
        case e.VolumeCopied():
            return f"copied {event.volume}"
        case _:
            return ""


def make(
    *objects: JsonObject,
    spec: BackupSpec | None = None,
    assume: Sequence[Assumption] = (),
    interrupt_after: float | None = None,
    wait: Callable[[Any], Any] | None = None,
    through: Callable[[Cluster], Cluster] = lambda cluster: cluster,
) -> Made:
    """Start these pods on a simulated cluster and back them up. ``through``: what the backup sees of the cluster."""
    return run_virtual(_make, objects, spec or a_spec(), tuple(assume), interrupt_after, wait, through)


async def _make(
    objects: tuple[JsonObject, ...],
    spec: BackupSpec,
    assume: tuple[Assumption, ...],
    interrupt_after: float | None,
    wait: Callable[[Any], Any] | None,
    through: Callable[[Cluster], Cluster],
) -> Made:
    stamped: list[Stamped] = []
    events, store = EventStream(clock=LoopClock()), MemoryStore()
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    async with simulated_cluster(context, Assumptions(assume)) as cluster:
        for obj in objects:
            await cluster.create(obj)
        await started(cluster)
        if wait is not None:
            await wait(cluster)
        interrupted = anyio.Event()
        with events.listening(stamped.append):
            async with anyio.create_task_group() as group:
                if interrupt_after is not None:
                    group.start_soon(_set_after, interrupt_after, interrupted)
                backup = await create_backup(spec, through(cluster), context, store, interrupted=interrupted)
                group.cancel_scope.cancel()
        owed = await context.obligations.owed()
        with contextlib.suppress(BoathookError):
            await cluster.stop_all("stopped")
    return Made(backup=backup, store=store, stamped=tuple(stamped), owed=owed)


async def _set_after(seconds: float, event: anyio.Event) -> None:
    await anyio.sleep(seconds)
    event.set()
