"""Restart policies and rules of single containers, and what they do to the pod."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boathook.model import HookPoint
from boathook.pods import Phase, PodWorker
from boathook.pods.model import RestartAction, RestartPolicy, RestartRule
from boathook.pods.restarts import is_started_again
from boathook.runtimes.base import Exit
from tests.pods.build import a_staged_pod, answers_stop, ignores_stop, live, one, plain, runs, sidecar, takes, times
from tests.pods.build import until_ended as ended


def rule(*codes: int, action: RestartAction = RestartAction.RESTART, negated: bool = False) -> RestartRule:
    return RestartRule(action=action, exit_codes=frozenset(codes), negated=negated)


def exit_of(code: int) -> Exit:
    return Exit(code=code, signal=None)


@given(code=st.integers(0, 255), pod=st.sampled_from(RestartPolicy), own=st.none() | st.sampled_from(RestartPolicy))
def test_without_rules_a_regular_container_follows_its_own_policy_before_the_pods(
    code: int, pod: RestartPolicy, own: RestartPolicy | None
) -> None:
    expected = {RestartPolicy.ALWAYS: True, RestartPolicy.ON_FAILURE: code != 0, RestartPolicy.NEVER: False}

    assert is_started_again(one(restart_policy=own), pod, exit_of(code)) is expected[own or pod]


def test_the_first_rule_that_fits_wins_over_the_policy() -> None:
    container = one(restart_policy=RestartPolicy.NEVER, restart_rules=(rule(42), rule(0, 1, negated=True)))

    assert is_started_again(container, RestartPolicy.NEVER, exit_of(42))
    assert is_started_again(container, RestartPolicy.NEVER, exit_of(7))
    assert not is_started_again(container, RestartPolicy.ALWAYS, exit_of(1))


@pytest.mark.parametrize("policy", list(RestartPolicy))
def test_a_sidecar_is_always_restarted_and_a_plain_init_container_never_after_success(policy: RestartPolicy) -> None:
    assert is_started_again(sidecar(), policy, exit_of(0))
    assert not is_started_again(plain(), policy, exit_of(0))
    assert is_started_again(plain(), policy, exit_of(1)) is (policy is not RestartPolicy.NEVER)


def test_a_rule_restarts_a_container_of_a_pod_that_is_never_restarted() -> None:
    async def for_a_while(worker: PodWorker) -> None:
        await anyio.sleep(5)

    container = one(restart_policy=RestartPolicy.NEVER, restart_rules=(rule(42),))

    life = live(a_staged_pod(container, restart_policy=RestartPolicy.NEVER), runs(2, exit_code=42), then=for_a_while)

    assert times(life.told, "started app") == [0, 2]


def test_rules_see_the_code_that_a_failed_post_start_hook_led_to() -> None:
    async def for_a_while(worker: PodWorker) -> None:
        await anyio.sleep(5)

    container = one(post_start="no", restart_policy=RestartPolicy.NEVER, restart_rules=(rule(42),))

    life = live(
        a_staged_pod(container), runs(900), takes(0, HookPoint.POST_START, exit_code=1), answers_stop(42),
        then=for_a_while,
    )  # fmt: skip

    assert times(life.told, "started app") == [0, 0]


def test_a_container_that_is_never_restarted_ends_a_pod_that_always_is() -> None:
    life = live(a_staged_pod(one(restart_policy=RestartPolicy.NEVER)), runs(2, exit_code=1), then=ended)

    assert life.worker.phase is Phase.FAILED


def test_an_init_container_of_its_own_policy_fails_a_pod_that_is_always_restarted() -> None:
    pod = a_staged_pod(one(), init=(plain(restart_policy=RestartPolicy.NEVER),))

    life = live(pod, runs(2, "init", exit_code=1), then=ended)

    assert life.worker.phase is Phase.FAILED


def of_all(status: Any) -> list[Any]:
    return [*status["initContainerStatuses"], *status["containerStatuses"]]


def waiting_of(container: Any) -> tuple[str, str, int]:
    waiting = container["state"].get("waiting", {})
    return (waiting.get("reason", ""), waiting.get("message", ""), container["restartCount"])


def test_one_end_restarts_all_containers_without_hooks_beginning_with_the_first_init_container() -> None:
    async def for_a_while(worker: PodWorker) -> None:
        await anyio.sleep(8)

    all_of_them = rule(42, action=RestartAction.RESTART_ALL)
    pod = a_staged_pod(
        one(restart_policy=RestartPolicy.NEVER, restart_rules=(all_of_them,)),
        one("other", pre_stop="bye"),
        init=(plain(),),
        grace=30,
    )

    life = live(pod, runs(1, "init"), runs(2, exit_code=42), ignores_stop("other"), then=for_a_while)

    assert life.told[:13] == [
        "0 started init",
        "1 exited init 0",
        "1 started app",
        "1 started other",
        "1 phase Running",
        "3 exited app 42",
        "3 Killing other: killing",
        "3 SIGTERM other 2s left",
        "5 SIGKILL other",
        "5 exited other 137",
        "5 started init",
        "5 phase Pending",
        "6 exited init 0",
    ]
    assert life.told[13:16] == ["6 phase Running", "6 started app", "6 started other"]
    # The end at 8 s is answered by the back-off of 10 s.
    assert times(life.told, "preStop other") == [8]
    rounds = [[waiting_of(one) for one in of_all(status)] for status in life.statuses]
    why = ("RestartingAllContainers", "The container is removed because RestartAllContainers in place", 1)
    assert [why, why, why] in rounds
