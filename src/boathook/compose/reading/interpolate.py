"""Puts variables into the values of a Compose file: ``$V``, ``${V:-default}`` and their kin (spec 11). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
OPERATORS = (":-", "-", ":?", "?", ":+", "+")


class BadInterpolation(ValueError):
    """A ``${`` that begins nothing known, or a required variable without a value."""


@dataclass(slots=True)
class Interpolator:
    """Replaces variables in texts, and remembers those that had no value."""

    variables: Mapping[str, str]
    unset: list[str] = field(default_factory=list)

    def value(self, text: str) -> str:
        """``text`` with its variables replaced and ``$$`` made ``$``. Raises :class:`BadInterpolation`."""
        result = ""
        while text:
            before, dollar, rest = text.partition("$")
            result += before
            if not dollar:
                break
            replaced, text = self._one(rest)
            result += replaced
        return result

    def _one(self, rest: str) -> tuple[str, str]:
        """What stands for the expression after a ``$``, and the text after it."""
        if rest.startswith("$"):
            return "$", rest[1:]
        if rest.startswith("{"):
            inside, after = _braced(rest)
            return self._expression(inside), after
        if name := NAME.match(rest):
            return self._plain(name.group()), rest[name.end() :]
        # One that begins no variable is literal, as for the peer.
        return "$", rest

    def _expression(self, inside: str) -> str:
        name = NAME.match(inside)
        if name is None:
            raise BadInterpolation(f'"${{{inside}}}" names no variable')
        variable, rest = name.group(), inside[name.end() :]
        if not rest:
            return self._plain(variable)
        operator = next((known for known in OPERATORS if rest.startswith(known)), None)
        if operator is None:
            raise BadInterpolation(f'"${{{inside}}}" has an unknown operator')
        return self._operated(variable, operator, rest[len(operator) :])

    def _operated(self, variable: str, operator: str, operand: str) -> str:
        value = self.variables.get(variable)
        has_value = bool(value) if operator.startswith(":") else value is not None
        match operator[-1]:
            case "+":
                return self.value(operand) if has_value else ""
            case "-":
                return (value or "") if has_value else self.value(operand)
            case _:
                if has_value:
                    return value or ""
                why = self.value(operand)
                raise BadInterpolation(f"required variable {variable} is missing a value" + (f": {why}" if why else ""))

    def _plain(self, variable: str) -> str:
        value = self.variables.get(variable)
        if value is None:
            self.unset.append(variable)
            return ""
        return value


def _braced(rest: str) -> tuple[str, str]:
    """What stands between ``{`` and its own ``}``, nested expressions included, and the text after it."""
    depth = 0
    for position, character in enumerate(rest):
        if character == "{" and (position == 0 or rest[position - 1] == "$"):
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                return rest[1:position], rest[position + 1 :]
    raise BadInterpolation(f'"${rest}" has no closing "}}"')
