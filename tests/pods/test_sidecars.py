"""Native sidecars in virtual time: started in the init sequence, stopped in reverse after what they serve."""

from __future__ import annotations

from datetime import timedelta

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boathook.model import HookPoint
from boathook.pods import Phase, PodWorker
from boathook.pods.model import RestartPolicy
from boathook.runtimes.assumptions import STOP, Assumption
from tests.pods.build import a_staged_pod, answers_stop, ignores_stop, live, one, plain, runs, sidecar, takes, times
from tests.pods.build import until_ended as ended

POST_START = HookPoint.POST_START


def stops_in(seconds: float, name: str, exit_code: int = 0) -> Assumption:
    return Assumption(point=STOP, name=name, duration=timedelta(seconds=seconds), exit_code=exit_code)


def stops(told: list[str]) -> list[str]:
    return [line for line in told if " SIG" in line or (" preStop " in line and not line.endswith("succeeded"))]


def test_a_sidecar_runs_on_while_later_init_containers_and_regular_ones_start() -> None:
    pod = a_staged_pod(one(), init=(plain("before"), sidecar(), plain("after")))

    life = live(pod, runs(1, "before"), runs(2, "after"))

    assert life.told[:7] == [
        "0 started before",
        "1 exited before 0",
        "1 started side",
        "1 started after",
        "3 exited after 0",
        "3 started app",
        "3 phase Running",
    ]


def test_the_next_init_container_waits_for_the_post_start_hook_of_a_sidecar() -> None:
    pod = a_staged_pod(one(), init=(sidecar(post_start="register"), plain()))

    life = live(pod, takes(3, POST_START, "side"))

    assert times(life.told, "started init") == [3]


def test_a_sidecar_whose_post_start_hook_fails_stays_terminated_and_later_init_containers_wait() -> None:
    seen: list[str] = []

    async def for_a_while(worker: PodWorker) -> None:
        await anyio.sleep(5)
        seen.extend(str(worker.status["initContainerStatuses"][0]["state"]).split("'")[1:2])  # type: ignore[index,call-overload]
        await anyio.sleep(30)

    pod = a_staged_pod(one(), init=(sidecar(post_start="register", pre_stop="bye"), plain()), grace=10)

    life = live(pod, takes(0, POST_START, "side", exit_code=1), then=for_a_while)

    assert times(life.told, "started side") == [0, 0, 10, 30]
    assert times(life.told, "started init") == []
    assert not any("PostStartHookError" in str(status) for status in life.statuses)
    assert "0 Killing side: FailedPostStartHook" in life.told
    assert life.worker.phase is Phase.FAILED


def test_a_sidecar_that_ends_is_restarted_whatever_the_pods_policy() -> None:
    async def for_a_while(worker: PodWorker) -> None:
        await anyio.sleep(5)

    pod = a_staged_pod(one(), init=(sidecar(),), restart_policy=RestartPolicy.NEVER)

    life = live(pod, runs(2, "side"), runs(100), then=for_a_while)

    assert times(life.told, "started side") == [0, 2]
    assert times(life.told, "started app") == [0]


@pytest.mark.behaviour("pods:19")
def test_hooks_begin_together_and_sidecars_are_signalled_in_reverse_after_the_regular_containers() -> None:
    pod = a_staged_pod(
        one(pre_stop="bye"), init=(sidecar("s1", pre_stop="bye"), sidecar("s2", pre_stop="bye")), grace=30
    )
    hooks = [takes(1, name=name) for name in ("app", "s1", "s2")]

    life = live(pod, *hooks, *(stops_in(2, name) for name in ("app", "s1", "s2")))

    assert stops(life.told) == [
        "0 preStop s1",
        "0 preStop s2",
        "0 preStop app",
        "1 SIGTERM app 29s left",
        "3 SIGTERM s2 27s left",
        "5 SIGTERM s1 25s left",
    ]
    assert times(life.told, "phase Succeeded") == [7]


@pytest.mark.behaviour("pods:19")
def test_when_the_period_ends_all_sidecars_are_signalled_at_once_with_two_seconds() -> None:
    pod = a_staged_pod(one(), init=(sidecar("s1"), sidecar("s2")), grace=6)

    life = live(pod, ignores_stop(), stops_in(5, "s1"), stops_in(5, "s2"))

    assert sorted(stops(life.told)) == [
        "0 SIGTERM app 6s left",
        "6 SIGKILL app",
        "6 SIGTERM s1 2s left",
        "6 SIGTERM s2 2s left",
        "8 SIGKILL s1",
        "8 SIGKILL s2",
    ]


