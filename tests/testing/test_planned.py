"""A pod planned by a test: exact times, assumed programs, and what was assumed in vain is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from boathook.errors import ManifestError, NotFound, UsageError
from boathook.model import Outcome
from boathook.testing import Assumed, PlannedPod
from boathook.testing.planned import Assume, simulate
from tests.testing.build import POD, TWO_CONTAINERS, a_file


def planned(
    path: Path, assume: Assume | None = None, *, stop_after: float | None = None, name: str | None = None
) -> PlannedPod:
    return simulate(path, directories=(), assume=assume, stop_after=stop_after, name=name)


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    return a_file(tmp_path)


def test_the_hook_s_time_is_taken_from_the_grace_period(pod: Path) -> None:
    plan = planned(pod, {"preStop:app": "3s", "stop:app": 60})

    assert (plan.at("app.preStop started"), plan.at("app SIGTERM"), plan.at("app SIGKILL")) == (0, 3, 5)
    assert plan.exit_codes == {"app": 137}
    assert plan.phase == "Failed"


def test_a_hook_that_is_too_slow_is_cut_off_at_the_exact_second(pod: Path) -> None:
    hook = planned(pod, {"preStop:app": "40s"}).hook("app.preStop")

    assert (hook.outcome, hook.started, hook.duration) == (Outcome.TIMED_OUT, 0, 5)


def test_fractions_are_exact_to_the_microsecond(pod: Path) -> None:
    plan = planned(pod, {"postStart:app": 0.1, "preStop:app": 0.2}, stop_after=0.7)

    assert plan.at("app.preStop ended") == 0.9


def test_a_program_may_be_assumed_to_fail_with_some_output(pod: Path) -> None:
    plan = planned(pod, {"preStop:app": Assumed(duration="1s", exit_code=3, output="no such service\n")})

    hook = plan.hook("preStop")
    assert (hook.outcome, hook.exit_code, hook.stdout) == (Outcome.FAILED, 3, "no such service\n")
    assert plan.happened("app event FailedPreStopHook")


def test_the_pod_runs_as_long_as_it_is_said(pod: Path) -> None:
    assert planned(pod, stop_after=90).at("stop requested") == 90


def test_what_was_assumed_of_nobody_is_a_mistake(pod: Path) -> None:
    with pytest.raises(UsageError, match='assumed of what pod "web" never asked for: "pre_stop:ap"'):
        planned(pod, {"preStop:ap": "3s"})


@pytest.mark.parametrize("name", ["two", "web"])
def test_one_pod_of_a_file_is_planned_by_its_name(tmp_path: Path, name: str) -> None:
    path = a_file(tmp_path, f"{POD}---\n{TWO_CONTAINERS}")

    assert planned(path, name=name).name == name


def test_which_pod_of_a_file_is_meant_must_be_said(tmp_path: Path) -> None:
    path = a_file(tmp_path, f"{POD}---\n{TWO_CONTAINERS}")

    with pytest.raises(UsageError, match='holds the pods "web", "two", and no name was given'):
        planned(path)


def test_a_bad_file_is_told_with_its_position(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"pod\.yaml:"):
        planned(a_file(tmp_path, POD.replace("exec:", "exce:")))


def test_a_file_is_looked_for_beside_the_test_first(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    a_file(tmp_path / "a", TWO_CONTAINERS)
    a_file(tmp_path)

    found = simulate("pod.yaml", directories=(tmp_path / "a", tmp_path), assume=None, stop_after=None, name=None)
    with pytest.raises(NotFound, match='no such file: "other'):
        simulate("other.yaml", directories=(tmp_path,), assume=None, stop_after=None, name=None)

    assert found.name == "two"


@pytest.mark.anyio
async def test_an_async_test_may_plan_too(pod: Path) -> None:
    assert planned(pod, {"preStop:app": 2}).at("app SIGTERM") == 2
