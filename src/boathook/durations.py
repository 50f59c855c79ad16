"""Durations as their files write them: Go's strict grammar, and Compose's, which knows days and weeks."""

from __future__ import annotations

import re
from datetime import timedelta

import durationpy

LONGEST_NANOSECONDS = 2**63 - 1
"""A Go duration is an int64 of nanoseconds."""

NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
PIECE = re.compile(rf"({NUMBER})([^0-9.]+)")
GO_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
COMPOSE_UNITS = GO_UNITS | {"d": 86400 * 10**9, "w": 7 * 86400 * 10**9}


def parse_go_duration(text: str) -> timedelta:
    """``1m30s``, ``1.5h``, ``.5s``, ``500ms``, ``0``. Raises ``ValueError`` with Go's own words.

    What is below a microsecond is cut off.
    """
    nanoseconds = _nanoseconds(text, GO_UNITS, "time: ")
    if abs(nanoseconds) > LONGEST_NANOSECONDS:
        raise ValueError(f'time: invalid duration "{text}"')
    return durationpy.from_str(text) if nanoseconds % 1000 == 0 else _cut(nanoseconds)


def parse_compose_duration(text: str) -> timedelta:
    """Like Go's, and ``d`` for days and ``w`` for weeks. Raises ``ValueError``."""
    nanoseconds = _nanoseconds(text, COMPOSE_UNITS, "")
    if abs(nanoseconds) > LONGEST_NANOSECONDS:
        raise ValueError(f'invalid duration "{text}"')
    return _cut(nanoseconds)


def format_go_duration(duration: timedelta) -> str:
    """As Go prints it: ``1m30s``, ``1h0m0s``, ``1.5s``, ``500ms``, ``0s``."""
    microseconds = duration // timedelta(microseconds=1)
    sign, microseconds = ("-", -microseconds) if microseconds < 0 else ("", microseconds)
    if microseconds == 0:
        return "0s"
    if microseconds < 1000:
        return f"{sign}{microseconds}µs"
    if microseconds < 10**6:
        return f"{sign}{_decimal(microseconds, 3)}ms"
    minutes, rest = divmod(microseconds, 60 * 10**6)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, 6)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _decimal(value: int, places: int) -> str:
    whole, fraction = divmod(value, 10**places)
    digits = f"{fraction:0{places}d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def _cut(nanoseconds: int) -> timedelta:
    """Towards zero, to whole microseconds."""
    sign = -1 if nanoseconds < 0 else 1
    return sign * timedelta(microseconds=abs(nanoseconds) // 1000)


def _nanoseconds(text: str, units: dict[str, int], prefix: str) -> int:
    """The sum of the pieces, or the complaint of Go's ``time.ParseDuration``, in the order in which it looks."""
    sign = -1 if text[:1] == "-" else 1
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    if not rest:
        raise ValueError(f'{prefix}invalid duration "{text}"')
    total = 0
    while rest:
        number = re.match(NUMBER, rest)
        if number is None:
            raise ValueError(f'{prefix}invalid duration "{text}"')
        piece = PIECE.match(rest)
        if piece is None:
            raise ValueError(f'{prefix}missing unit in duration "{text}"')
        if piece[2] not in units:
            raise ValueError(f'{prefix}unknown unit "{piece[2]}" in duration "{text}"')
        whole, _, fraction = piece[1].partition(".")
        total += int(whole + fraction) * units[piece[2]] // 10 ** len(fraction)
        rest = rest[piece.end() :]
    return sign * total
