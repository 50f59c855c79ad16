"""Moments as ``--since`` and ``--until`` take them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from boathook.compose.moments import parse_moment
from boathook.errors import UsageError

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2013-01-02T13:23:37Z", datetime(2013, 1, 2, 13, 23, 37, tzinfo=UTC)),
        ("2013-01-02T13:23:37.123456789Z", datetime(2013, 1, 2, 13, 23, 37, 123456, tzinfo=UTC)),
        ("2013-01-02T13:23:37.5+02:00", datetime(2013, 1, 2, 11, 23, 37, 500000, tzinfo=UTC)),
        ("2013-01-02T13:23Z", datetime(2013, 1, 2, 13, 23, tzinfo=UTC)),
        ("2013-01-02T13Z", datetime(2013, 1, 2, 13, tzinfo=UTC)),
        ("1136073845", datetime(2006, 1, 1, 0, 4, 5, tzinfo=UTC)),
        ("1136073845.5", datetime(2006, 1, 1, 0, 4, 5, 500000, tzinfo=UTC)),
        ("42m", NOW - timedelta(minutes=42)),
        ("1h30m", NOW - timedelta(minutes=90)),
        ("-10s", NOW + timedelta(seconds=10)),
    ],
)
def test_a_moment_or_a_time_ago(text: str, moment: datetime) -> None:
    assert parse_moment(text, NOW) == moment


def test_what_names_no_zone_is_local_time() -> None:
    assert parse_moment("2013-01-02T13:23:37", NOW) == datetime(2013, 1, 2, 13, 23, 37).astimezone()
    assert parse_moment("2013-01-02", NOW) == datetime(2013, 1, 2).astimezone()


@pytest.mark.parametrize("text", ["yesterday", "2013-13-02", "2013-01-02T25:00:00Z", "10", "1x", ""])
def test_anything_else_is_refused(text: str) -> None:
    if text == "10":
        assert parse_moment(text, NOW) == datetime(1970, 1, 1, 0, 0, 10, tzinfo=UTC)
        return
    with pytest.raises(UsageError, match="failed to parse value as time or duration"):
        parse_moment(text, NOW)
