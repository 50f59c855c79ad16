"""Clusters and objects for tests: every kind of cluster behind one function, and manifests with defaults."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar
from uuid import uuid4

import anyio
import pytest

from boathook.clock import LoopClock, SystemClock, run_virtual
from boathook.cluster.base import Cluster, ObjectKey
from boathook.cluster.local import LocalCluster
from boathook.cluster.remote import RemoteCluster
from boathook.cluster.simulation import simulated_cluster
from boathook.cluster.store import ObjectStore
from boathook.events import EventStream, ObjectApplied, Stamped
from boathook.home import Home
from boathook.images import ImageResolver
from boathook.journal import Context, MemoryObligations
from boathook.model import JsonObject, Stream
from boathook.runtimes.assumptions import RUN, Assumption, Assumptions
from boathook.runtimes.base import ContainerRuntime, ExecSpec, Exit
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from boathook.supervisor.client import call, supervisor_pid

T = TypeVar("T")

SIMULATED, LOCAL, REMOTE = "simulated", "local", "remote"

REAL = [pytest.param(LOCAL, marks=pytest.mark.runtime), pytest.param(REMOTE, marks=pytest.mark.runtime)]

everywhere = pytest.mark.parametrize("place", [SIMULATED, *REAL])
"""The same test on every kind of cluster."""

SECONDS = 40.0

ENDING_SECONDS = 20.0

IDLE = 'trap "exit 0" TERM; echo up; echo oops >&2; while :; do sleep 60 & wait $!; done'
"""A main process that writes a line to each stream and ends when it is asked to."""


class Told:
    """A context whose events are kept."""

    def __init__(self, *, virtual: bool) -> None:
        clock = LoopClock() if virtual else SystemClock()
        self.events: list[Stamped] = []
        stream = EventStream(clock=clock)
        self._listening = ExitStack()
        self._listening.enter_context(stream.listening(self.events.append))
        self.context = Context(events=stream, clock=clock, obligations=MemoryObligations(clock=clock))

    @property
    def applied(self) -> list[str]:
        found = [one.event for one in self.events if isinstance(one.event, ObjectApplied)]
        return [f"{one.target.name} {one.change}{' inert' if one.inert else ''}" for one in found]


Body = Callable[[Any, Told], Awaitable[T]]


def on(place: str, home: Home, body: Body[T]) -> T:
    """Run ``body(cluster, told)`` on a cluster of this kind."""
    if place == SIMULATED:
        return simulated(body)

    async def whole() -> T:
        told = Told(virtual=False)
        with anyio.fail_after(SECONDS):
            async with (a_local if place == LOCAL else a_remote)(home, told.context) as cluster:
                return await body(cluster, told)

    return anyio.run(whole)


def simulated(body: Body[T], *assumed: Assumption) -> T:
    """Run ``body(cluster, told)`` in virtual time."""

    async def whole() -> T:
        told = Told(virtual=True)
        async with simulated_cluster(told.context, Assumptions(assumed)) as cluster:
            return await body(cluster, told)

    return run_virtual(whole)


@asynccontextmanager
async def a_local(home: Home, context: Context) -> AsyncIterator[LocalCluster]:
    store = ObjectStore.in_memory(clock=context.clock, uids=lambda: str(uuid4()))
    try:
        async with (
            BubblewrapRuntime(home, images=ImageResolver(home, {}, offline=True)) as runtime,
            LocalCluster(store, runtime, context) as cluster,
        ):
            yield cluster
            await cluster.stop_all("the test is over")
    finally:
        store.close()


@asynccontextmanager
async def a_remote(home: Home, context: Context) -> AsyncIterator[RemoteCluster]:
    """The cluster as a command sees it whose pods live in the supervisor."""

    async def ask(operation: str, params: JsonObject, owner: int | None) -> JsonObject:
        settings: JsonObject = {"settings": {"network": "pod", "image_map": {}, "offline": True}}
        return await call(
            home,
            operation,
            params | settings,
            on_event=lambda stamped: context.events.emit(stamped.event),
            owner_pid=owner,
        )

    async with BubblewrapRuntime(home, images=ImageResolver(home, {}, offline=True)) as runtime:

        async def own() -> ContainerRuntime:
            return runtime

        cluster = RemoteCluster(home, own, context=context, call=ask)
        try:
            yield cluster
        finally:
            cluster.close()
            await end_supervisor(home)


async def end_supervisor(home: Home) -> None:
    """Have it stop what it has, and wait until it is gone."""
    with anyio.CancelScope(shield=True):
        pid = supervisor_pid(home)
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        with anyio.fail_after(ENDING_SECONDS):
            while supervisor_pid(home) is not None:  # noqa: ASYNC110  another process's lock
                await anyio.sleep(0.02)


def a_pod(name: str = "demo", *, script: str = IDLE, labels: dict[str, str] | None = None, **spec: Any) -> JsonObject:
    container: dict[str, Any] = {"name": "app", "image": "busybox:1.36", "command": ["sh", "-c", script]}
    container |= spec.pop("container", {})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": {"terminationGracePeriodSeconds": 5, "containers": [container], **spec},
    }


def a_job(name: str = "demo", *, policy: str = "Never", **spec: Any) -> JsonObject:
    container: JsonObject = {"name": "app", "image": "busybox:1.36", "command": ["sh", "-c", "exit 0"]}
    template: JsonObject = {"spec": {"restartPolicy": policy, "containers": [container]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": template, **spec},
    }


def a_config_map(name: str = "settings", **values: str) -> JsonObject:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(values)}


def a_claim(name: str = "data", *, storage: str = "1Gi", **spec: Any) -> JsonObject:
    wanted: JsonObject = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": storage}},
        "storageClassName": "manual",
        **spec,
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": wanted}


def a_volume(name: str = "disk", *, storage: str = "1Gi", path: str = "/data", **spec: Any) -> JsonObject:
    offered: JsonObject = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": storage},
        "storageClassName": "manual",
        "hostPath": {"path": path},
        **spec,
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": offered}


def key(kind: str, name: str = "demo", namespace: str = "default") -> ObjectKey:
    return ObjectKey(kind=kind, namespace=namespace, name=name)


def runs(seconds: float, exit_code: int = 0) -> Assumption:
    """A main process ``app`` that ends by itself."""
    return Assumption(point=RUN, name="app", duration=timedelta(seconds=seconds), exit_code=exit_code)


async def running(cluster: Cluster, name: str = "demo") -> JsonObject:
    """The pod, once it runs and its containers have started."""

    def condition(obj: JsonObject | None) -> JsonObject | None:
        return obj if phase(obj) == "Running" and states(obj) == ["running"] else None

    return await cluster.wait_until(key("Pod", name), condition)


async def gone(cluster: Cluster, wanted: ObjectKey) -> None:
    await cluster.wait_until(wanted, lambda obj: True if obj is None else None)


async def run_in(cluster: Cluster, *command: str, container: str = "app") -> tuple[Exit, str, str]:
    """Exit, stdout and stderr of a program in the pod ``demo``."""
    kept = {Stream.STDOUT: b"", Stream.STDERR: b""}

    def keep(stream: Stream, chunk: bytes) -> None:
        kept[stream] += chunk

    execution = await cluster.exec(key("Pod"), container, ExecSpec(command=command), keep)
    ended = await execution.wait()
    return ended, kept[Stream.STDOUT].decode(), kept[Stream.STDERR].decode()


def at(obj: Any, *path: str | int) -> Any:
    """A value inside an object; None where there is none."""
    for part in path:
        try:
            obj = obj[part]
        except (KeyError, IndexError, TypeError):
            return None
    return obj


def phase(obj: Any) -> Any:
    return at(obj, "status", "phase")


def states(obj: Any) -> list[str]:
    return [state for one in at(obj, "status", "containerStatuses") or [] for state in one["state"]]
