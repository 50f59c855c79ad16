"""The exact sentences about hooks and restarts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.pods.messages import go_duration, go_quoted


@pytest.mark.behaviour("pods:26")
@pytest.mark.parametrize(
    ("text", "expected"),
    [("out\n", '"out\\n"'), ('say "hi"', '"say \\"hi\\""'), ("é\x00\x1b", '"é\\x00\\x1b"'), ("\u2028", '"\\u2028"')],
)
def test_output_is_quoted_as_go_does(text: str, expected: str) -> None:
    assert go_quoted(text) == expected


@pytest.mark.parametrize(("seconds", "expected"), [(10, "10s"), (80, "1m20s"), (300, "5m0s"), (3600, "1h0m0s")])
def test_a_back_off_is_written_as_go_writes_a_duration(seconds: int, expected: str) -> None:
    assert go_duration(timedelta(seconds=seconds)) == expected
