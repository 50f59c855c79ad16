"""Plain init containers in virtual time: one after another, to completion, before anything else."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import anyio
import pytest

from boathook.model import HookPoint
from boathook.pods import Phase, PodWorker
from boathook.pods.model import RestartPolicy
from tests.pods.build import a_staged_pod, live, one, plain, runs, sidecar, takes, times, until_ended


def test_init_containers_run_one_after_another_before_the_regular_ones() -> None:
    pod = a_staged_pod(one("app"), one("other"), init=(plain("first"), plain("second")))

    life = live(pod, runs(3, "first"), runs(2, "second"))

    assert life.told[:8] == [
        "0 started first",
        "3 exited first 0",
        "3 started second",
        "5 exited second 0",
        "5 started app",
        "5 started other",
        "5 phase Running",
        "5 stop requested",
    ]


def test_an_init_container_of_which_nothing_is_assumed_ends_at_once() -> None:
    life = live(a_staged_pod(one(), init=(plain(),)))

    assert life.told[:3] == ["0 started init", "0 exited init 0", "0 started app"]


def test_while_init_containers_run_the_pod_is_pending_and_says_what_it_waits_for() -> None:
    seen: list[Any] = []

    async def look(worker: PodWorker) -> None:
        await anyio.sleep(1)
        seen.append(worker.status)
        await worker.wait_until(lambda pod: pod.all_started)
        seen.append(worker.status)

    live(a_staged_pod(one(), init=(plain(),)), runs(3, "init"), then=look)

    assert seen[0]["phase"] == "Pending"
    assert seen[0]["containerStatuses"][0]["state"] == {"waiting": {"reason": "PodInitializing"}}
    assert "running" in seen[0]["initContainerStatuses"][0]["state"]
    assert [(one["type"], one["status"], one.get("reason"), one.get("message")) for one in seen[0]["conditions"]] == [
        ("PodReadyToStartContainers", "True", None, None),
        ("Initialized", "False", "ContainersNotInitialized", "containers with incomplete status: [init]"),
        ("Ready", "False", "ContainersNotReady", "containers with unready status: [app]"),
        ("ContainersReady", "False", "ContainersNotReady", "containers with unready status: [app]"),
        ("PodScheduled", "True", None, None),
    ]
    assert seen[1]["initContainerStatuses"][0]["ready"] is True
    assert {one["type"]: one["status"] for one in seen[1]["conditions"]}["Initialized"] == "True"


def test_an_init_container_that_fails_under_never_fails_the_pod() -> None:
    pod = a_staged_pod(one(), init=(plain("first"), plain("second")), restart_policy=RestartPolicy.NEVER)

    life = live(pod, runs(2, "first", exit_code=1), then=until_ended)

    assert life.worker.phase is Phase.FAILED
    assert times(life.told, "started second") == []
    assert times(life.told, "started app") == []
    assert times(life.told, "phase Failed") == [2]


@pytest.mark.parametrize("policy", [RestartPolicy.ALWAYS, RestartPolicy.ON_FAILURE])
def test_an_init_container_that_fails_is_restarted_with_back_off(policy: RestartPolicy) -> None:
    async def for_a_while(worker: PodWorker) -> None:
        await anyio.sleep(80)

    life = live(
        a_staged_pod(one(), init=(plain(),), restart_policy=policy), runs(0, "init", exit_code=1), then=for_a_while
    )

    assert [after - before for before, after in pairwise(times(life.told, "started init"))] == [0, 10, 20, 40]
    assert life.worker.phase is Phase.FAILED  # deleted before it was initialized
    assert times(life.told, "started app") == []


def test_init_containers_do_not_run_again_when_a_regular_container_restarts() -> None:
    async def for_a_while(worker: PodWorker) -> None:
        await anyio.sleep(5)

    life = live(a_staged_pod(one(), init=(plain(),)), runs(1, exit_code=1), then=for_a_while)

    assert len(times(life.told, "started init")) == 1
    assert len(times(life.told, "started app")) == 2


@pytest.mark.behaviour("pods:2")
def test_the_hooks_of_regular_containers_wait_for_all_init_containers() -> None:
    pod = a_staged_pod(one(post_start="register"), init=(plain(),))

    life = live(pod, runs(2, "init"), takes(1, HookPoint.POST_START))

    assert times(life.told, "postStart app") == [2]


def test_a_pod_deleted_while_it_initializes_stops_its_init_container_at_once() -> None:
    async def early(worker: PodWorker) -> None:
        await anyio.sleep(1)

    pod = a_staged_pod(one(), init=(sidecar("early", pre_stop="bye"), plain(), sidecar("late")), grace=20)

    life = live(pod, runs(100, "init"), takes(3, name="early"), then=early)

    assert life.told[2:] == [
        "1 stop requested",
        "1 Killing early: Stopping container early",
        "1 preStop early",
        "1 Killing init: Stopping container init",
        "1 SIGTERM init 20s left",
        "1 exited init 143",
        "4 preStop early succeeded",
        "4 SIGTERM early 17s left",
        "4 exited early 143",
        "4 phase Failed",
    ]
