"""What is done to a pod that runs: another image, a deadline, a second deletion."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boathook.errors import ImageUnavailable
from boathook.model import HookPoint
from boathook.pods import Phase, Pod, PodWorker
from boathook.pods.model import RestartPolicy
from boathook.runtimes.assumptions import Assumptions
from boathook.runtimes.base import Image, PullPolicy
from boathook.runtimes.simulated import SimulatedRuntime
from tests.pods.build import a_staged_pod, answers_stop, ignores_stop, live, one, plain, runs, sidecar, takes, times
from tests.pods.build import until_ended as ended

POST_START = HookPoint.POST_START


def with_image(pod: Pod, image: str) -> Pod:
    return replace(
        pod,
        containers=tuple(replace(container, image=image) for container in pod.containers),
        init_containers=tuple(replace(container, image=image) for container in pod.init_containers),
    )


def changed_at(seconds: float, pod: Pod, *, then: float = 20) -> Callable[[PodWorker], Awaitable[None]]:
    async def change(worker: PodWorker) -> None:
        await anyio.sleep(seconds)
        worker.change(with_image(pod, "other:1"))
        await anyio.sleep(then)

    return change


class TestImageChange:
    @pytest.mark.behaviour("pods:8")
    @pytest.mark.parametrize("policy", list(RestartPolicy))
    def test_a_container_with_another_image_is_stopped_with_its_hook_and_restarted(self, policy: RestartPolicy) -> None:
        pod = a_staged_pod(one(pre_stop="bye"), grace=30, restart_policy=policy)

        life = live(pod, takes(3), answers_stop(0), runs(900), then=changed_at(5, pod))

        assert life.told[:8] == [
            "0 started app",
            "0 phase Running",
            "5 Killing app: Container app definition changed, will be restarted",
            "5 preStop app",
            "8 preStop app succeeded",
            "8 SIGTERM app 27s left",
            "8 exited app 0",
            "8 started app",
        ]
        status: Any = life.statuses[-1]
        assert status["containerStatuses"][0]["restartCount"] == 1
        assert status["containerStatuses"][0]["image"] == "other:1"

    def test_a_sidecar_with_another_image_is_restarted_and_a_finished_init_container_is_not(self) -> None:
        pod = a_staged_pod(one(), init=(plain(), sidecar()))

        life = live(pod, then=changed_at(5, pod))

        assert "5 Killing side: Init container side definition changed" in life.told
        assert times(life.told, "started side") == [0, 5]
        assert times(life.told, "started init") == [0]


def wait(seconds: float) -> Callable[[PodWorker], Awaitable[None]]:
    async def waiting(worker: PodWorker) -> None:
        await anyio.sleep(seconds)

    return waiting


class Registry(SimulatedRuntime):
    """Has every image but one, which it gets after a while."""

    def __init__(self, assumptions: Assumptions, *, missing: str, until: float, reason: str = "ErrImagePull") -> None:
        super().__init__(assumptions)
        self.missing, self.until, self.reason = missing, until, reason

    async def resolve_image(self, reference: str, policy: PullPolicy) -> Image:
        if reference == self.missing and anyio.current_time() < self.until:
            raise ImageUnavailable(f"{reference}: not found", reason=self.reason)
        return await super().resolve_image(reference, policy)


def reasons(statuses: list[Any]) -> list[str]:
    """Why the first container waited, each reason once."""
    found = [status["containerStatuses"][0]["state"].get("waiting", {}) for status in statuses]
    return list(dict.fromkeys(waiting["reason"] for waiting in found if "reason" in waiting))


class TestImagesThatAreNotToBeHad:
    def test_a_pull_that_fails_is_tried_again_with_back_off(self) -> None:
        pod = a_staged_pod(one())
        runtime = Registry(Assumptions(), missing="other:1", until=20)

        life = live(pod, then=changed_at(5, pod, then=60), runtime=runtime)

        assert times(life.told, "started app") == [0, 35]
        assert reasons(life.statuses) == ["ContainerCreating", "ErrImagePull", "ImagePullBackOff"]
        assert '5 Failed app: Failed to pull image "other:1": other:1: not found' in life.told
        assert '6 BackOff app: Back-off pulling image "other:1"' in life.told

    def test_an_image_that_is_never_pulled_is_looked_for_until_somebody_brings_it(self) -> None:
        pod = a_staged_pod(one())
        runtime = Registry(Assumptions(), missing="other:1", until=20, reason="ErrImageNeverPull")

        life = live(pod, then=changed_at(5, pod, then=60), runtime=runtime)

        assert times(life.told, "started app") == [0, 35]
        assert reasons(life.statuses) == ["ContainerCreating", "ErrImageNeverPull"]
        assert times(life.told, "Failed app: Error: ErrImageNeverPull") == [5, 15]

    def test_a_name_that_is_none_is_not_asked_for_again(self) -> None:
        pod = a_staged_pod(one())
        runtime = Registry(Assumptions(), missing="other:1", until=20, reason="InvalidImageName")

        life = live(pod, then=changed_at(5, pod, then=60), runtime=runtime)

        assert times(life.told, "started app") == [0]
        assert life.worker.cannot_start

    def test_a_pod_whose_image_comes_later_starts_then(self) -> None:
        pod = a_staged_pod(one(), one(name="other"))
        pod = replace(pod, containers=(replace(pod.containers[0], image="other:1"), pod.containers[1]))
        runtime = Registry(Assumptions(), missing="other:1", until=5)

        life = live(pod, then=wait(30), runtime=runtime)

        assert life.told[:6] == [
            '0 Failed app: Failed to pull image "other:1": other:1: not found',
            "0 Failed app: Error: ErrImagePull",
            "0 started other",
            '1 BackOff app: Back-off pulling image "other:1"',
            "1 Failed app: Error: ImagePullBackOff",
            "10 started app",
        ]


class TestHowADeletedPodIsShownAtLast:
    def test_what_never_ran_cannot_be_found(self) -> None:
        pod = a_staged_pod(one())
        runtime = Registry(Assumptions(), missing=pod.containers[0].image, until=900)

        life = live(pod, then=wait(3), runtime=runtime)

        shown: Any = life.statuses[-1]
        ended = shown["containerStatuses"][0]["state"]["terminated"]
        assert (shown["phase"], ended["exitCode"], ended["reason"]) == ("Failed", 137, "ContainerStatusUnknown")
        assert ended["message"] == "The container could not be located when the pod was terminated"

    def test_what_waits_for_its_restart_shows_how_it_ended(self) -> None:
        pod = a_staged_pod(one(), restart_policy=RestartPolicy.ALWAYS)

        life = live(pod, runs(1, exit_code=5), then=wait(15))

        shown: Any = life.statuses[-1]
        assert shown["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 5
        assert shown["phase"] == "Failed"

    def test_regular_containers_behind_an_init_container_that_has_not_ended_still_wait(self) -> None:
        pod = a_staged_pod(one(), init=(plain(), plain("second")))

        life = live(pod, runs(900, name="init"), answers_stop(0, name="init"), then=wait(3))

        shown: Any = life.statuses[-1]
        assert [list(one["state"]) for one in shown["initContainerStatuses"]] == [["terminated"], ["waiting"]]
        assert list(shown["containerStatuses"][0]["state"]) == ["waiting"]
        assert shown["phase"] == "Failed"


def conditions(status: Any) -> list[tuple[str, str, str]]:
    return [(one["type"], one["status"], one.get("reason", "")) for one in status["conditions"]][:4]


class TestConditions:
    def test_a_pod_past_its_deadline_is_not_ready_while_it_stops(self) -> None:
        pod = a_staged_pod(one(pre_stop="bye"), grace=30, active_deadline=timedelta(seconds=10))

        life = live(pod, takes(3), answers_stop(0), then=ended)

        told = [conditions(status) for status in life.statuses if status["phase"] == "Running"]
        assert told[-1] == [
            ("PodReadyToStartContainers", "True", ""),
            ("Initialized", "True", ""),
            ("Ready", "False", "PodFailed"),
            ("ContainersReady", "False", "PodFailed"),
        ]

    def test_what_its_containers_share_is_gone_when_a_pod_has_ended(self) -> None:
        life = live(a_staged_pod(one()), answers_stop(0))

        assert conditions(life.statuses[-1]) == [
            ("PodReadyToStartContainers", "False", ""),
            ("Initialized", "True", "PodCompleted"),
            ("Ready", "False", "PodCompleted"),
            ("ContainersReady", "False", "PodCompleted"),
        ]


class TestActiveDeadline:
    def test_a_pod_that_is_active_for_too_long_is_stopped_with_its_own_period_and_fails(self) -> None:
        pod = a_staged_pod(one(pre_stop="bye"), grace=30, active_deadline=timedelta(seconds=10))

        life = live(pod, takes(3), answers_stop(0), then=ended)

        assert life.told == [
            "0 started app",
            "0 phase Running",
            "10 DeadlineExceeded pod: Pod was active on the node longer than the specified deadline",
            "10 Killing app: Stopping container app",
            "10 preStop app",
            "13 preStop app succeeded",
            "13 SIGTERM app 27s left",
            "13 exited app 0",
            "13 phase Failed",
            "13 stop requested",
        ]
        assert all("reason" not in status for status in life.statuses if status["phase"] != "Failed")
        assert life.statuses[-1]["reason"] == "DeadlineExceeded"

    def test_a_pod_that_ends_in_time_is_not_touched_by_its_deadline(self) -> None:
        pod = a_staged_pod(one(), active_deadline=timedelta(seconds=10), restart_policy=RestartPolicy.NEVER)

        life = live(pod, runs(3), then=ended)

        assert life.worker.phase is Phase.SUCCEEDED


class TestDeletion:
    @pytest.mark.behaviour("pods:14")
    def test_a_smaller_second_deletion_does_not_interrupt_the_stop_that_goes_on(self) -> None:
        async def twice(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.all_started)
            worker.request_stop()
            await anyio.sleep(2)
            worker.request_stop(timedelta(seconds=1))

        life = live(a_staged_pod(one(pre_stop="bye"), grace=60), takes(20), then=twice)

        assert times(life.told, "stop requested") == [0, 2]
        assert times(life.told, "preStop app succeeded") == [20]

    @pytest.mark.behaviour("pods:7")
    def test_a_forced_deletion_waits_for_a_post_start_hook_and_then_gives_one_second(self) -> None:
        async def force(worker: PodWorker) -> None:
            await anyio.sleep(3)
            worker.request_stop(timedelta(0))

        pod = a_staged_pod(one(post_start="slow", pre_stop="bye"), grace=30)

        life = live(pod, takes(30, POST_START), takes(5), ignores_stop(), then=force)

        assert [line for line in life.told if "SIG" in line] == ["31 SIGTERM app 2s left", "33 SIGKILL app"]

    def test_a_sync_that_has_begun_starts_all_that_it_set_out_to(self) -> None:
        async def early(worker: PodWorker) -> None:
            await anyio.sleep(1)

        life = live(a_staged_pod(one("c1", post_start="slow"), one("c2")), takes(5, POST_START, "c1"), then=early)

        assert times(life.told, "started c2") == [5]
        assert len(times(life.told, "Killing c2: Stopping container c2")) == 1

    @pytest.mark.behaviour("pods:14", "pods:15")
    @given(spec=st.integers(0, 100), asked=st.lists(st.none() | st.integers(0, 200), max_size=6))
    def test_the_period_only_shrinks_and_never_below_a_second(self, spec: int, asked: list[int | None]) -> None:
        left: list[float] = []

        async def delete(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.all_started)
            for grace in asked:
                worker.request_stop(None if grace is None else timedelta(seconds=grace))
                left.append(worker._grace().left.total_seconds())

        live(a_staged_pod(one(), grace=spec), then=delete)

        assert left == sorted(left, reverse=True)
        smallest = [spec, *(grace for grace in asked if grace is not None)]
        assert left == [] or left[-1] == max(min(smallest), 1)
