"""The values of Compose files, each with the file, line and column it stands at, wherever merging puts it. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode

from boathook import documents
from boathook.documents.document import Document, Path, path_text
from boathook.documents.nodes import (
    OVERRIDE,
    RESET,
    Positions,
    is_merge,
    key_text,
    merged_from,
    root_of,
    scalar_value,
)
from boathook.documents.scalars import Dialect, Scalar
from boathook.model import JsonValue, Source


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands, from 1."""

    file: str
    line: int
    column: int

    def source(self, path: Path) -> Source:
        return Source(file=self.file, line=self.line, column=self.column, path=path_text(path))


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value. What a short form stands for has the place of the short form."""

    value: dict[str, Node] | list[Node] | Scalar
    place: Place
    key: Place
    """That of the key which names it; of an item of a list, its own."""
    tag: str = ""
    """``!reset``, ``!override``, or empty."""

    def holding(self, value: dict[str, Node] | list[Node] | Scalar) -> Node:
        """The same place with another value."""
        return Node(value, self.place, self.key, self.tag)

    def new(self, value: Built) -> Node:
        """What ``value`` builds, all of it at this place. Nodes in it stay where they are."""
        match value:
            case Node():
                return value
            case dict():
                return Node({key: self.new(one) for key, one in value.items()}, self.place, self.key)
            case list():
                return Node([self.new(one) for one in value], self.place, self.key)
            case _:
                return Node(value, self.place, self.key)

    def entries(self) -> dict[str, Node]:
        """The entries of a mapping; of anything else, none."""
        return self.value if isinstance(self.value, dict) else {}

    def items(self) -> list[Node]:
        """The items of a list; of anything else, none."""
        return self.value if isinstance(self.value, list) else []

    def get(self, *path: str) -> Node | None:
        """The value at the path inside it."""
        node: Node | None = self
        for part in path:
            node = node.entries().get(part) if node is not None else None
        return node

    def text(self, *path: str) -> str:
        """The text at the path inside it; empty where there is none."""
        found = self.get(*path)
        return found.value if found is not None and isinstance(found.value, str) else ""


Built: TypeAlias = "Node | dict[str, Built] | list[Built] | Scalar"


def plain(node: Node) -> JsonValue:
    """The value alone."""
    match node.value:
        case dict():
            return {key: plain(one) for key, one in node.value.items()}
        case list():
            return [plain(one) for one in node.value]
        case _:
            return node.value


def mapped(node: Node, change: Callable[[Scalar, Path, Node], Scalar], path: Path = ()) -> Node:
    """The same tree with every scalar changed."""
    match node.value:
        case dict():
            return node.holding({key: mapped(one, change, (*path, key)) for key, one in node.value.items()})
        case list():
            return node.holding([mapped(one, change, (*path, at)) for at, one in enumerate(node.value)])
        case _:
            changed = change(node.value, path, node)
            return node if changed is node.value else node.holding(changed)


def without_tags(node: Node) -> Node:
    """The tree once nothing will be merged any more: what is reset is gone."""
    match node.value:
        case dict():
            value: dict[str, Node] | list[Node] | Scalar = {
                key: without_tags(one) for key, one in node.value.items() if one.tag != RESET
            }
        case list():
            value = [without_tags(one) for one in node.value if one.tag != RESET]
        case _:
            value = node.value
    return Node(value, node.place, node.key)


def read_tree(text: str, file: str) -> tuple[Node, ...]:
    """The documents of a file. Raises ``ManifestError`` with every problem of its syntax."""
    return tuple(
        _Building(file, one.positions.first_line, {}).node(root_of(one.positions))
        for one in documents.load(text, file, dialect=Dialect.COMPOSE)
    )


@dataclass(frozen=True, slots=True)
class _Building:
    """The text has been read once without a complaint, so nothing here can fail."""

    file: str
    first_line: int
    seen: dict[YamlNode, Node]

    def node(self, written: YamlNode, key: Place | None = None) -> Node:
        if (known := self.seen.get(written)) is None:
            place = self._place(written)
            tag = written.tag if written.tag in (RESET, OVERRIDE) else ""
            known = self.seen[written] = Node(self._value(written), place, key or place, tag)
        return known if key is None or known.key is key else dataclasses.replace(known, key=key)

    def _place(self, written: YamlNode) -> Place:
        return Place(self.file, self.first_line + written.start_mark.line + 1, written.start_mark.column + 1)

    def _value(self, written: YamlNode) -> dict[str, Node] | list[Node] | Scalar:
        if isinstance(written, SequenceNode):
            return [self.node(one) for one in written.value]
        if isinstance(written, MappingNode):
            return dict(self._entries(written))
        assert isinstance(written, ScalarNode)
        return scalar_value(written, Dialect.COMPOSE)

    def _entries(self, written: MappingNode) -> Iterator[tuple[str, Node]]:
        own = set()
        for key, value in written.value:
            if not is_merge(key):
                name = key_text(key, Dialect.COMPOSE)
                assert name is not None
                own.add(name)
                yield name, self.node(value, self._place(key))
        for key, value in written.value:
            for merged in (merged_from(value) or ()) if is_merge(key) else ():
                for name, node in self.node(merged).entries().items():
                    if name not in own:
                        own.add(name)
                        yield name, node


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeDocument(Document):
    """A merged tree as a document: its positions may be in several files."""

    tree: Node

    def source(self, path: Path = ()) -> Source:
        return self._walk(path)[0].place.source(path)

    def key_source(self, path: Path) -> Source:
        node, whole = self._walk(path)
        return (node.key if whole else node.place).source(path)

    def _walk(self, path: Path) -> tuple[Node, bool]:
        """The value at the path, or the nearest one around it that exists; and whether it is the one meant."""
        node = self.tree
        for part in path:
            step = node.entries().get(part) if isinstance(part, str) else None
            if isinstance(part, int) and 0 <= part < len(node.items()):
                step = node.items()[part]
            if step is None:
                return node, False
            node = step
        return node, True


def document_of(tree: Node, file: str) -> TreeDocument:
    return TreeDocument(value=plain(tree), file=file, positions=Positions("", 0, Dialect.COMPOSE), tree=tree)
