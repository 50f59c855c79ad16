from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from boathook.errors import ManifestError
from boathook.events import HookFinished, Noted, PhaseChanged, RunFinished, Stamped
from boathook.helm.model import GivenValue, ValueSource
from boathook.helm.plan import plan_install
from boathook.runtimes.assumptions import Assumption, Assumptions
from tests.helm.build import config_map, job, write_chart

EXAMPLE = Path(__file__).parents[2] / "examples/helm/post-install-job"


def phases(events: tuple[Stamped, ...], kind: str) -> list[str]:
    found = [one.event for one in events if isinstance(one.event, PhaseChanged)]
    return [one.phase for one in found if one.target.kind == kind]


@pytest.mark.behaviour("helm:73")
def test_the_documented_chart_would_be_deployed_after_its_job_has_slept() -> None:
    events = plan_install(EXAMPLE, (), Assumptions.parse(("run:post-install-job=10s",)), name="demo")

    (result,) = [one.event.result for one in events if isinstance(one.event, HookFinished)]
    assert result.hook.name == "post-install demo"
    assert result.duration == timedelta(seconds=10)
    assert phases(events, "release") == ["pending-install", "deployed"]


def test_a_plan_costs_no_time_and_is_the_same_each_time() -> None:
    first = plan_install(EXAMPLE, (), Assumptions.parse(("run:post-install-job=4m",)))
    again = plan_install(EXAMPLE, (), Assumptions.parse(("run:post-install-job=4m",)))

    assert first == again


@pytest.mark.behaviour("helm:24")
def test_a_job_that_would_sleep_longer_than_the_timeout_would_fail_the_release() -> None:
    events = plan_install(EXAMPLE, (), Assumptions.parse(("run:post-install-job=6m",)))

    (finished,) = [one.event for one in events if isinstance(one.event, RunFinished)]
    assert not finished.succeeded
    assert "not ready. status: InProgress" in finished.message
    assert phases(events, "release") == ["pending-install", "failed"]


@pytest.mark.behaviour("helm:73")
def test_a_job_that_would_fail_would_fail_the_release(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", job_yaml=job("work", event="post-install"))
    failing = Assumption(point="run", name="work", duration=timedelta(seconds=1), exit_code=1)

    events = plan_install(chart, (), Assumptions((failing,)))

    (result,) = [one.event.result for one in events if isinstance(one.event, HookFinished)]
    assert result.reason == "job work failed: BackoffLimitExceeded"
    assert phases(events, "release") == ["pending-install", "failed"]


def test_findings_and_hooks_of_other_commands_stand_in_the_plan(tmp_path: Path) -> None:
    chart = write_chart(
        tmp_path / "c",
        a_yaml=config_map("a", event="pre-delete", weight="x"),
        b_yaml=config_map("b", event="nonsense"),
    )

    events = plan_install(chart, (), Assumptions())

    assert [one.event.finding.id for one in events if isinstance(one.event, Noted)] == [
        "helm.bad-weight",
        "helm.unknown-event",
        "helm.not-run-by-install",
    ]


def test_values_count_in_a_plan(tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", a_yaml='{{ required "say x" .Values.x }}\n')

    with pytest.raises(ManifestError, match="say x"):
        plan_install(chart, (), Assumptions())
    value = GivenValue(source=ValueSource.SET, text="x=# nothing")
    assert phases(plan_install(chart, (value,), Assumptions()), "release") == ["pending-install", "deployed"]
