"""One document of a file: its value, and where each part of it was written."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from boathook.model import JsonValue, Source

if TYPE_CHECKING:
    from boathook.documents.nodes import Positions

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the document's root to a value."""

ORDINARY_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")


def path_text(path: Path) -> str:
    """``spec.containers[0].name``; a key with dots or other characters stands in brackets, as Kubernetes writes it."""
    text = ""
    for part in path:
        if isinstance(part, int) or not ORDINARY_KEY.fullmatch(part):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as plain JSON values. Where something stands in it is worked out when it is asked for."""

    value: JsonValue
    file: str
    positions: Positions = field(repr=False, compare=False)

    def source(self, path: Path = ()) -> Source:
        """Where the value at ``path`` stands; where it is missing, the mapping or list that it is missing from."""
        line, column = self.positions.of_value(path)
        return Source(file=self.file, line=line, column=column, path=path_text(path))

    def key_source(self, path: Path) -> Source:
        """Where the key that ``path`` ends with stands (for an item of a list: the item)."""
        line, column = self.positions.of_key(path)
        return Source(file=self.file, line=line, column=column, path=path_text(path))


def value_at(document: Document, path: Path) -> JsonValue:
    """The value at ``path``; None where there is none."""
    return value_in(document.value, path)


def value_in(value: JsonValue, path: Path) -> JsonValue:
    """Like ``value_at``, from any value."""
    for part in path:
        if isinstance(value, dict) and isinstance(part, str):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
            value = value[part]
        else:
            return None
    return value


def exists_in(value: JsonValue, path: Path) -> bool:
    """Whether something, a null included, stands at ``path``."""
    if not path:
        return True
    parent, last = value_in(value, path[:-1]), path[-1]
    if isinstance(last, str):
        return isinstance(parent, dict) and last in parent
    return isinstance(parent, list) and 0 <= last < len(parent)
