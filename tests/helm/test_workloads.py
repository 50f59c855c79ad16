from __future__ import annotations

from dataclasses import replace

import pytest

from boathook.errors import ManifestError
from boathook.helm.parse import sort_files
from tests.helm.build import a_chart, config_map, job, pod, rendered


def refused(text: str) -> list[str]:
    with pytest.raises(ManifestError) as error:
        rendered(a_yaml=text)
    return [problem.source.path for problem in error.value.problems]


def test_a_job_whose_container_has_no_name_is_refused_before_anything_starts() -> None:
    assert refused(job("a").replace("- name: a\n        image", "- image")) == ["spec.template.spec.containers[0].name"]


def test_a_pod_with_an_unknown_field_is_refused() -> None:
    assert refused(pod("a").replace("image: busybox", "image: busybox\n    imaje: x")) == ["spec.containers[0].imaje"]


def test_a_job_that_restarts_always_is_refused() -> None:
    assert refused(job("a").replace("      restartPolicy: Never\n", "")) == ["spec.template.spec.restartPolicy"]


def test_a_job_without_a_template_is_refused() -> None:
    assert refused("apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {}\n") == ["spec.template"]


def test_kinds_that_nothing_acts_on_are_stored_as_they_are() -> None:
    assert rendered(a_yaml=config_map("a", kind="Deployment") + "spec: {nonsense: 1}\n").resources


def test_a_problem_stands_where_the_template_has_it() -> None:
    text = job("a").replace("image: busybox", "image: busybox\n        imaje: x")
    template = "{{/* a comment */}}\n" + text
    chart = replace(a_chart(), templates=(("templates/a.yaml", template),))

    with pytest.raises(ManifestError) as error:
        sort_files({"chart/templates/a.yaml": text}, chart)

    assert "imaje" in template.splitlines()[(error.value.problems[0].source.line or 0) - 1]
