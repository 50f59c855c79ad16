"""YAML text -> documents with positions, read as the Go tools read it. Knows no dialect's fields."""

from __future__ import annotations

from boathook.documents.document import Document, Path, path_text, value_at
from boathook.documents.fields import AtLeast, Before, Fields, Spelled, camel_case
from boathook.documents.reading import Reading, load, read
from boathook.documents.scalars import Dialect
from boathook.documents.validation import findings_of, shown, validate

__all__ = [
    "AtLeast",
    "Before",
    "Dialect",
    "Document",
    "Fields",
    "Path",
    "Reading",
    "Spelled",
    "camel_case",
    "findings_of",
    "load",
    "path_text",
    "read",
    "shown",
    "validate",
    "value_at",
]