@pytest.mark.behaviour("pods:19", "pods:12")
def test_endless_hooks_of_sidecars_are_cut_off_together_and_told_late() -> None:
    pod = a_staged_pod(one(), init=(sidecar("s1", pre_stop="bye"), sidecar("s2", pre_stop="bye")), grace=6)

    life = live(pod, takes(900, name="s1"), takes(900, name="s2"), ignores_stop("s1"), ignores_stop("s2"))

    assert [line for line in stops(life.told) if "SIG" in line] == [
        "0 SIGTERM app 6s left",
        "6 SIGTERM s1 2s left",
        "6 SIGTERM s2 2s left",
        "8 SIGKILL s1",
        "8 SIGKILL s2",
    ]
    assert "8 FailedPreStopHook s1: PreStopHook failed" in life.told
    assert "8 FailedPreStopHook s2: PreStopHook failed" in life.told


@pytest.mark.behaviour("pods:20")
@pytest.mark.parametrize(("code", "phase"), [(0, Phase.SUCCEEDED), (3, Phase.FAILED)])
def test_sidecars_are_stopped_with_hooks_when_the_regular_containers_have_finished(code: int, phase: Phase) -> None:
    pod = a_staged_pod(one(), init=(sidecar(pre_stop="bye"),), restart_policy=RestartPolicy.NEVER, grace=30)

    life = live(pod, runs(3, exit_code=code), takes(2, name="side"), answers_stop(2, "side"), then=ended)

    assert life.told[:-1] == [
        "0 started side",
        "0 started app",
        "0 phase Running",
        f"3 exited app {code}",
        "3 Killing side: Stopping container side",
        "3 preStop side",
        "5 preStop side succeeded",
        "5 SIGTERM side 28s left",
        "5 exited side 2",
        f"5 phase {phase}",
    ]


def test_a_sidecar_alone_keeps_the_pod_running() -> None:
    async def look(worker: PodWorker) -> None:
        await anyio.sleep(4)
        assert worker.phase is Phase.RUNNING

    life = live(a_staged_pod(one(), init=(sidecar(),)), runs(1, exit_code=1), then=look)

    assert "4 stop requested" in life.told


NAMES = ("s1", "s2", "s3", "app", "other")


@pytest.mark.behaviour("pods:10", "pods:19")
@given(
    grace=st.integers(0, 12),
    hooks=st.lists(st.floats(0, 15), min_size=5, max_size=5),
    ends=st.lists(st.floats(0, 15), min_size=5, max_size=5),
)
def test_no_sidecar_is_signalled_before_what_it_serves_has_ended_or_the_period_has(
    grace: int, hooks: list[float], ends: list[float]
) -> None:
    pod = a_staged_pod(
        one("app", pre_stop="bye"),
        one("other", pre_stop="bye"),
        init=tuple(sidecar(name, pre_stop="bye") for name in NAMES[:3]),
        grace=grace,
    )
    hooked = [takes(seconds, name=name) for name, seconds in zip(NAMES, hooks, strict=True)]
    stopped = [stops_in(seconds, name) for name, seconds in zip(NAMES, ends, strict=True)]

    life = live(pod, *hooked, *stopped)

    signalled = {name: times(cut(life.told, "SIGTERM"), f"SIGTERM {name}") for name in NAMES}
    end = {name: times(cut(life.told, "exited"), f"exited {name}") for name in NAMES}
    assert all(len(moments) == 1 for moments in (*signalled.values(), *end.values()))
    period = max(grace, 1)
    for name, seconds in zip(NAMES, hooks, strict=True):
        assert signalled[name][0] >= min(seconds, period) - 1e-3
        assert end[name][0] <= period + 4
    for name, before in (("s3", ("app", "other")), ("s2", ("s3",)), ("s1", ("s2",))):
        served = max(end[other][0] for other in before)
        assert signalled[name][0] >= min(served, period) - 1


def cut(told: list[str], what: str) -> list[str]:
    """Lines of a kind, without what follows the name."""
    return [" ".join(line.split()[:3]) for line in told if line.split()[1] == what]
