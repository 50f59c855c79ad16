"""Reads values out of a service's long form, which is checked: what is not there is empty, zero or false. Pure."""

from __future__ import annotations

from boathook.durations import parse_go_duration
from boathook.model import JsonObject
from boathook.objects import mappings


def text(form: JsonObject, key: str) -> str:
    value = form.get(key)
    return "" if value is None else str(value)


def texts(form: JsonObject, key: str) -> list[str]:
    value = form.get(key)
    return [str(one) for one in value] if isinstance(value, list) else []


def records(form: JsonObject, key: str) -> list[JsonObject]:
    return mappings(form.get(key))


def flag(form: JsonObject, key: str) -> bool:
    return form.get(key) is True


def whole(form: JsonObject, key: str) -> int:
    """Sizes stand as text."""
    value = form.get(key)
    return int(value) if isinstance(value, int | str) and value != "" else 0


def number(form: JsonObject, key: str) -> float:
    value = form.get(key)
    return float(value) if isinstance(value, int | float | str) and value != "" else 0.0


def nanoseconds(form: JsonObject, key: str) -> int:
    written = text(form, key)
    return int(parse_go_duration(written).total_seconds() * 1_000_000) * 1000 if written else 0
