"""A lifecycle of projects that is broken on purpose makes the right cases fail, and no others."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from boathook.compose.embedded import EmbeddedPlace
from boathook.conformance.model import CaseResult, Status
from boathook.home import Home
from tests.conformance.faulty import explained
from tests.conformance.faulty_projects import (
    CountingHooksInGrace,
    Faultless,
    ForgettingRestarts,
    HookingInRestarts,
    HookingOneAtATime,
    IgnoringFailures,
    NotWaitingForHooks,
    RepeatingHooks,
    ReplacingWithoutHooks,
    SignallingTooEarly,
    SkippingPostStart,
    SkippingPreStop,
    project_results,
)

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is broken, which cases must notice, and some that have nothing to do with it. Names without their ends."""

    place: type[EmbeddedPlace]
    noticed_by: tuple[str, ...]
    not_by: tuple[str, ...]


FAULTS = {
    "post_start is skipped": Fault(
        place=SkippingPostStart,
        noticed_by=("post_start_order", "dependants_wait", "post_start_failure", "hook_environment", "run", "merge"),
        not_by=("pre_stop_before_signal", "kill", "pre_start", "rm"),
    ),
    "pre_stop is skipped": Fault(
        place=SkippingPreStop,
        noticed_by=(
            "pre_stop_before_signal",
            "grace_after_hook",
            "stop_order",
            "pre_stop_failure_on_stop",
            "pre_stop_of_paused_container",
            "rm",
            "force_recreate",
        ),
        not_by=("post_start_order", "kill", "pre_stop_of_exited_container", "pre_start"),
    ),
    "nothing waits for hooks": Fault(
        place=NotWaitingForHooks,
        noticed_by=("post_start_order", "dependants_wait", "healthy_while_hooking", "replicas", "post_start_failure"),
        not_by=("kill", "pre_start", "orphans"),
    ),
    "hooks of different containers wait for each other": Fault(
        place=HookingOneAtATime,
        noticed_by=("independent_services", "replicas"),
        not_by=("post_start_order", "kill", "restart"),
    ),
    "TERM is sent as pre_stop begins": Fault(
        place=SignallingTooEarly,
        noticed_by=("pre_stop_before_signal", "grace_after_hook", "stop_order", "pre_stop_failure_on_stop"),
        not_by=("post_start_order", "post_start_failure", "pre_stop_of_exited_container"),
    ),
    "the time of pre_stop is taken from the grace period": Fault(
        place=CountingHooksInGrace,
        noticed_by=("grace_after_hook",),
        not_by=("pre_stop_before_signal", "stop_order", "pre_stop_failure_on_stop"),
    ),
    "a failing hook is gone past": Fault(
        place=IgnoringFailures,
        noticed_by=(
            "post_start_failure",
            "pre_stop_failure_on_stop",
            "pre_stop_failure_on_down",
            "pre_stop_failure_on_restart",
            "pre_stop_failure_of_replica",
            "pre_start_failure",
        ),
        not_by=("post_start_order", "pre_stop_before_signal", "pre_start", "restart"),
    ),
    "restart forgets post_start": Fault(
        place=ForgettingRestarts,
        noticed_by=("restart",),
        not_by=("post_start_order", "force_recreate", "commands_without_hooks"),
    ),
    "a new container has the hooks of the others repeated": Fault(
        place=RepeatingHooks,
        noticed_by=("scale", "replicas"),
        not_by=("post_start_order", "post_start_failure", "hook_change"),
    ),
    "what is replaced is stopped without pre_stop": Fault(
        place=ReplacingWithoutHooks,
        noticed_by=("force_recreate", "hook_change"),
        not_by=("pre_stop_before_signal", "restart", "rm"),
    ),
    "a restart policy runs hooks": Fault(
        place=HookingInRestarts,
        noticed_by=("restart_policy",),
        not_by=("post_start_order", "dependants_wait"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_broken_lifecycle_is_noticed_by_the_right_cases(home: Home, fault: Fault) -> None:
    results = await project_results(home, fault.place, [_whole(name) for name in (*fault.noticed_by, *fault.not_by)])

    found = {result.case.name: result for result in results}
    missed = [name for name in fault.noticed_by if not _saw_something(found[_whole(name)])]
    wrongly = [explained(found[_whole(name)]) for name in fault.not_by if found[_whole(name)].status != Status.PASSED]
    assert missed == []
    assert wrongly == []


def _whole(name: str) -> str:
    return f"compose_{name}_test"


def _saw_something(result: CaseResult) -> bool:
    """It failed over what it looked at, and not because it could not be run."""
    return result.status is Status.FAILED and any(not one.ok for one in result.observations)


async def test_the_log_of_a_case_is_the_same_each_time(home: Home) -> None:
    names = [_whole(name) for name in ("post_start_failure", "orphans", "pre_start_failure", "refused_hooks")]

    first = await project_results(home, Faultless, names)
    second = await project_results(home, Faultless, names)

    assert [result.log for result in first] == [result.log for result in second]
    assert all(result.log for result in first)
