"""A lifecycle that is broken on purpose makes the right cases fail, and no others."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from boathook.conformance.model import CaseResult, Status
from boathook.home import Home
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from tests.conformance.faulty import (
    Faultless,
    KillingAtOnce,
    KillingTooLate,
    NotWaitingForPostStart,
    SignallingTooEarly,
    SkippingPostStart,
    SkippingPreStop,
    StoppingSidecarsFirst,
    explained,
    results_of,
)

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is broken, which cases must notice, and some that have nothing to do with it."""

    runtime: type[BubblewrapRuntime]
    noticed_by: tuple[str, ...]
    not_by: tuple[str, ...]


FAULTS = {
    "preStop is skipped": Fault(
        runtime=SkippingPreStop,
        noticed_by=(
            "prestop_basic_execution_test",
            "prestop_basic_failure_test",
            "prestop_multiple_containers_test",
            "prestop_hook_overrun_test",
            "prestop_consumes_grace_test",
            "prestop_force_delete_test",
            "prestop_eviction_api_test",
            "prestop_on_image_change_test",
            "poststart_failure_runs_prestop_test",
            "termination_message_hook_test",
        ),
        not_by=(
            "poststart_basic_execution_test",
            "poststart_blocks_next_container_test",
            "prestop_not_run_on_completion_test",
            "prestop_sleep_action_test",
            "hook_identity_test",
        ),
    ),
    "postStart is skipped": Fault(
        runtime=SkippingPostStart,
        noticed_by=(
            "poststart_basic_execution_test",
            "poststart_failure_never_test",
            "poststart_failure_exit_zero_test",
            "poststart_blocks_next_container_test",
            "poststart_concurrent_with_entrypoint_test",
            "hook_identity_test",
        ),
        not_by=("prestop_basic_failure_test", "prestop_eviction_api_test", "prestop_hook_overrun_test"),
    ),
    "the next container does not wait for postStart": Fault(
        runtime=NotWaitingForPostStart,
        noticed_by=(
            "poststart_blocks_next_container_test",
            "poststart_blocks_readiness_test",
            "sidecar_poststart_gates_init_test",
            "poststart_failure_never_test",
        ),
        not_by=("prestop_basic_failure_test", "prestop_eviction_api_test", "prestop_exits_pid1_test"),
    ),
    "TERM is sent too early": Fault(
        runtime=SignallingTooEarly,
        noticed_by=(
            "prestop_basic_execution_test",
            "prestop_multiple_containers_test",
            "prestop_eviction_api_test",
            "prestop_hook_overrun_test",
            "prestop_consumes_grace_test",
        ),
        not_by=(
            "poststart_basic_execution_test",
            "poststart_failure_never_test",
            "prestop_sleep_action_test",
            "prestop_not_run_on_completion_test",
        ),
    ),
    "KILL comes at once": Fault(
        runtime=KillingAtOnce,
        noticed_by=(
            "prestop_hook_overrun_test",
            "prestop_consumes_grace_test",
            "prestop_short_delete_grace_test",
            "prestop_on_liveness_failure_test",
            "sidecar_prestop_order_test",
            "sidecar_overrun_test",
        ),
        not_by=(
            "poststart_basic_execution_test",
            "poststart_blocks_next_container_test",
            "prestop_not_run_on_completion_test",
        ),
    ),
    "KILL comes too late": Fault(
        runtime=KillingTooLate,
        noticed_by=(
            "prestop_hook_overrun_test",
            "prestop_consumes_grace_test",
            "prestop_short_delete_grace_test",
            "prestop_on_liveness_failure_test",
        ),
        not_by=("prestop_basic_failure_test", "prestop_eviction_api_test", "poststart_failure_never_test"),
    ),
    "sidecars are stopped before the main container": Fault(
        runtime=StoppingSidecarsFirst,
        noticed_by=("sidecar_prestop_order_test",),
        not_by=("sidecar_poststart_gates_init_test", "prestop_basic_failure_test", "prestop_eviction_api_test"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_broken_lifecycle_is_noticed_by_the_right_cases(home: Home, fault: Fault) -> None:
    results = await results_of(home, fault.runtime, (*fault.noticed_by, *fault.not_by))

    found = {result.case.name: result for result in results}
    missed = [name for name in fault.noticed_by if not _saw_something(found[name])]
    wrongly = [explained(found[name]) for name in fault.not_by if found[name].status is not Status.PASSED]
    assert missed == []
    assert wrongly == []


def _saw_something(result: CaseResult) -> bool:
    """It failed over what it looked at, and not because it could not be run."""
    return result.status is Status.FAILED and any(not one.ok for one in result.observations)


async def test_the_log_of_a_case_is_the_same_each_time(home: Home) -> None:
    names = ("prestop_basic_failure_test", "poststart_failure_never_test", "hook_identity_test")

    first = await results_of(home, Faultless, names)
    second = await results_of(home, Faultless, names)

    assert [result.log for result in first] == [result.log for result in second]
    assert [result.pods for result in first] == [result.pods for result in second]
    assert [[one.what for one in result.observations] for result in first] == [
        [one.what for one in result.observations] for result in second
    ]
