"""Moments as ``--since`` and ``--until`` take them (docker api/types/time: GetTimestamp). Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from boathook.durations import parse_go_duration
from boathook.errors import UsageError

_SECONDS = re.compile(r"-?\d+(?:\.\d+)?")
_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)?(?:Z|[+-]\d\d:\d\d)?")


def parse_moment(text: str, now: datetime) -> datetime:
    """A date with or without a time, in local time where it names no zone; seconds of the epoch; a time ago."""
    if _WRITTEN.fullmatch(text):
        return _written(text)
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=float(text))
    try:
        return now - parse_go_duration(text)
    except (ValueError, OverflowError) as error:
        raise UsageError(f'failed to parse value as time or duration: "{text}"') from error


def _written(text: str) -> datetime:
    date, _, time = text.partition("T")
    zone = re.search(r"(Z|[+-]\d\d:\d\d)$", time)
    clock = time[: zone.start()] if zone else time
    clock = clock + ("00:00:00"[len(clock) :] if len(clock) < 8 else "")
    whole, _, fraction = clock.partition(".")
    stamp = f"{date}T{whole}" + (f".{fraction[:6]:0<6}" if fraction else "")
    try:
        found = datetime.fromisoformat(stamp + (zone[0].replace("Z", "+00:00") if zone else ""))
    except ValueError as error:
        raise UsageError(f'failed to parse value as time or duration: "{text}": {error}') from error
    return found if found.tzinfo else found.astimezone()
