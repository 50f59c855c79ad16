from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boathook.durations import format_go_duration, parse_compose_duration, parse_go_duration


@pytest.mark.behaviour("deps:28")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m30s", 90),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("5.s", 5),
        ("500ms", 0.5),
        ("10µs", 0.00001),
        ("10μs", 0.00001),
        ("10us", 0.00001),
        ("0", 0),
        ("-0", 0),
        ("0s", 0),
        ("+5s", 5),
        ("-5s", -5),
        ("1h1h", 7200),
        ("1500ns", 0.000001),
        ("-1500ns", -0.000001),
        ("2540400h", 2540400 * 3600),
    ],
)
def test_go_durations_are_read(text: str, seconds: float) -> None:
    assert parse_go_duration(text) == timedelta(seconds=seconds)


@pytest.mark.behaviour("deps:28")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30", 'time: missing unit in duration "30"'),
        ("1m30", 'time: missing unit in duration "1m30"'),
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        ("s", 'time: invalid duration "s"'),
        (".s", 'time: invalid duration ".s"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1h 5m", 'time: unknown unit "h " in duration "1h 5m"'),
        ("1mm", 'time: unknown unit "mm" in duration "1mm"'),
        ("1S", 'time: unknown unit "S" in duration "1S"'),
        ("1.2.3s", 'time: missing unit in duration "1.2.3s"'),
        ("9999999h", 'time: invalid duration "9999999h"'),
        ("١s", 'time: invalid duration "١s"'),
    ],
)
def test_what_go_refuses_is_refused_with_its_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="time: ") as refused:
        parse_go_duration(text)

    assert str(refused.value) == message


@pytest.mark.behaviour("deps:28")
@pytest.mark.parametrize(("text", "seconds"), [("1d", 86400), ("1w2d3h", 788400), ("1m30s", 90), ("0", 0)])
def test_compose_knows_days_and_weeks(text: str, seconds: int) -> None:
    assert parse_compose_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["30", "", "1y", "1 d", "9999999h"])
def test_compose_refuses_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        parse_compose_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (90, "1m30s"),
        (3600, "1h0m0s"),
        (1.5, "1.5s"),
        (0.5, "500ms"),
        (0.0015, "1.5ms"),
        (0.000001, "1µs"),
        (-90, "-1m30s"),
        (86400, "24h0m0s"),
    ],
)
def test_durations_are_printed_as_go_prints_them(seconds: float, text: str) -> None:
    assert format_go_duration(timedelta(seconds=seconds)) == text


@given(st.timedeltas(min_value=timedelta(days=-10000), max_value=timedelta(days=10000)))
def test_what_is_printed_reads_back_as_the_same_duration(duration: timedelta) -> None:
    assert parse_go_duration(format_go_duration(duration)) == duration
