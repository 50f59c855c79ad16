"""Pods with init containers and sidecars in the foreground: on the embedded runtime, and as a plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import anyio
import pytest

from boathook.clock import SystemClock
from boathook.events import ClusterEvent, ContainerExited, ContainerStarted, EventStream, Stamped
from boathook.home import Home
from boathook.journal import Context, MemoryObligations
from boathook.model import Exec
from boathook.pods import Phase, Pod, PodContainer, PodFile, PodRun, run_pod, simulate_pod
from boathook.pods.model import ProbeKind, RestartPolicy
from boathook.report.timeline import render_timeline
from boathook.runtimes.simulated import Assumptions
from tests.pods.build import a_container, a_pod, a_probe, a_staged_pod, plain, sidecar
from tests.pods.test_run import IMAGE, a_runtime

SHELL = "trap 'exit 0' TERM; while :; do sleep 0.05; done"


def a_file(pod: Pod) -> PodFile:
    return PodFile(pods=(pod,), pod_objects=(), objects=())


def shell(container: PodContainer, script: str, **fields: Any) -> PodContainer:
    return replace(container, image=IMAGE, command=("sh", "-c", script), args=None, **fields)


def app(script: str = SHELL, **hooks: Any) -> PodContainer:
    return shell(a_pod(a_container("app", **hooks)).containers[0], script)


async def run(home: Home, pod: Pod, lasting: float | None = 0.1) -> tuple[PodRun, list[Stamped]]:
    events = EventStream()
    stamped: list[Stamped] = []
    context = Context(events=events, clock=SystemClock(), obligations=MemoryObligations(clock=SystemClock()))
    with events.listening(stamped.append), anyio.fail_after(60):
        async with a_runtime(home) as runtime:
            span = None if lasting is None else timedelta(seconds=lasting)
            (outcome,) = await run_pod(a_file(pod), runtime, context, lasting=span)
    assert list(home.containers.iterdir()) == []
    return outcome, stamped


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("pods:19")
async def test_a_staged_pod_starts_in_order_and_stops_in_reverse(home: Home) -> None:
    init = (
        shell(sidecar("s1", pre_stop=["sleep", "0.2"]), SHELL),
        shell(plain("init"), "exit 0"),
        shell(sidecar("s2", pre_stop=["sleep", "0.2"]), SHELL),
    )

    outcome, stamped = await run(home, a_staged_pod(app(), init=init, grace=20))

    assert outcome.phase is Phase.SUCCEEDED
    assert outcome.exit_codes == {"s1": 0, "init": 0, "s2": 0, "app": 0}
    events = [one.event for one in stamped]
    assert [e.target.name for e in events if isinstance(e, ContainerStarted)] == ["s1", "init", "s2", "app"]
    assert [e.target.name for e in events if isinstance(e, ContainerExited)] == ["init", "app", "s2", "s1"]
    assert all(before.at <= after.at for before, after in pairwise(stamped))


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("pods:20")
async def test_a_sidecar_is_stopped_when_the_pods_work_is_done(home: Home) -> None:
    side = shell(sidecar(pre_stop=["echo", "bye"]), SHELL)
    pod = a_staged_pod(app("exit 0"), init=(side,), restart_policy=RestartPolicy.NEVER, grace=20)

    outcome, _ = await run(home, pod, lasting=None)

    assert outcome.phase is Phase.SUCCEEDED
    assert [(result.target.name, result.succeeded) for result in outcome.results] == [("side", True)]


@pytest.mark.runtime
@pytest.mark.anyio
async def test_a_failed_init_container_fails_the_pod_and_nothing_else_is_started(home: Home) -> None:
    pod = a_staged_pod(app(), init=(shell(plain(), "exit 3"),), restart_policy=RestartPolicy.NEVER)

    outcome, stamped = await run(home, pod, lasting=None)

    assert outcome.phase is Phase.FAILED
    assert outcome.exit_codes == {"init": 3}
    assert [one.event.target.name for one in stamped if isinstance(one.event, ContainerStarted)] == ["init"]


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("pods:8", "pods:16")
async def test_an_ill_container_is_killed_with_its_hook_and_restarted(home: Home) -> None:
    probe = a_probe(ProbeKind.LIVENESS, delay=0.2, period=30, grace=5)
    assert isinstance(probe.handler, Exec)
    asks = replace(probe, handler=replace(probe.handler, command=("sh", "-c", "echo ill; exit 1")))
    pod = a_staged_pod(replace(app(pre_stop=["echo", "bye"]), liveness_probe=asks), grace=20)

    outcome, stamped = await run(home, pod, lasting=1.5)

    told = [(one.event.reason, one.event.message) for one in stamped if isinstance(one.event, ClusterEvent)]
    assert ("Unhealthy", "Liveness probe failed: ill\n") in told
    assert ("Killing", "Container app failed liveness probe, will be restarted") in told
    assert sum(isinstance(one.event, ContainerStarted) for one in stamped) >= 2
    assert len(outcome.results) >= 2


def test_a_plan_shows_init_containers_and_sidecars_with_their_assumed_times() -> None:
    pod = a_staged_pod(app(pre_stop=["drain"]), init=(plain(), sidecar(pre_stop=["flush"])), grace=30)

    stamped = simulate_pod(a_file(pod), Assumptions.parse(("run:init=3s", "preStop:app=2s")))

    text = render_timeline(stamped)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "0.000 init running" in lines
    assert "3.000 side running" in lines
    assert "3.000 app running" in lines
    assert [line for line in lines if "SIGTERM" in line] == [
        "5.000 app SIGTERM, 28s left",
        "5.000 side SIGTERM, 28s left",
    ]
    assert "Started" not in text


def test_a_plan_of_a_pod_that_never_comes_up_ends_when_its_time_is_over() -> None:
    side = replace(sidecar("side"), startup_probe=a_probe(ProbeKind.STARTUP, period=2))
    stamped = simulate_pod(
        a_file(a_staged_pod(a_pod(a_container("app")).containers[0], init=(side,))),
        Assumptions.parse(("startup:side=5s",)),
        lasting=timedelta(seconds=20),
    )

    assert stamped[-1].at == 20
