"""Durations, sizes and command lines in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.report import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.004, "0.004s"), (0.5, "0.5s"), (10.01, "10.0s"), (125, "2m05s"), (3720, "1h02m")],
)
def test_a_duration_is_as_exact_as_a_reader_needs(seconds: float, text: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(("size", "text"), [(812, "812 B"), (1_300_000, "1.2 MiB"), (5 * 1024**3, "5.0 GiB")])
def test_a_size_has_a_unit(size: int, text: str) -> None:
    assert words.size(size) == text


def test_a_long_command_is_cut_and_stays_on_one_line() -> None:
    text = words.command(("sh", "-c", "echo a\n" * 100))

    assert "\n" not in text
    assert text.endswith("…")


def test_a_stand_in_is_announced() -> None:
    assert words.image("registry.k8s.io/e2e-test-images/agnhost:2.53", stand_in=True) == "agnhost (stand-in)"


@pytest.mark.parametrize(
    ("resolved", "text"),
    [("0:0", "root"), ("1000:1000", "uid 1000"), ("5:6", "uid 5 gid 6"), ("root", "root"), ("app", "user app")],
)
def test_a_user_is_named_shortly(resolved: str, text: str) -> None:
    assert words.user(resolved) == text
