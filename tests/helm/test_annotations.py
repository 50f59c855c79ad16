from __future__ import annotations

from dataclasses import replace

import pytest

from boathook.errors import ManifestError
from boathook.helm.model import Chart
from boathook.helm.parse import sort_files
from boathook.model import Severity
from tests.helm.build import a_chart, config_map, job, rendered


def found(text: str) -> list[str]:
    return [finding.id for finding in rendered(hook_yaml=text).findings]


def test_a_weight_that_is_no_integer_is_a_finding() -> None:
    assert "helm.bad-weight" in found(job("a", weight="5.0"))


def test_an_unquoted_weight_is_refused_since_no_server_takes_it() -> None:
    with pytest.raises(ManifestError) as refused:
        rendered(hook_yaml=job("a", weight="-5").replace('"-5"', "-5"))

    assert [problem.id for problem in refused.value.problems] == ["helm.annotation-not-text"]
    assert refused.value.problems[0].remedy == 'write "-5" with quotes'


def test_an_unknown_policy_is_a_finding_that_says_the_default_is_gone() -> None:
    finding = rendered(hook_yaml=config_map("a", event="test", policy="bogus")).findings[0]

    assert finding.id == "helm.unknown-policy"
    assert "default before-hook-creation does not apply" in finding.message


def test_hook_keys_without_a_hook_are_a_finding() -> None:
    assert found(config_map("a", weight="1")) == ["helm.no-hook"]


@pytest.mark.parametrize(
    ("policy", "severity"),
    [("hook-failed", Severity.WARNING), ("hook-succeeded", Severity.NOTE)],
)
def test_a_job_that_is_not_deleted_before_creation_is_a_hazard(policy: str, severity: Severity) -> None:
    finding = rendered(hook_yaml=job("a", policy=policy)).findings[0]

    assert (finding.id, finding.severity) == ("helm.job-runs-once", severity)


def test_a_finding_points_into_the_template_that_is_not_rendered() -> None:
    text = job("a", weight="abc")
    template = "{{- if true }}\n" + text.replace("name: a\n", "name: {{ .Release.Name }}\n") + "{{- end }}\n"
    chart: Chart = a_chart()
    chart = replace(chart, templates=(("templates/a.yaml", template),))

    finding = sort_files({"chart/templates/a.yaml": text}, chart).findings[0]

    line = template.splitlines()[(finding.source.line or 0) - 1]
    assert "helm.sh/hook-weight" in line
