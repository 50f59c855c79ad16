"""Collecting what is wrong with a manifest, each with its position, in the API server's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from boathook.documents import Document, path_text
from boathook.model import Finding, JsonObject, JsonValue, Severity, Source

FieldPath: TypeAlias = tuple[str | int, ...]


class ObjectDocument(Document):
    """An object that comes from no file: its parts have paths and no positions."""

    __slots__ = ()

    def source(self, path: FieldPath = ()) -> Source:
        return Source(file="", line=None, column=None, path=path_text(path))

    def key_source(self, path: FieldPath) -> Source:
        return self.source(path)


def object_document(obj: JsonObject) -> Document:
    return ObjectDocument(value=obj, file="", positions=None)  # type: ignore[arg-type]


@dataclass(slots=True)
class Problems:
    """The findings of one document. Its methods are the kinds of error that the API knows."""

    document: Document
    found: list[Finding] = field(default_factory=list)

    def add(
        self,
        path: FieldPath,
        kind: str,
        message: str,
        *,
        severity: Severity = Severity.ERROR,
        remedy: str | None = None,
        said: str | None = None,
    ) -> None:
        """``said``: what the API calls the place where it is less exact; the position stays that of ``path``."""
        source = self.document.source(path)
        if said is not None:
            source = replace(source, path=said)
        self.found.append(Finding(id=f"pods.{kind}", severity=severity, source=source, message=message, remedy=remedy))

    def required(self, path: FieldPath, detail: str = "", *, said: str | None = None) -> None:
        self.add(path, "required", f"Required value: {detail}" if detail else "Required value", said=said)

    def invalid(self, path: FieldPath, value: JsonValue, detail: str, *, said: str | None = None) -> None:
        shown = json.dumps(value, ensure_ascii=False)
        self.add(path, "invalid-value", f"Invalid value: {shown}: {detail}", said=said)

    def forbidden(self, path: FieldPath, detail: str, *, said: str | None = None) -> None:
        self.add(path, "forbidden", f"Forbidden: {detail}", said=said)

    def unsupported(
        self,
        path: FieldPath,
        value: JsonValue,
        supported: tuple[str, ...],
        *,
        said: str | None = None,
        in_order: bool = False,
    ) -> None:
        """``in_order``: the API lists the known values as they are given here, not sorted."""
        known = ", ".join(f'"{one}"' for one in (supported if in_order else sorted(supported)))
        self.add(path, "unsupported-value", f'Unsupported value: "{value}": supported values: {known}', said=said)

    def duplicate(self, path: FieldPath, value: JsonValue) -> None:
        self.add(path, "duplicate", f'Duplicate value: "{value}"')

    def too_many(self, path: FieldPath, count: int, most: int) -> None:
        self.add(path, "too-many", f"Too many: {count}: must have at most {most} items")

    def not_found(self, path: FieldPath, value: JsonValue) -> None:
        self.add(path, "not-found", f'Not found: "{value}"')

    def not_yet(self, path: FieldPath, what: str) -> None:
        """Valid, and refused by name because this version does not do it."""
        self.add(path, "not-yet", f"{what} not there yet", remedy="take it out to run the pod without it")


def items(value: JsonValue) -> Iterator[tuple[int, JsonObject]]:
    """The mappings of a list, with their places in it."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield index, item
