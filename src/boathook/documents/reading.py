"""Text of a YAML file -> documents. Every syntax error and every duplicate key of the file is found in one go."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from functools import cache

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from boathook.documents.document import Document
from boathook.documents.nodes import (
    COLLECTION,
    MERGING_TAGS,
    YAML_TAG,
    Positions,
    compose_all,
    is_merge,
    key_text,
    merged_from,
    scalar_value,
    unknown_tag,
)
from boathook.documents.scalars import BadScalar, Dialect
from boathook.errors import ManifestError
from boathook.model import Finding, JsonObject, JsonValue, Severity, Source

MAX_DEPTH = 100
MAX_EXPANDED = 1_000_000
"""Values in one document with its aliases written out. What has no aliases may be larger."""

BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
SEPARATOR = re.compile("(?:^|(?<=[\n\r\x85\u2028\u2029]))---(?=[\\s]|$)")
UNPRINTABLE_ASCII = re.compile("[^\t\n\r\x20-\x7e]")
KNOWN_COLLECTIONS = frozenset({COLLECTION, YAML_TAG + "map", YAML_TAG + "seq"})
BYTE_ORDER_MARK = "\ufeff"


@cache
def _unprintable() -> re.Pattern[str]:
    """YAML 1.1, section 5.1. Compiled when a text needs it, since that takes longer than reading a short file."""
    return re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What could be read of a file, and what could not. Documents that stand after a broken one are there."""

    documents: tuple[Document, ...]
    problems: tuple[Finding, ...]


def load(text: str, file: str, dialect: Dialect = Dialect.KUBERNETES) -> tuple[Document, ...]:
    """The documents of a file, empty ones left out. Raises ``ManifestError`` with every problem of its syntax."""
    reading = read(text, file, dialect)
    if reading.problems:
        raise ManifestError(reading.problems)
    return reading.documents


def read(text: str, file: str, dialect: Dialect = Dialect.KUBERNETES) -> Reading:
    """Like ``load``, for a caller that wants to say what is wrong with the other documents as well."""
    return _Reader(text=text.removeprefix(BYTE_ORDER_MARK), file=file, dialect=dialect).run()


@dataclass(slots=True, kw_only=True)
class _Reader:
    text: str
    file: str
    dialect: Dialect
    documents: list[Document] = field(default_factory=list)
    problems: dict[tuple[int, int, str], Finding] = field(default_factory=dict)
    """By line, column and message: what is met again while starting anew is said once."""

    def run(self) -> Reading:
        start: int | None = 0
        unprintable = UNPRINTABLE_ASCII if self.text.isascii() else _unprintable()
        if broken := unprintable.search(self.text):
            line, column = self._place(broken.start())
            self._add("syntax", line, column, f"character U+{ord(broken.group()):04X} is not allowed")
            start = None
        while start is not None:
            start = self._read_from(start)
        problems = tuple(self.problems[place] for place in sorted(self.problems))
        return Reading(documents=tuple(self.documents), problems=problems)

    def _read_from(self, start: int) -> int | None:
        """Read from ``start`` on. After a syntax error: where to start anew, at the next line of three dashes."""
        rest = self.text[start:] if start else self.text
        first_line = self._place(start)[0] - 1 if start else 0
        try:
            for root in compose_all(rest):
                self._take(root, rest, first_line)
        except yaml.MarkedYAMLError as error:
            line, column = self._error_place(error, rest, first_line)
            self._add("syntax", line, column, _error_text(error, first_line))
            return self._next_document(start, line)
        return None

    def _error_place(self, error: yaml.MarkedYAMLError, rest: str, first_line: int) -> tuple[int, int]:
        mark = error.problem_mark or error.context_mark
        if mark is None or mark.index >= len(rest):  # the parser puts the end of the text on a line of its own
            return self._place(len(self.text.rstrip()))
        return first_line + mark.line + 1, mark.column + 1

    def _next_document(self, start: int, line: int) -> int | None:
        for separator in SEPARATOR.finditer(self.text, start):
            at = separator.start()
            if at > start and self._place(at)[0] >= line:
                return at
        return None

    def _take(self, root: Node, rest: str, first_line: int) -> None:
        begin = root.start_mark.index - root.start_mark.column
        first = first_line + root.start_mark.line
        part = rest if begin == 0 and root.end_mark.index >= len(rest) else rest[begin : root.end_mark.index]
        values = _Values(self, first_line)
        value = values.of(root, 0)
        if value is not None and not values.has_holes:
            positions = Positions(part, first, self.dialect)
            self.documents.append(Document(value=value, file=self.file, positions=positions))

    def _place(self, index: int) -> tuple[int, int]:
        """Line and column, from 1, of a character."""
        line, begin = 1, 0
        for found in BREAK.finditer(self.text, 0, index):
            line, begin = line + 1, found.end()
        return line, index - begin + 1

    def _add(self, kind: str, line: int, column: int, message: str) -> None:
        source = Source(file=self.file, line=line, column=column, path="")
        self.problems[line, column, message] = Finding(
            id=f"documents.{kind}", severity=Severity.ERROR, source=source, message=message, remedy=None
        )

    def problem(self, kind: str, node: Node, first_line: int, message: str) -> None:
        self._add(kind, first_line + node.start_mark.line + 1, node.start_mark.column + 1, message)


