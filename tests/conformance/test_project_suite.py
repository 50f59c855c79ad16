"""The cases of projects in the embedded runtime and by an engine: each is a test that shows what it is about."""

from __future__ import annotations

from collections.abc import Mapping

import anyio
import pytest

from boathook.compose.embedded import EmbeddedPlace
from boathook.conformance.model import CaseResult, ProjectCase, Status
from boathook.conformance.place import open_docker
from boathook.conformance.runner import run_cases, shared_root
from boathook.conformance.suites import project_cases
from boathook.home import Home
from boathook.settings import Settings
from tests.conformance.faulty import explained
from tests.conformance.faulty_projects import project_results
from tests.peers.docker import IMAGE, TestEngine

pytestmark = [pytest.mark.runtime, pytest.mark.slow, pytest.mark.timeout(400)]

CASE_IMAGE = "busybox:1.36"
"""What the containers of all cases are made of."""

SHOWS = {
    "compose_post_start_order_test": pytest.mark.behaviour("compose:1", "compose:2"),
    "compose_dependants_wait_test": pytest.mark.behaviour("compose:3"),
    "compose_healthy_while_hooking_test": pytest.mark.behaviour("compose:4"),
    "compose_independent_services_test": pytest.mark.behaviour("compose:5"),
    "compose_replicas_test": pytest.mark.behaviour("compose:6"),
    "compose_post_start_failure_test": pytest.mark.behaviour("compose:7", "compose:8"),
    "compose_post_start_of_exited_container_test": pytest.mark.behaviour("compose:9"),
    "compose_missing_program_test": pytest.mark.behaviour("compose:10", "compose:11"),
    "compose_hook_directory_test": pytest.mark.behaviour("compose:12"),
    "compose_hook_environment_test": pytest.mark.behaviour("compose:14", "compose:15", "compose:16"),
    "compose_hook_user_test": pytest.mark.behaviour("compose:17"),
    "compose_command_string_test": pytest.mark.behaviour("compose:18"),
    "compose_hook_output_test": pytest.mark.behaviour("compose:48", "compose:67"),
    "compose_refused_hooks_test": pytest.mark.behaviour("compose:13", "compose:20"),
    "compose_merge_test": pytest.mark.behaviour("compose:22"),
    "compose_extends_test": pytest.mark.behaviour("compose:23"),
    "compose_pre_stop_before_signal_test": pytest.mark.behaviour("compose:25"),
    "compose_grace_after_hook_test": pytest.mark.behaviour("compose:26"),
    "compose_pre_stop_failure_on_stop_test": pytest.mark.behaviour("compose:27"),
    "compose_pre_stop_failure_on_down_test": pytest.mark.behaviour("compose:28", "compose:30"),
    "compose_pre_stop_failure_on_restart_test": pytest.mark.behaviour("compose:29"),
    "compose_pre_stop_failure_of_replica_test": pytest.mark.behaviour("compose:68"),
    "compose_kill_test": pytest.mark.behaviour("compose:30"),
    "compose_pre_stop_of_exited_container_test": pytest.mark.behaviour("compose:31"),
    "compose_pre_stop_of_paused_container_test": pytest.mark.behaviour("compose:32"),
    "compose_rm_test": pytest.mark.behaviour("compose:43"),
    "compose_restart_test": pytest.mark.behaviour("compose:37"),
    "compose_force_recreate_test": pytest.mark.behaviour("compose:38"),
    "compose_hook_change_test": pytest.mark.behaviour("compose:39"),
    "compose_scale_test": pytest.mark.behaviour("compose:40"),
    "compose_run_test": pytest.mark.behaviour("compose:41"),
    "compose_commands_without_hooks_test": pytest.mark.behaviour("compose:42"),
    "compose_restart_policy_test": pytest.mark.behaviour("compose:44"),
    "compose_orphans_test": pytest.mark.behaviour("compose:45"),
    "compose_wait_timeout_test": pytest.mark.behaviour("compose:50"),
    "compose_pre_start_test": pytest.mark.behaviour("compose:60"),
    "compose_pre_start_failure_test": pytest.mark.behaviour("compose:61"),
    "compose_pre_start_once_test": pytest.mark.behaviour("compose:62"),
    "compose_pre_start_per_replica_test": pytest.mark.behaviour("compose:63"),
    "compose_pre_start_tmpfs_test": pytest.mark.behaviour("compose:64"),
    "compose_pre_start_after_dependencies_test": pytest.mark.behaviour("compose:65"),
}

CASES = [pytest.param(case, id=case.name, marks=SHOWS.get(case.name, ())) for case in project_cases()]

Results = Mapping[str, CaseResult]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Results:
    home = Home(tmp_path_factory.mktemp("home")).ensure()
    return {result.case.name: result for result in anyio.run(project_results, home, EmbeddedPlace)}


@pytest.fixture(scope="module")
def by_engine(started_engine: TestEngine, tmp_path_factory: pytest.TempPathFactory) -> Results:
    home = Home(tmp_path_factory.mktemp("home")).ensure()
    started_engine.docker("tag", IMAGE, CASE_IMAGE)

    async def run() -> Results:
        settings = Settings(on="docker", network="pod", image_map={}, offline=True)
        with shared_root() as root:
            async with open_docker(settings, home) as places:
                results = await run_cases(project_cases(), places, root, parallel=8, on_result=lambda result: None)
        return {result.case.name: result for result in results}

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", started_engine.address)
        return anyio.run(run)


@pytest.mark.parametrize("case", CASES)
def test_a_case_passes_in_the_embedded_runtime(embedded: Results, case: ProjectCase) -> None:
    result = embedded[case.name]

    assert result.status is Status.PASSED, explained(result)
    assert result.log


@pytest.mark.root
@pytest.mark.peer
@pytest.mark.parametrize("case", CASES)
def test_a_case_passes_by_an_engine(by_engine: Results, case: ProjectCase) -> None:
    assert by_engine[case.name].status is Status.PASSED, explained(by_engine[case.name])


@pytest.mark.root
@pytest.mark.peer
def test_nothing_is_left_in_the_engine(started_engine: TestEngine, by_engine: Results) -> None:
    assert len(by_engine) == len(project_cases())
    for kind in ("ps --all", "network ls", "volume ls"):
        names = started_engine.docker(*kind.split(), "--format", "{{json .}}", "--filter", "name=case-")
        assert names == ""
