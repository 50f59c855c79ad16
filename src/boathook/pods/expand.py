"""``$(VAR)`` in commands, arguments and environment values, as Kubernetes expands it.

``$(NAME)`` becomes the variable's value and stays as it is when there is none; ``$$`` is one dollar; any other dollar
stands for itself (``third_party/forked/golang/expansion``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\((?P<name>[^)]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """The text with every reference replaced that ``variables`` knows."""

    def replace(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        return variables.get(match["name"], match[0])

    return _REFERENCE.sub(replace, text)


def expand_all(words: tuple[str, ...], variables: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(expand(word, variables) for word in words)


def references(text: str) -> tuple[str, ...]:
    """The names that the text refers to."""
    return tuple(match["name"] for match in _REFERENCE.finditer(text) if match["name"] is not None)