@dataclass(slots=True)
class _Values:
    """The values of one document's nodes. An alias stands for the same value again."""

    reader: _Reader
    first_line: int
    seen: dict[Node, tuple[JsonValue, int]] = field(default_factory=dict)
    """Lists and mappings that are done, each with the number of values in it; aliases written out."""
    open: set[Node] = field(default_factory=set)
    count: int = 0
    refused: bool = False
    has_holes: bool = False
    """Something in it has no value: it is no use to say more of it."""

    def of(self, node: Node, depth: int) -> JsonValue:
        if isinstance(node, ScalarNode):
            self.count += 1
            return self._scalar(node)
        if node in self.seen:
            return self._again(node)
        if node in self.open:
            self._problem("alias", node, "an alias stands inside the value that it names")
            return None
        if depth >= MAX_DEPTH:
            self._problem("depth", node, f"lists and mappings are nested more than {MAX_DEPTH} deep")
            return None
        if node.tag not in KNOWN_COLLECTIONS and node.tag not in MERGING_TAGS[self.reader.dialect]:
            self._problem("unknown-tag", node, unknown_tag(node))
        self.open.add(node)
        before = self.count
        self.count += 1
        value: JsonValue = None
        if isinstance(node, SequenceNode):
            value = [self.of(item, depth + 1) for item in node.value]
        elif isinstance(node, MappingNode):
            value = self._mapping(node, depth)
        self.open.discard(node)
        self.seen[node] = value, self.count - before
        return value

    def _again(self, node: Node) -> JsonValue:
        value, size = self.seen[node]
        self.count += size
        if self.count > MAX_EXPANDED and not self.refused:
            self.refused = True
            self._problem("alias", node, f"aliases of this value make up more than {MAX_EXPANDED} values")
        return None if self.refused else value

    def _scalar(self, node: ScalarNode) -> JsonValue:
        try:
            return scalar_value(node, self.reader.dialect)
        except BadScalar as error:
            self._problem("bad-value", node, str(error))
            return None

    def _mapping(self, node: MappingNode, depth: int) -> JsonObject:
        values: JsonObject = {}
        merges: list[Node] = []
        lines: dict[str, Node] = {}
        for key, value in node.value:
            if is_merge(key):
                merges.append(value)
            elif (name := self._key(key)) is not None:
                if name in lines:
                    self._duplicate(name, lines[name], key)
                lines[name] = key
                values[name] = self.of(value, depth + 1)
        for merge in merges:
            self._merge(merge, values, depth)
        return values

    def _key(self, node: Node) -> str | None:
        try:
            name = key_text(node, self.reader.dialect)
        except BadScalar as error:
            self._problem("bad-value", node, str(error))
            return None
        if name is None:
            self._problem("key", node, "a key must be text, a number or a truth value")
            return None
        return sys.intern(name)

    def _duplicate(self, name: str, first: Node, again: Node) -> None:
        line = self.first_line + first.start_mark.line + 1
        self._problem(
            "duplicate-key",
            again,
            f'key "{name}" is written twice: at line {line} and again at line {self._line(again)}',
        )

    def _merge(self, node: Node, values: JsonObject, depth: int) -> None:
        """Add what a merge key brings: the mapping's own keys win, then the first mapping that is named."""
        mappings = merged_from(node)
        if mappings is None:
            self._problem("merge", node, "a merge key (<<) needs a mapping or a list of mappings")
            return
        for mapping in mappings:
            merged = self.of(mapping, depth + 1)
            if isinstance(merged, dict):
                for name, value in merged.items():
                    values.setdefault(name, value)

    def _line(self, node: Node) -> int:
        line: int = node.start_mark.line
        return self.first_line + line + 1

    def _problem(self, kind: str, node: Node, message: str) -> None:
        self.has_holes = True
        self._say(kind, node, message)

    def _say(self, kind: str, node: Node, message: str) -> None:
        self.reader.problem(kind, node, self.first_line, message)


def _error_text(error: yaml.MarkedYAMLError, first_line: int) -> str:
    context, began, met = error.context, error.context_mark, error.problem_mark
    text = f"not valid YAML: {error.problem}"
    if context:
        text += f" {context}"
        if began and met and began.line != met.line:
            text += f", which begins at line {first_line + began.line + 1}"
    return text
