"""The cases as data: names, titles, manifests, and the few pure functions that they stand on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from boathook.conformance.case_run import SHOWN
from boathook.conformance.model import Need, PodCase, ProjectCase
from boathook.conformance.place import lacking
from boathook.conformance.project_run import compose_files
from boathook.conformance.suites import SUITES, all_cases, pod_cases, project_cases, select
from boathook.conformance.trace import parse_trace, times
from boathook.errors import ManifestError, UsageError
from boathook.objects import mapping, mappings, text

CASES = all_cases()

REFUSED = {"init_no_hooks_test", "compose_refused_hooks_test", "compose_pre_start_per_replica_test"}
"""Their pods and files are not meant to be accepted."""


def test_every_case_has_a_name_and_a_title_of_its_own() -> None:
    names, titles = [case.name for case in CASES], [case.title for case in CASES]

    assert len(set(names)) == len(names)
    assert len(set(titles)) == len(titles)
    assert [name for name in names if not re.fullmatch("[a-z0-9]+(_[a-z0-9]+)*_test", name)] == []


def test_the_cases_of_the_reference_page_come_first_with_its_titles() -> None:
    assert [(case.name, case.title) for case in CASES[:3]] == [
        ("prestop_basic_execution_test", "PreStop Basic Execution Test"),
        ("prestop_basic_failure_test", "PreStop Basic Failure Test"),
        ("prestop_multiple_containers_test", "PreStop Multiple Container Test"),
    ]


def test_every_suite_has_cases() -> None:
    assert list(dict.fromkeys(case.suite for case in CASES)) == list(SUITES)


@pytest.mark.parametrize("case", pod_cases(), ids=lambda case: case.name)
def test_a_manifest_is_a_whole_pod_that_runs_with_as_little_as_it_can(case: PodCase) -> None:
    for pod in yaml.safe_load_all(case.manifest):
        assert (pod["apiVersion"], pod["kind"]) == ("v1", "Pod")
        spec = mapping(pod, "spec")
        containers = [*mappings(spec.get("initContainers")), *mappings(spec.get("containers"))]
        assert containers
        assert all(mapping(one, "securityContext").get("runAsNonRoot") is True for one in containers)
        assert all(text(one, "image") for one in containers)


@pytest.mark.parametrize("case", [case for case in pod_cases() if case.name not in REFUSED], ids=lambda case: case.name)
def test_the_pod_that_a_document_shows_is_valid(case: PodCase) -> None:
    from boathook.pods import parse_pods

    manifest = case.manifest
    for name, value in SHOWN.items():
        manifest = manifest.replace(f"$({name})", value)

    assert "$(SHARED)" not in manifest
    assert parse_pods(manifest, f"{case.name}.yaml").pods


@pytest.mark.parametrize("case", project_cases(), ids=lambda case: case.name)
def test_the_project_that_a_document_shows_can_be_read_unless_it_is_about_what_is_refused(
    case: ProjectCase, tmp_path: Path
) -> None:
    from boathook.compose import load_project

    for file in case.files:
        (tmp_path / file.name).write_text(file.text)
    files = [tmp_path / name for name in compose_files(case)]

    if case.name in REFUSED:
        with pytest.raises(ManifestError):
            load_project(*files, name="demo", environment={})
        return
    project = load_project(*files, name="demo", environment={}).project
    assert {service.image for service in project.services} == {"busybox:1.36"}
    assert any(service.hooks for service in project.services)


def test_there_are_at_least_twenty_five_cases_of_projects() -> None:
    assert len(project_cases()) >= 25


def test_cases_are_chosen_by_suite_and_by_name() -> None:
    chosen = [case.name for case in select(("sidecars",), ("hook_identity_test",))]

    assert "hook_identity_test" in chosen
    assert "sidecar_overrun_test" in chosen
    assert "prestop_basic_execution_test" not in chosen


@pytest.mark.parametrize(("suites", "names"), [(("nope",), ()), ((), ("nope",))])
def test_what_there_is_not_is_refused(suites: tuple[str, ...], names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=r'there is no (suite|case) "nope"'):
        select(suites, names)


def test_an_old_kubernetes_lacks_what_came_later() -> None:
    assert Need.SIDECARS in lacking((1, 20))
    assert Need.CONSISTENT_HTTP in lacking((1, 20))
    assert set(lacking((1, 36))) == {Need.STOP_SIGNAL}


def test_a_trace_is_read_in_the_order_of_time() -> None:
    trace = parse_trace("12.50 app preStop end 3\n10.00 app preStop begin 0\nnot a line\n13.00 app main te")

    assert [str(line) for line in trace] == ["app preStop begin", "app preStop end 3"]
    assert times(trace, "app preStop begin") == [10.0]
