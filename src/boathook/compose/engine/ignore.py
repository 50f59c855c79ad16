"""What a build context leaves out: ``.dockerignore``, by the rules of its own documentation. Pure.

They are not Git's: a pattern is a path from the context's root, ``**`` stands for any number of directories, and of
all lines that speak of a file (or of a directory above it) the last one decides.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass

from boathook.errors import UsageError


@dataclass(frozen=True, slots=True)
class Pattern:
    expression: re.Pattern[str]
    exception: bool
    """It begins with ``!``: what it speaks of stays in."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The lines of one file."""

    patterns: tuple[Pattern, ...] = ()

    @property
    def has_exceptions(self) -> bool:
        """Then something below a directory that is left out may stay in."""
        return any(one.exception for one in self.patterns)

    def leaves_out(self, path: str) -> bool:
        """``path``: relative to the context's root, with slashes."""
        parts = path.split("/")
        upwards = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
        out = False
        for pattern in self.patterns:
            if pattern.exception == out and any(pattern.expression.fullmatch(one) for one in upwards):
                out = not pattern.exception
        return out


def parse_ignored(lines: Iterable[str]) -> Ignored:
    """Raises ``UsageError`` for a pattern that means nothing."""
    patterns = []
    for number, line in enumerate(lines):
        text = line.removeprefix("\ufeff") if number == 0 else line
        if text.startswith("#") or not (text := text.strip()):
            continue
        exception = text.startswith("!")
        written = text[1:].strip() if exception else text
        if not written:
            raise UsageError('illegal exclusion pattern: "!"')
        cleaned = posixpath.normpath(written)
        cleaned = cleaned.lstrip("/") if len(cleaned) > 1 else cleaned
        try:
            patterns.append(Pattern(re.compile(_expression(cleaned), re.DOTALL), exception))
        except re.error as error:
            raise UsageError(f'syntax error in pattern "{text}": {error}') from error
    return Ignored(tuple(patterns))


def _expression(pattern: str) -> str:
    """As a regular expression. ``[…]`` is a class in both."""
    result, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern[at : at + 1] == "*":
            at += 1
            at += pattern[at : at + 1] == "/"
            result += ".*" if at == len(pattern) else "(?:.*/)?"
        elif char == "*":
            result += "[^/]*"
        elif char == "?":
            result += "[^/]"
        elif char == "\\":
            result += re.escape(pattern[at : at + 1] or "\\")
            at += 1
        elif char in "[]":
            result += char
        elif char in "^-":
            result += char if result.rfind("[") > result.rfind("]") else re.escape(char)
        else:
            result += re.escape(char)
    return result
