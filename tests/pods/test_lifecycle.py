"""The life of a pod in virtual time: what happens when, and in which order."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import anyio
import pytest

from boathook.model import HookPoint, Outcome
from boathook.pods import Phase, PodWorker
from boathook.runtimes.assumptions import Assumption
from tests.pods.build import a_container, a_pod, answers_stop, ignores_stop, live, runs, takes

POST_START = HookPoint.POST_START


def signals(told: list[str]) -> list[str]:
    return [line for line in told if " SIG" in line]


def states(status: Any) -> list[dict[str, Any]]:
    return [one["state"] for one in status["containerStatuses"]]


class TestStart:
    @pytest.mark.behaviour("pods:1", "pods:2")
    def test_a_post_start_hook_runs_after_its_container_started_and_holds_up_the_next_one(self) -> None:
        pod = a_pod(a_container("c1", post_start="register"), a_container("c2"))

        life = live(pod, takes(5, POST_START, "c1"))

        assert life.told[:5] == [
            "0 started c1",
            "0 postStart c1",
            "5 postStart c1 succeeded",
            "5 started c2",
            "5 phase Running",
        ]

    @pytest.mark.behaviour("pods:3")
    def test_while_a_post_start_hook_runs_the_container_waits_and_the_pod_is_pending(self) -> None:
        seen: list[Any] = []

        async def look(worker: PodWorker) -> None:
            await anyio.sleep(3)
            seen.append(worker.status)
            await worker.wait_until(lambda pod: pod.all_started)
            seen.append(worker.status)

        live(a_pod(a_container(post_start="register")), takes(5, POST_START), then=look)

        assert seen[0]["phase"] == "Pending"
        assert states(seen[0]) == [{"waiting": {"reason": "ContainerCreating"}}]
        assert seen[0]["containerStatuses"][0]["ready"] is False
        assert seen[1]["phase"] == "Running"
        assert list(states(seen[1])[0]) == ["running"]

    @pytest.mark.behaviour("pods:4")
    def test_a_failed_post_start_hook_kills_its_container_with_pre_stop_and_the_pods_grace(self) -> None:
        pod = a_pod(a_container(post_start="register", pre_stop="bye"), grace=30, restartPolicy="Never")

        async def until_ended(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.phase.terminal)

        life = live(pod, takes(1, POST_START, exit_code=3), takes(4), ignores_stop(), runs(1000), then=until_ended)

        assert life.told[:-1] == [
            "0 started app",
            "0 postStart app",
            "1 postStart app failed",
            "1 FailedPostStartHook app: PostStartHook failed",
            "1 Killing app: FailedPostStartHook",
            "1 preStop app",
            "5 preStop app succeeded",
            "5 SIGTERM app 26s left",
            "31 SIGKILL app",
            "31 exited app 137",
            "31 phase Failed",
        ]

    @pytest.mark.behaviour("pods:5", "pods:26")
    def test_the_status_of_a_failed_post_start_hook_holds_its_command_code_and_output(self) -> None:
        async def until_failed(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: states(pod.status)[0].get("waiting", {}).get("message") is not None)
            await anyio.sleep(0.5)

        life = live(
            a_pod(a_container(post_start=["sh", "-c", "exit 3"])),
            takes(0, POST_START, exit_code=3, output='said "no"\n'),
            then=until_failed,
        )

        waiting = [s["waiting"] for status in life.statuses for s in states(status) if "waiting" in s]
        assert {
            "reason": "PostStartHookError",
            "message": 'Exec lifecycle hook ([sh -c exit 3]) for Container "app" in Pod "pod_default(uid-1)" failed - '
            'error: command \'sh -c exit 3\' exited with 3: , message: "said \\"no\\"\\n"',
        } in waiting

    @pytest.mark.behaviour("pods:5")
    def test_with_never_the_status_of_a_failed_post_start_hook_is_just_terminated(self) -> None:
        async def until_ended(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.phase.terminal)

        pod = a_pod(a_container(post_start="no"), restartPolicy="Never")

        life = live(pod, takes(0, POST_START, exit_code=3), runs(1000), then=until_ended)

        assert not any("PostStartHookError" in str(status) for status in life.statuses)
        assert states(life.statuses[-1])[0]["terminated"]["exitCode"] == 143

    @pytest.mark.behaviour("pods:6")
    def test_a_failed_post_start_hook_leads_to_success_when_the_app_ends_with_zero(self) -> None:
        async def until_ended(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.phase.terminal)

        pod = a_pod(a_container(post_start="no"), restartPolicy="OnFailure")

        life = live(pod, takes(0, POST_START, exit_code=1), answers_stop(0), runs(1000), then=until_ended)

        assert life.worker.phase is Phase.SUCCEEDED
        assert sum(line.endswith("started app") for line in life.told) == 1

    @pytest.mark.behaviour("pods:7")
    def test_a_deletion_waits_for_a_post_start_hook_however_long_it_takes(self) -> None:
        async def delete_early(worker: PodWorker) -> None:
            await anyio.sleep(3)

        life = live(a_pod(a_container(post_start="slow"), grace=5), takes(300, POST_START), then=delete_early)

        assert life.told[2:6] == [
            "3 stop requested",
            "300 postStart app succeeded",
            "300 phase Running",
            "300 Killing app: Stopping container app",
        ]


class TestRestarts:
    @pytest.mark.behaviour("pods:29")
    def test_restarts_come_at_once_then_after_ten_seconds_doubling_up_to_three_hundred(self) -> None:
        async def for_a_while(worker: PodWorker) -> None:
            await anyio.sleep(1700)

        life = live(a_pod(a_container(post_start="no")), takes(0, POST_START, exit_code=1), then=for_a_while)

        starts = [float(line.split()[0]) for line in life.told if "started app" in line]
        assert [after - before for before, after in pairwise(starts)] == [
            0, 10, 20, 40, 80, 160, 300, 300, 300, 300,
        ]  # fmt: skip

    @pytest.mark.behaviour("pods:31")
    def test_hooks_run_once_for_each_instance(self) -> None:
        async def for_a_while(worker: PodWorker) -> None:
            await anyio.sleep(15)

        life = live(a_pod(a_container(post_start="hello", pre_stop="bye")), runs(2, exit_code=1), then=for_a_while)

        assert sum(line.endswith("started app") for line in life.told) == 3
        assert sum(line.endswith("postStart app") for line in life.told) == 3

    @pytest.mark.behaviour("pods:8")
    def test_a_crash_runs_no_pre_stop_hook(self) -> None:
        async def for_a_while(worker: PodWorker) -> None:
            await anyio.sleep(5)

        life = live(a_pod(a_container(pre_stop="bye")), runs(2, exit_code=1), then=for_a_while)

        assert not any("preStop" in line or "Killing" in line for line in life.told)

    @pytest.mark.behaviour("pods:8")
    def test_a_pod_that_completed_runs_no_pre_stop_hook_when_it_is_deleted(self) -> None:
        pod = a_pod(a_container(pre_stop="bye"), restartPolicy="Never")

        async def until_ended(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.phase.terminal)

        life = live(pod, runs(2), then=until_ended)

        assert life.told == [
            "0 started app",
            "0 phase Running",
            "2 exited app 0",
            "2 phase Succeeded",
            "2 stop requested",
        ]

    def test_the_status_says_how_long_a_crashed_container_is_held_back(self) -> None:
        async def for_a_while(worker: PodWorker) -> None:
            await anyio.sleep(3)

        life = live(a_pod(a_container()), runs(1, exit_code=1), then=for_a_while)

        message = "back-off 10s restarting failed container=app pod=pod_default(uid-1)"
        assert {"reason": "CrashLoopBackOff", "message": message} in [
            state["waiting"] for status in life.statuses for state in states(status) if "waiting" in state
        ]
        assert "2 BackOff app: Back-off restarting failed container app in pod pod_default(uid-1)" in life.told


class TestTermination:
    @pytest.mark.behaviour("pods:9", "pods:10", "pods:13", "pods:28")
    def test_the_steps_of_a_deletion_with_a_pre_stop_hook(self) -> None:
        life = live(a_pod(a_container(pre_stop="bye"), grace=60), takes(10), answers_stop(2))

        assert life.told == [
            "0 started app",
            "0 phase Running",
            "0 stop requested",
            "0 Killing app: Stopping container app",
            "0 preStop app",
            "10 preStop app succeeded",
            "10 SIGTERM app 50s left",
            "10 exited app 2",
            "10 phase Failed",
        ]

    @pytest.mark.behaviour("pods:10", "pods:11", "pods:12", "pods:15")
    @pytest.mark.parametrize(
        ("grace", "hook", "app", "expected"),
        [
            pytest.param(30, None, None, ["0 SIGTERM app 30s left"], id="no hook, exits on TERM"),
            pytest.param(30, 5, "ignores", ["5 SIGTERM app 25s left", "30 SIGKILL app"], id="hook inside the period"),
            pytest.param(30, 0.9, "ignores", ["0.9 SIGTERM app 30s left", "30.9 SIGKILL app"], id="part of a second"),
            pytest.param(30, 29.5, "ignores", ["29.5 SIGTERM app 2s left", "31.5 SIGKILL app"], id="almost all of it"),
            pytest.param(30, 40, "ignores", ["30 SIGTERM app 2s left", "32 SIGKILL app"], id="hook overruns"),
            pytest.param(30, 40, None, ["30 SIGTERM app 2s left"], id="hook overruns, app exits on TERM"),
            pytest.param(60, 10, None, ["10 SIGTERM app 50s left"], id="the documented pod"),
            pytest.param(2, 1.2, "ignores", ["1.2 SIGTERM app 2s left", "3.2 SIGKILL app"], id="short period"),
            pytest.param(1, 5, "ignores", ["1 SIGTERM app 2s left", "3 SIGKILL app"], id="force"),
        ],
    )
    def test_the_time_of_a_pre_stop_hook_is_taken_from_the_grace_period(
        self, grace: int, hook: float | None, app: str | None, expected: list[str]
    ) -> None:
        assumed: list[Assumption] = [] if hook is None else [takes(hook)]
        assumed += [ignores_stop()] if app == "ignores" else []
        container = a_container() if hook is None else a_container(pre_stop="bye")

        life = live(a_pod(container, grace=grace), *assumed)

        assert signals(life.told) == expected

    @pytest.mark.behaviour("pods:17")
    def test_a_period_of_zero_runs_no_hook_and_still_gives_two_seconds(self) -> None:
        pod = a_pod(a_container(post_start="no", pre_stop="bye"), grace=0, restartPolicy="Never")

        async def until_ended(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.phase.terminal)

        life = live(pod, takes(0, POST_START, exit_code=1), ignores_stop(), runs(1000), then=until_ended)

        assert signals(life.told) == ["0 SIGTERM app 2s left", "2 SIGKILL app"]
        assert not any("preStop" in line for line in life.told)

    @pytest.mark.behaviour("pods:12")
    def test_a_hook_that_overruns_is_told_only_when_its_container_has_ended(self) -> None:
        life = live(a_pod(a_container(pre_stop="bye"), grace=5), takes(60), ignores_stop())

        assert life.told[3:] == [
            "0 Killing app: Stopping container app",
            "0 preStop app",
            "5 preStop app timed_out",
            "5 SIGTERM app 2s left",
            "7 SIGKILL app",
            "7 preStop app ended at last 137",
            "7 FailedPreStopHook app: PreStopHook failed",
            "7 exited app 137",
            "7 phase Failed",
        ]

    @pytest.mark.behaviour("pods:12", "pods:25")
    def test_a_sleep_that_overruns_is_never_told(self) -> None:
        async def delete_short(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.all_started)
            worker.request_stop(timedelta(seconds=4))

        life = live(a_pod(a_container(pre_stop=20), grace=60), then=delete_short)

        assert signals(life.told) == ["4 SIGTERM app 2s left"]
        assert not any("FailedPreStopHook" in line for line in life.told)

    @pytest.mark.behaviour("pods:25")
    def test_a_sleep_hook_waits_and_runs_nothing(self) -> None:
        life = live(a_pod(a_container(pre_stop=5), grace=30))

        assert signals(life.told) == ["5 SIGTERM app 25s left"]

    @pytest.mark.behaviour("pods:13", "pods:31")
    def test_a_failed_pre_stop_hook_is_told_and_the_stop_goes_on_at_once(self) -> None:
        life = live(a_pod(a_container(pre_stop="no"), grace=60), takes(0, exit_code=1), answers_stop(2))

        assert life.told[4:] == [
            "0 preStop app",
            "0 preStop app failed",
            "0 FailedPreStopHook app: PreStopHook failed",
            "0 SIGTERM app 60s left",
            "0 exited app 2",
            "0 phase Failed",
        ]

    @pytest.mark.behaviour("pods:14")
    def test_a_second_deletion_with_a_larger_period_changes_nothing(self) -> None:
        async def twice(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.all_started)
            worker.request_stop(timedelta(seconds=4))
            worker.request_stop(timedelta(seconds=100))

        life = live(a_pod(a_container(pre_stop="bye"), grace=60), takes(20), ignores_stop(), then=twice)

        assert signals(life.told) == ["4 SIGTERM app 2s left", "6 SIGKILL app"]
        assert life.told.count("0 stop requested") == 1

    @pytest.mark.behaviour("pods:15")
    def test_a_deletion_with_grace_zero_gives_the_hook_one_second(self) -> None:
        async def force(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.all_started)
            worker.request_stop(timedelta(0))

        life = live(a_pod(a_container(pre_stop="bye"), grace=60), takes(5), ignores_stop(), then=force)

        assert signals(life.told) == ["1 SIGTERM app 2s left", "3 SIGKILL app"]

    @pytest.mark.behaviour("pods:18")
    def test_hooks_of_several_containers_run_in_parallel_and_one_failure_does_not_touch_another(self) -> None:
        pod = a_pod(a_container("c1", pre_stop="bye"), a_container("c2", pre_stop="bye"), grace=60)

        life = live(pod, takes(3, name="c1", exit_code=1), takes(10, name="c2"))

        assert [line for line in life.told if "preStop" in line or "SIG" in line] == [
            "0 preStop c1",
            "0 preStop c2",
            "3 preStop c1 failed",
            "3 SIGTERM c1 57s left",
            "10 preStop c2 succeeded",
            "10 SIGTERM c2 50s left",
        ]

    def test_the_ends_of_a_deletion_are_shown_all_together(self) -> None:
        pod = a_pod(a_container("c1", pre_stop="bye"), a_container("c2"), grace=60)

        life = live(pod, takes(10, name="c1"))

        ended = [sum("terminated" in state for state in states(status)) for status in life.statuses]
        assert set(ended) == {0, 2}

    @pytest.mark.behaviour("pods:28")
    @pytest.mark.parametrize(("codes", "phase"), [((0, 0), Phase.SUCCEEDED), ((0, 2), Phase.FAILED)])
    def test_a_deleted_pod_succeeded_only_if_every_container_ended_with_zero(
        self, codes: tuple[int, int], phase: Phase
    ) -> None:
        pod = a_pod(a_container("c1"), a_container("c2"))

        life = live(pod, answers_stop(codes[0], "c1"), answers_stop(codes[1], "c2"))

        assert life.worker.phase is phase


class TestDebts:
    def test_a_stop_with_a_hook_is_owed_while_it_lasts_and_met_when_the_container_ended(self) -> None:
        owed: list[int] = []
        pod = a_pod(a_container(pre_stop="bye"), grace=60)

        async def look(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.all_started)
            worker.request_stop()
            await anyio.sleep(5)
            owed.append(len(await worker._context.obligations.owed()))

        life = live(pod, takes(10), then=look)

        assert owed == [1]
        assert life.obligations.obligations == {}

    def test_nothing_is_owed_for_a_container_without_a_hook(self) -> None:
        life = live(a_pod(a_container()))

        assert not any(type(stamped.event).__name__ == "ObligationOpened" for stamped in life.events)

    def test_a_cancelled_life_leaves_no_container_and_no_debt(self) -> None:
        async def interrupt(worker: PodWorker) -> None:
            await worker.wait_until(lambda pod: pod.all_started)
            worker.request_stop()
            await anyio.sleep(3)
            assert worker._tasks is not None
            worker._tasks.cancel_scope.cancel()

        life = live(a_pod(a_container(pre_stop="bye"), grace=60), takes(50), then=interrupt)

        assert life.worker.results == []
        assert life.runtime._containers == {}
        assert life.runtime._sandboxes == {}
        assert life.obligations.obligations == {}
        finished = [s.event.result for s in life.events if type(s.event).__name__ == "HookFinished"]  # type: ignore[union-attr]
        assert [result.outcome for result in finished] == [Outcome.CANCELLED]
