"""Compose projects planned in virtual time: exact, and free."""

from __future__ import annotations

from pathlib import Path

import pytest

from boathook.errors import UsageError
from boathook.testing import Assumed, PlannedProject
from boathook.testing.files import find_project
from boathook.testing.planned import Assume
from boathook.testing.planned_projects import simulate_project
from tests.testing.build import PROJECT, a_file


def planned(
    directory: Path, assume: Assume | None = None, *, text: str = PROJECT, stop_after: float | None = None
) -> PlannedProject:
    source = find_project([a_file(directory, text, "compose.yaml")], directories=())
    return simulate_project(source, assume=assume, stop_after=stop_after)


@pytest.mark.behaviour("compose:3")
def test_a_dependant_starts_when_the_hook_has_ended(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"post_start:db": 3})

    assert plan.at("app started") == 3
    plan.assert_order("db started", "db.post_start ended", "app started")


@pytest.mark.behaviour("compose:25", "compose:26")
def test_the_grace_period_counts_from_the_signal(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"pre_stop:app": 40, "stop:app": 60}, stop_after=5)

    assert plan.at("app stop requested") == 5
    assert plan.at("app SIGTERM") == 5 + 2 * 40
    assert plan.at("app SIGKILL") == 5 + 2 * 40 + 10


@pytest.mark.behaviour("compose:7")
def test_a_hook_that_fails_keeps_its_dependants_from_starting(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"post_start:db": Assumed(duration=1, exit_code=3)})

    assert plan.hook("db.post_start").exit_code == 3
    assert not plan.happened("app started")


def test_an_assumption_that_nothing_asked_for_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='assumed of what project "shop" never asked for: "pre_start:app"'):
        planned(tmp_path, {"pre_start:app": 1})
