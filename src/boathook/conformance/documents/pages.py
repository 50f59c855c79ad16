"""A page as lines with blocks in it: a block is what stands between two marker lines. Pure; nothing else is looked at.

``<!-- NAME_starts -->`` and ``<!-- NAME_ends -->``, each alone on its line. A page is text, and whatever is outside of
its blocks (a byte order mark, line endings, a missing last newline, front matter) comes out as it went in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from boathook.errors import ManifestError
from boathook.model import Finding, Severity, Source

MARKER = re.compile(r"[ \t]*<!--\s*([a-z0-9][a-z0-9_]*)_(starts|ends)\s*-->[ \t]*")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What stands between two markers. ``start`` and ``end`` are the marker lines, counted from 0."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page that was found to be in order."""

    file: str
    lines: tuple[str, ...]
    """With their endings."""
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        return "".join(self.lines)

    @property
    def newline(self) -> str:
        """How the lines outside of the blocks end, most of them."""
        outside = self._outside()
        windows = sum(line.endswith("\r\n") for line in outside)
        return "\r\n" if windows > sum(line.endswith("\n") for line in outside) - windows else "\n"

    def content(self, block: Block) -> tuple[str, ...]:
        """The lines of a block, without their endings."""
        return tuple(_bare(line) for line in self.lines[block.start + 1 : block.end])

    def with_blocks(self, contents: Mapping[str, Sequence[str]]) -> str:
        """The page's text with new lines in the blocks of these names; all others stay as they are."""
        newline, at = self.newline, 0
        result: list[str] = []
        for block in self.blocks:
            if block.name in contents:
                result += self.lines[at : block.start + 1]
                result += [line + newline for line in contents[block.name]]
                at = block.end
        return "".join((*result, *self.lines[at:]))

    def _outside(self) -> list[str]:
        at = 0
        lines: list[str] = []
        for block in self.blocks:
            lines += self.lines[at : block.start + 1]
            at = block.end
        return [*lines, *self.lines[at:]]


def is_marker(line: str) -> bool:
    """Whether a line, without its ending, would be read as a marker."""
    return MARKER.fullmatch(line) is not None


def split_lines(text: str) -> list[str]:
    """With their endings, and at newlines only."""
    return _LINE.findall(text)


def parse_page(text: str, file: str) -> Page:
    """The page of a text. Raises ``ManifestError`` with every marker that is not in order, each with its line."""
    lines = tuple(split_lines(text))
    reading = _Reading(file)
    for number, line in enumerate(lines):
        bare = _bare(line)
        marker = MARKER.fullmatch(bare.removeprefix(_BYTE_ORDER_MARK) if number == 0 else bare)
        if marker is not None:
            reading.meet(marker[1], marker[2], number)
    reading.finish()
    if reading.problems:
        raise ManifestError(tuple(sorted(reading.problems, key=lambda one: one.source.line or 0)))
    return Page(file=file, lines=lines, blocks=tuple(reading.blocks))


class _Reading:
    """Pairs markers as they come, and notes each that has no partner in its place."""

    def __init__(self, file: str) -> None:
        self.blocks: list[Block] = []
        self.problems: list[Finding] = []
        self._file = file
        self._open: list[tuple[str, int]] = []

    def meet(self, name: str, what: str, line: int) -> None:
        if what == "starts":
            self._starts(name, line)
        else:
            self._ends(name, line)

    def finish(self) -> None:
        for name, line in self._open:
            self._tell(line, "unclosed-marker", f'"{name}_starts" has no "{name}_ends" after it')

    def _starts(self, name: str, line: int) -> None:
        if any(block.name == name for block in self.blocks):
            self._tell(line, "duplicate-marker", f'"{name}_starts" is there a second time')
        if self._open:
            outer, at = self._open[-1]
            self._tell(line, "nested-marker", f'"{name}_starts" stands inside of "{outer}", begun in line {at + 1}')
        self._open.append((name, line))

    def _ends(self, name: str, line: int) -> None:
        begun = [(opened, at) for opened, at in self._open if opened == name]
        if not begun:
            self._tell(line, "unopened-marker", f'"{name}_ends" has no "{name}_starts" before it')
            return
        if self._open[-1] != begun[-1]:
            inner = self._open[-1][0]
            self._tell(line, "crossing-markers", f'"{name}_ends" comes before "{inner}_ends"')
        self._open.remove(begun[-1])
        self.blocks.append(Block(name=name, start=begun[-1][1], end=line))

    def _tell(self, line: int, kind: str, message: str) -> None:
        source = Source(file=self._file, line=line + 1, column=None, path="")
        found = Finding(id=f"documents.{kind}", severity=Severity.ERROR, source=source, message=message, remedy=None)
        self.problems.append(found)


def _bare(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")
