"""Splits a command string into words, as Compose does: quotes and backslashes, but no shell.

The rules are those of the peer's splitter (spec/compose-hooks.md 1.2), its trap included: an unquoted ``;``, ``&``,
``|``, ``<`` or ``>`` ends the command, and what follows is dropped. Unlike the peer, the result says what was dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BLANKS = frozenset(" \t\r\n")
ENDS = frozenset(";&|<>")


class BadCommand(ValueError):
    """The string is no command line: an open quote, or a bracket that opens nothing."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a command string, and the characters after them that no word holds."""

    words: tuple[str, ...]
    dropped: str


def split(text: str) -> Words:
    """The words of ``text``. Raises :class:`BadCommand`."""
    return _Splitter(text).run()


class _Splitter:
    def __init__(self, text: str) -> None:
        self._text = text
        self._characters: Iterator[tuple[int, str]] = enumerate(text)
        self._words: list[str] = []
        self._word: str | None = None

    def run(self) -> Words:
        for position, character in self._characters:
            if character in BLANKS:
                self._end_word()
            elif character in ENDS:
                return self._cut(position)
            else:
                self._take(character)
        self._end_word()
        return Words(tuple(self._words), "")

    def _take(self, character: str) -> None:
        match character:
            case "\\":
                self._add(self._next("a backslash at the end"))
            case "'":
                self._add(self._until("'", escapes=False))
            case '"':
                self._add(self._until('"', escapes=True))
            case "`":
                self._add(f"`{self._until('`', escapes=True)}`")
            case "(":
                self._open_bracket()
            case ")":
                raise BadCommand('a ")" that closes nothing')
            case _:
                self._add(character)

    def _open_bracket(self) -> None:
        """``$(…)`` stays one word as it is written; any other bracket, ``$((`` included, is an error."""
        if self._word is None or not self._word.endswith("$"):
            raise BadCommand('a "(" that does not follow "$"')
        inside = self._until(")", escapes=True)
        if "(" in inside:
            raise BadCommand('a "(" inside "$(…)"')
        self._add(f"({inside})")

    def _cut(self, position: int) -> Words:
        """Stop here. A word that begins with a digit, directly before ``>``, is a file descriptor: dropped too."""
        start = position
        if self._text[position] == ">" and self._word and self._word[0].isdigit():
            start -= len(self._word)
            self._word = None
        self._end_word()
        return Words(tuple(self._words), self._text[start:])

    def _until(self, end: str, *, escapes: bool) -> str:
        result = ""
        for _, character in self._characters:
            if character == end:
                return result
            result += self._next("a backslash at the end") if escapes and character == "\\" else character
        raise BadCommand(f"no closing {end}")

    def _next(self, problem: str) -> str:
        for _, character in self._characters:
            return character
        raise BadCommand(problem)

    def _add(self, text: str) -> None:
        self._word = (self._word or "") + text

    def _end_word(self) -> None:
        if self._word is not None:
            self._words.append(self._word)
            self._word = None
