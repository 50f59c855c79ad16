"""Looking into objects as JSON has them, where anything may be missing or of another type. Pure."""

from __future__ import annotations

from boathook.model import JsonObject, JsonValue


def mapping(value: JsonValue, *path: str) -> JsonObject:
    """The value, or the one at the path inside it, where it is a mapping; else an empty one."""
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def mappings(value: JsonValue) -> list[JsonObject]:
    """The mappings of a list; none where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def text(obj: JsonObject, *path: str) -> str:
    """What stands at the path, as text; empty where there is nothing."""
    value = mapping(obj, *path[:-1]).get(path[-1])
    return "" if value is None else str(value)


def texts(value: JsonValue) -> tuple[str, ...]:
    """The items of a list as text; of anything else, none."""
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def pairs(value: JsonValue) -> tuple[tuple[str, str | None], ...]:
    """The entries of a mapping as text; None stays."""
    return tuple((key, None if one is None else str(one)) for key, one in mapping(value).items())
