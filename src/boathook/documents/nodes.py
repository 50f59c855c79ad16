"""PyYAML's node graph: the loader, merge keys, and the positions of a document's parts.

A document keeps the part of the text that it was read from and composes it again when a position is asked for. So
thousands of documents cost no more memory than their values.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from boathook.documents.document import Path
from boathook.documents.scalars import BadScalar, Dialect, Scalar, as_key, plain

PLAIN = "plain"
TEXT = "text"
COLLECTION = "collection"
YAML_TAG = "tag:yaml.org,2002:"
MERGE = "<<"
TEXT_TAGS = frozenset({TEXT, YAML_TAG + "str", YAML_TAG + "timestamp"})
NUMBER_TAGS = frozenset({YAML_TAG + "int", YAML_TAG + "float", YAML_TAG + "bool"})
RESET, OVERRIDE = "!reset", "!override"
MERGING_TAGS = {Dialect.COMPOSE: frozenset({RESET, OVERRIDE}), Dialect.KUBERNETES: frozenset[str]()}
"""Say how a value is merged into that of an earlier file, and nothing about the value itself."""

KeyNode: TypeAlias = tuple[str, Node, Node]


class NodeLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The C parser (the pure one where PyYAML was built without), with only plain and other scalars told apart."""

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        if kind is ScalarNode:
            return PLAIN if implicit[0] else TEXT
        return COLLECTION

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


def compose_all(text: str) -> Iterator[Node]:
    """The root nodes of the documents of ``text``. Raises ``yaml.YAMLError`` where the text breaks."""
    loader = NodeLoader(text)
    try:
        while loader.check_node():
            yield loader.get_node()
    finally:
        loader.dispose()


def scalar_value(node: ScalarNode, dialect: Dialect) -> Scalar:
    """The value of a scalar, as its style and tag say. Raises ``BadScalar``, also for an unknown tag."""
    text: str = node.value
    if node.tag == PLAIN or (node.tag in MERGING_TAGS[dialect] and not node.style):
        return plain(text, dialect)
    if node.tag in TEXT_TAGS or node.tag in MERGING_TAGS[dialect]:
        return text
    if node.tag == YAML_TAG + "null":
        return None
    if node.tag in NUMBER_TAGS:
        return _tagged(node, dialect)
    raise BadScalar(unknown_tag(node))


def _tagged(node: ScalarNode, dialect: Dialect) -> Scalar:
    # A truth value that is marked as one may be any of YAML 1.1's words, in every dialect.
    is_bool = node.tag == YAML_TAG + "bool"
    value = plain(node.value, Dialect.KUBERNETES if is_bool else dialect)
    if isinstance(value, bool) is is_bool and isinstance(value, int | float):
        return value
    raise BadScalar(f'"{node.value}" is not what its tag "{short_tag(node)}" says')


def short_tag(node: Node) -> str:
    tag: str = node.tag
    return "!!" + tag.removeprefix(YAML_TAG) if tag.startswith(YAML_TAG) else tag


def unknown_tag(node: Node) -> str:
    return f'tag "{short_tag(node)}" is not supported'


def key_text(node: Node, dialect: Dialect) -> str | None:
    """A key as text; None for what cannot be a key. Raises ``BadScalar``."""
    if not isinstance(node, ScalarNode):
        return None
    return as_key(scalar_value(node, dialect))


def is_merge(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value == MERGE and node.tag in (PLAIN, YAML_TAG + "merge")


def merged_from(node: Node) -> tuple[MappingNode, ...] | None:
    """The mappings that the value of a merge key names, most important first; None when it names something else."""
    parts = node.value if isinstance(node, SequenceNode) else [node]
    if all(isinstance(part, MappingNode) for part in parts):
        return tuple(parts)
    return None


class Positions:
    """Where the parts of one document stand. ``first_line`` is the line (from 0) at which ``text`` starts."""

    __slots__ = ("dialect", "first_line", "text")

    def __init__(self, text: str, first_line: int, dialect: Dialect) -> None:
        self.text = text
        self.first_line = first_line
        self.dialect = dialect

    def of_value(self, path: Path) -> tuple[int, int]:
        """Line and column, from 1, of the value at ``path`` or of its nearest parent that exists."""
        return self._place(self._walk(path)[1])

    def of_key(self, path: Path) -> tuple[int, int]:
        return self._place(self._walk(path)[0])

    def _place(self, node: Node) -> tuple[int, int]:
        return self.first_line + node.start_mark.line + 1, node.start_mark.column + 1

    def _walk(self, path: Path) -> tuple[Node, Node]:
        """The key's node and the value's node; the nearest parent's value for both where the path leaves the text."""
        node = root_of(self)
        key = node
        for part in path:
            step = _child(node, part, self.dialect)
            if step is None:
                return node, node
            key, node = step
        return key, node


@lru_cache(maxsize=8)
def root_of(positions: Positions) -> Node:
    """The document's root node, composed again. It composed before, so it does now."""
    return next(compose_all(positions.text))


def _child(node: Node, part: str | int, dialect: Dialect) -> tuple[Node, Node] | None:
    if isinstance(node, SequenceNode):
        if isinstance(part, int) and 0 <= part < len(node.value):
            return node.value[part], node.value[part]
        return None
    if isinstance(node, MappingNode) and isinstance(part, str):
        return _entry(node, part, dialect)
    return None


def _entry(node: MappingNode, name: str, dialect: Dialect) -> tuple[Node, Node] | None:
    """The entry ``name`` of a mapping: its own, else the first that is merged in."""
    merges: list[Node] = []
    for key, value in node.value:
        if is_merge(key):
            merges.append(value)
        elif _same_key(key, name, dialect):
            return key, value
    for merge in merges:
        for mapping in merged_from(merge) or ():
            if found := _entry(mapping, name, dialect):
                return found
    return None


def _same_key(key: Node, name: str, dialect: Dialect) -> bool:
    try:
        return key_text(key, dialect) == name
    except BadScalar:
        return False
