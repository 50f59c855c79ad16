"""What is done about a preStop hook that a crash left owing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import anyio
import pytest

from boathook.clock import LoopClock, run_virtual
from boathook.events import EventStream
from boathook.journal import Context, MemoryObligations, Obligation, ObligationState, Settled
from boathook.model import HookPoint, HttpGet
from boathook.pods import SETTLERS, PodWorker
from boathook.pods.stopping import STOP_OBLIGATION
from boathook.runtimes.assumptions import Assumption, Assumptions
from boathook.runtimes.simulated import SimulatedRuntime
from tests.pods.build import a_container, a_pod, a_staged_pod, live, one, takes


def an_obligation(**volume: object) -> Obligation:
    """As it is written while the hook of a pod runs."""
    mounts: dict[str, Any] = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]} if volume else {}
    volumes: dict[str, Any] = {"volumes": [{"name": "data", **volume}]} if volume else {}
    seen: list[Obligation] = []

    async def look(worker: PodWorker) -> None:
        await worker.wait_until(lambda pod: pod.all_started)
        worker.request_stop()
        await anyio.sleep(1)
        seen.extend(await worker._context.obligations.owed(kind=STOP_OBLIGATION))

    live(a_pod(a_container(pre_stop="bye", **mounts), grace=20, **volumes), takes(5), then=look)
    return seen[0]


def settle(obligation: Obligation, *assumed: Assumption) -> tuple[Settled, SimulatedRuntime]:
    async def recover() -> tuple[Settled, SimulatedRuntime]:
        runtime = SimulatedRuntime(Assumptions(assumed))
        context = Context(events=EventStream(clock=LoopClock()), clock=LoopClock(), obligations=MemoryObligations())
        return await SETTLERS[STOP_OBLIGATION](obligation, context, runtime), runtime

    return run_virtual(recover)


@pytest.mark.behaviour("pods:31")
def test_the_hook_is_run_again_in_a_fresh_container_that_is_removed() -> None:
    settled, runtime = settle(an_obligation(), takes(15))

    assert settled == Settled(ObligationState.MET, "preStop was run again in a fresh container")
    assert runtime._containers == {}
    assert runtime._sandboxes == {}


def test_a_hook_that_fails_again_is_delivered_all_the_same() -> None:
    settled, _ = settle(an_obligation(), takes(0, exit_code=3))

    assert settled.state is ObligationState.MET
    assert settled.reason.endswith("failed: exited with code 3")


def test_a_hook_that_takes_longer_than_the_grace_period_is_ended() -> None:
    settled, _ = settle(an_obligation(), takes(100))

    assert settled.reason.endswith("failed: timed out after 20s")


def test_nothing_is_owed_any_more_when_a_volume_is_gone() -> None:
    settled, _ = settle(an_obligation(hostPath={"path": "/nowhere-at-all"}))

    assert settled == Settled(ObligationState.MOOT, "what preStop was for is gone with its pod: /data")


def test_an_obligation_holds_all_that_is_needed_after_a_round_trip() -> None:
    obligation = an_obligation()

    assert set(obligation.payload) == {"hook", "container", "sandbox", "grace"}
    assert obligation.target.instance == "uid-1/app/0"


@pytest.mark.behaviour("pods:31")
def test_an_http_hook_is_asked_again_and_delivered_even_where_nobody_answers_any_more() -> None:
    handler = HttpGet(scheme="HTTP", host="", port=8080, path="/bye", headers=())
    container = one(pre_stop="bye")
    assert container.pre_stop is not None
    asks = replace(container, pre_stop=replace(container.pre_stop, handler=handler))
    seen: list[Obligation] = []

    async def look(worker: PodWorker) -> None:
        await worker.wait_until(lambda pod: pod.all_started)
        worker.request_stop()
        await anyio.sleep(1)
        seen.extend(await worker._context.obligations.owed(kind=STOP_OBLIGATION))

    live(a_staged_pod(asks, grace=20), takes(5), then=look)
    settled, runtime = settle(seen[0])

    assert settled.state is ObligationState.MET
    assert runtime._containers == {}


def test_a_post_start_hook_is_never_owed() -> None:
    owed: list[Obligation] = []

    async def look(worker: PodWorker) -> None:
        await anyio.sleep(5)
        owed.extend(await worker._context.obligations.owed())

    pod = a_pod(a_container(post_start="hello", pre_stop="bye"), grace=20)
    life = live(pod, takes(60, HookPoint.POST_START), then=look)

    assert "0 postStart app" in life.told
    assert owed == []
