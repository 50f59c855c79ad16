"""How a grace period is spent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boathook.pods.grace import MINIMUM, GracePeriod

durations = st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=2))
whole_seconds = st.integers(min_value=0, max_value=4000).map(lambda n: timedelta(seconds=n))


@pytest.mark.behaviour("pods:11")
@given(left=durations, spent=st.lists(durations, max_size=4))
def test_a_stop_never_gets_less_than_the_minimum(left: timedelta, spent: list[timedelta]) -> None:
    grace = GracePeriod(left)

    for duration in spent:
        grace = grace.spend(duration)

    assert grace.for_stop >= MINIMUM
    assert grace.left >= timedelta(0)


@given(left=whole_seconds, first=whole_seconds, second=whole_seconds)
def test_spending_whole_seconds_in_two_parts_equals_spending_their_sum(
    left: timedelta, first: timedelta, second: timedelta
) -> None:
    assert GracePeriod(left).spend(first).spend(second) == GracePeriod(left).spend(first + second)


@pytest.mark.behaviour("pods:11")
def test_only_whole_seconds_are_spent() -> None:
    assert GracePeriod(timedelta(seconds=30)).spend(timedelta(seconds=0.9)).left == timedelta(seconds=30)
    assert GracePeriod(timedelta(seconds=30)).spend(timedelta(seconds=29.5)).left == timedelta(seconds=1)


@pytest.mark.behaviour("pods:14", "pods:15")
@pytest.mark.parametrize(
    ("current", "asked", "expected"), [(60, None, 60), (60, 4, 4), (4, 60, 4), (60, 0, 1), (0, None, 1)]
)
def test_a_deletion_only_shrinks_the_period_and_gives_at_least_one_second(
    current: int, asked: int | None, expected: int
) -> None:
    wanted = None if asked is None else timedelta(seconds=asked)

    assert GracePeriod.of_deletion(timedelta(seconds=current), wanted).left == timedelta(seconds=expected)
