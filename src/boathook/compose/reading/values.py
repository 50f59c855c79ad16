"""What a value of a Compose file is called in a message, and as text. Pure."""

from __future__ import annotations

TRUE = frozenset({"true", "y", "yes", "on"})
FALSE = frozenset({"false", "n", "no", "off"})


def found(value: object) -> str:
    """What was found, for a message: the value of a scalar, the kind of anything else."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def scalar(value: object) -> str:
    """A scalar as Compose writes it into an environment: ``true``, ``1.5``, and whole floats without a fraction."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
