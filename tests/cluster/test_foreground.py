"""Pods that a command owns itself, on a simulated cluster."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import anyio
import pytest

from boathook.clock import LoopClock, run_virtual
from boathook.cluster.foreground import run_pods
from boathook.cluster.local import LocalCluster
from boathook.cluster.simulation import simulated_cluster
from boathook.errors import Conflict
from boathook.events import EventStream
from boathook.journal import Context, MemoryObligations
from boathook.pods import Phase, PodRun, parse_pods
from boathook.runtimes.simulated import Assumptions

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: NAME}
spec:
  restartPolicy: POLICY
  containers:
  - name: app
    image: agnhost:2
    lifecycle: {preStop: {exec: {command: [sync]}}}
"""


def a_text(name: str = "demo", policy: str = "Always") -> str:
    return POD.replace("NAME", name).replace("POLICY", policy)


def foreground(
    text: str,
    *assumed: str,
    lasting: timedelta | None = None,
    then: Callable[[LocalCluster, anyio.Event], Coroutine[Any, Any, None]] | None = None,
) -> tuple[tuple[PodRun, ...], float, int]:
    """What became of the pods, when it was over, and how many objects were left."""

    async def whole() -> tuple[tuple[PodRun, ...], float, int]:
        events = EventStream(clock=LoopClock())
        context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
        stop = anyio.Event()
        async with (
            simulated_cluster(context, Assumptions.parse(assumed)) as cluster,
            anyio.create_task_group() as group,
        ):
            if then is not None:
                group.start_soon(then, cluster, stop)
            file = parse_pods(text, "pod.yaml")
            runs = await run_pods(file, cluster, context, lasting=lasting, stop=stop)
            ended, left = anyio.current_time(), len(await cluster.list("Pod"))
        return runs, ended, left

    return run_virtual(whole)


def test_a_pod_runs_for_its_time_and_is_gone_with_its_hook_done() -> None:
    (run,), at, left = foreground(a_text(), "preStop:app=10s", lasting=timedelta(seconds=5))

    assert (run.asked_to_stop, run.succeeded, run.exit_codes) == (True, True, {"app": 143})
    assert (at, left) == (15, 0)


def test_a_pod_that_never_comes_up_is_stopped_when_its_time_is_over() -> None:
    text = (
        a_text()
        + """\
  initContainers:
  - name: side
    image: agnhost:2
    restartPolicy: Always
    startupProbe: {exec: {command: [ask]}, periodSeconds: 2}
"""
    )
    (run,), at, left = foreground(text, "startup:side=5s", lasting=timedelta(seconds=20))

    assert (run.asked_to_stop, run.exit_codes) == (True, {})
    assert (at, left) == (20, 0)


def test_a_pod_that_ends_by_itself_is_over_with_its_phase() -> None:
    (run,), at, _ = foreground(a_text(policy="Never"), "run:app=7s")

    assert (run.phase, run.asked_to_stop, run.results) == (Phase.SUCCEEDED, False, ())
    assert at == 7


def test_an_interrupt_stops_gracefully() -> None:
    async def interrupt(cluster: LocalCluster, stop: anyio.Event) -> None:
        await anyio.sleep(3)
        stop.set()

    (run,), at, _ = foreground(a_text(), "preStop:app=10s", then=interrupt)

    assert (run.succeeded, at) == (True, 13)


def test_a_pod_that_somebody_else_deletes_was_asked_to_stop() -> None:
    async def delete(cluster: LocalCluster, stop: anyio.Event) -> None:
        from boathook.cluster.base import ObjectKey

        await anyio.sleep(3)
        await cluster.delete(ObjectKey(kind="Pod", namespace="default", name="demo"))

    (run,), at, _ = foreground(a_text(), "preStop:app=10s", then=delete)

    assert (run.asked_to_stop, run.succeeded, at) == (True, True, 13)


def test_a_pod_that_exists_is_a_conflict() -> None:
    async def occupy(cluster: LocalCluster, stop: anyio.Event) -> None:
        await cluster.create(dict(parse_pods(a_text(), "pod.yaml").pod_objects[0]))

    async def whole() -> None:
        events = EventStream(clock=LoopClock())
        context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
        async with simulated_cluster(context, Assumptions()) as cluster:
            await occupy(cluster, anyio.Event())
            file = parse_pods(f"{a_text('other')}---\n{a_text()}", "pod.yaml")
            with pytest.raises(Conflict, match='pods "demo" already exists'):
                await run_pods(file, cluster, context, lasting=None, stop=anyio.Event())
            await anyio.sleep(100)
            names = [pod["metadata"]["name"] for pod in await cluster.list("Pod")]  # type: ignore[index,call-overload]
            assert names == ["demo"]

    run_virtual(whole)
