"""The whole suite on the embedded runtime: it runs once, and each case is a test that shows what it is about."""

from __future__ import annotations

import anyio
import pytest

from boathook.conformance.model import Case, CaseResult, Need, Status
from boathook.conformance.suites import pod_cases
from boathook.home import Home
from tests.conformance.faulty import Faultless, explained, results_of

pytestmark = [pytest.mark.runtime, pytest.mark.slow, pytest.mark.timeout(300)]

SHOWS = {
    "prestop_basic_execution_test": pytest.mark.behaviour("pods:10"),
    "prestop_basic_failure_test": pytest.mark.behaviour("pods:13"),
    "prestop_multiple_containers_test": pytest.mark.behaviour("pods:18"),
    "prestop_multiple_containers_failure_test": pytest.mark.behaviour("pods:18"),
    "prestop_not_run_on_completion_test": pytest.mark.behaviour("pods:8"),
    "prestop_not_run_on_crash_test": pytest.mark.behaviour("pods:8"),
    "prestop_on_image_change_test": pytest.mark.behaviour("pods:8"),
    "prestop_sleep_action_test": pytest.mark.behaviour("pods:25"),
    "poststart_failure_always_test": pytest.mark.behaviour("pods:4", "pods:5"),
    "poststart_failure_exit_zero_test": pytest.mark.behaviour("pods:6"),
    "poststart_failure_runs_prestop_test": pytest.mark.behaviour("pods:4", "pods:8"),
    "poststart_blocks_next_container_test": pytest.mark.behaviour("pods:2"),
    "poststart_concurrent_with_entrypoint_test": pytest.mark.behaviour("pods:1"),
    "poststart_blocks_readiness_test": pytest.mark.behaviour("pods:3"),
    "poststart_hang_and_delete_test": pytest.mark.behaviour("pods:7"),
    "poststart_runs_on_each_restart_test": pytest.mark.behaviour("pods:31"),
    "hook_tcp_socket_fails_test": pytest.mark.behaviour("pods:24"),
    "hook_output_not_in_logs_test": pytest.mark.behaviour("pods:26"),
    "hook_identity_test": pytest.mark.behaviour("pods:27"),
    "hook_http_get_test": pytest.mark.behaviour("pods:22"),
    "hook_http_own_address_test": pytest.mark.behaviour("pods:22"),
    "hook_http_status_ignored_test": pytest.mark.behaviour("pods:22"),
    "hook_http_refused_test": pytest.mark.behaviour("pods:22"),
    "hook_http_named_port_test": pytest.mark.behaviour("pods:23"),
    "hook_https_and_fallback_test": pytest.mark.behaviour("pods:22"),
    "hook_http_redirect_test": pytest.mark.behaviour("pods:22"),
    "prestop_hook_overrun_test": pytest.mark.behaviour("pods:12"),
    "prestop_consumes_grace_test": pytest.mark.behaviour("pods:11"),
    "prestop_force_delete_test": pytest.mark.behaviour("pods:15"),
    "prestop_short_delete_grace_test": pytest.mark.behaviour("pods:14"),
    "prestop_on_liveness_failure_test": pytest.mark.behaviour("pods:8", "pods:16"),
    "prestop_on_startup_failure_test": pytest.mark.behaviour("pods:8"),
    "readiness_during_prestop_test": pytest.mark.behaviour("pods:30"),
    "sidecar_prestop_order_test": pytest.mark.behaviour("pods:19"),
    "sidecar_overrun_test": pytest.mark.behaviour("pods:19"),
    "sidecar_on_main_completion_test": pytest.mark.behaviour("pods:20"),
    "sleep_validation_test": pytest.mark.behaviour("pods:25"),
    "init_no_hooks_test": pytest.mark.behaviour("pods:21"),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CaseResult]:
    home = Home(tmp_path_factory.mktemp("home")).ensure()
    return {result.case.name: result for result in anyio.run(results_of, home, Faultless)}


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.name, marks=SHOWS.get(case.name, ())) for case in pod_cases()]
)
def test_a_case_passes_in_the_embedded_runtime(results: dict[str, CaseResult], case: Case) -> None:
    result = results[case.name]

    if result.status is Status.SKIPPED:
        assert Need.CLUSTER in case.needs
    else:
        assert result.status is Status.PASSED, explained(result)
        assert result.log
