"""What an engine says of a container, in our own words."""

from __future__ import annotations

from typing import Any

import pytest

from boathook.compose.engine.checking import interval
from boathook.compose.engine.seen import stop_signal


@pytest.mark.parametrize(
    ("said", "name"),
    [("15", "SIGTERM"), ("9", "SIGKILL"), ("quit", "SIGQUIT"), (None, "SIGTERM"), ("", "SIGTERM"), ("99", "99")],
)
def test_a_stop_signal_has_its_full_name_whether_an_engine_gives_name_or_number(said: str | None, name: str) -> None:
    assert stop_signal(said) == name


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        (None, None),
        ({}, None),
        ({"Test": ["NONE"]}, None),
        ({"Test": ["CMD-SHELL", "true"]}, 30.0),
        ({"Test": ["CMD", "true"], "Interval": 1_500_000_000}, 1.5),
    ],
)
def test_the_time_between_two_checks_is_the_containers_own(check: Any, seconds: float | None) -> None:
    assert interval(check) == seconds
