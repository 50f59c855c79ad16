"""Text in columns, as the peer sets it (Go's text/tabwriter), and rows by a template of its user's. Pure.

Of Go's templates only what tables need is known: fields, labels, and a few functions of one field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from boathook.errors import UsageError
from boathook.model import JsonValue

TABLE, JSON, PRETTY = "table", "json", "pretty"

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}", re.DOTALL)
_FIELD = re.compile(r"(?:(json|upper|lower|title|len)\s+)?\.([A-Za-z]*)")
_LABEL = re.compile(r'\.Label\s+"([^"]*)"')

Row = Mapping[str, JsonValue]


def columns(rows: Iterable[Sequence[str]], *, least: int, padding: int) -> str:
    """Each column as wide as its widest entry and ``padding``, and at least ``least``; the last one as it comes."""
    lines = [tuple(row) for row in rows]
    count = max((len(line) for line in lines), default=0)
    widths = [
        max(least, padding + max((len(line[at]) for line in lines if at < len(line) - 1), default=0))
        for at in range(count)
    ]
    return "".join(
        "".join(f"{text:<{width}}" for text, width in zip(line[:-1], widths, strict=False)) + line[-1] + "\n"
        for line in lines
        if line
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What is printed of each row: text, and in it what is taken from the row."""

    pieces: tuple[str | Piece, ...]

    def fill(self, row: Row, labels: Mapping[str, str]) -> str:
        return "".join(one if isinstance(one, str) else one.take(row, labels) for one in self.pieces)

    def heading(self, headings: Mapping[str, str]) -> str:
        return "".join(one if isinstance(one, str) else one.heading(headings) for one in self.pieces)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One ``{{…}}``."""

    function: str
    field: str
    label: str | None = None

    def take(self, row: Row, labels: Mapping[str, str]) -> str:
        if self.label is not None:
            return labels.get(self.label, "")
        if self.field and self.field not in row:
            raise UsageError(f'template: there is no field "{self.field}"; there are {", ".join(sorted(row))}')
        value: JsonValue = row[self.field] if self.field else dict(row)
        return _FUNCTIONS[self.function](value)

    def heading(self, headings: Mapping[str, str]) -> str:
        if self.label is not None:
            return self.label.rpartition(".")[2].replace("-", " ").replace("_", " ")
        return headings.get(self.field, self.field.upper())


def _as_text(value: JsonValue) -> str:
    return value if isinstance(value, str) else dumps(value)


_FUNCTIONS: Mapping[str, Callable[[JsonValue], str]] = {
    "": _as_text,
    "json": lambda value: escaped(dumps(value)),
    "upper": lambda value: _as_text(value).upper(),
    "lower": lambda value: _as_text(value).lower(),
    "title": lambda value: _as_text(value).title(),
    "len": lambda value: str(len(value) if isinstance(value, str | list | dict) else 0),
}


def dumps(value: JsonValue) -> str:
    """As Go writes it: no blanks."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def escaped(text: str) -> str:
    """JSON as Go writes it for a page: what would be markup there is written by number."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def parse_template(text: str) -> Template:
    """Raises ``UsageError`` for what of Go's templates is not known here."""
    pieces: list[str | Piece] = []
    at = 0
    unescaped = text.replace("\\t", "\t").replace("\\n", "\n")
    for found in _ACTION.finditer(unescaped):
        pieces.append(unescaped[at : found.start()])
        pieces.append(_piece(found[1]))
        at = found.end()
    rest = unescaped[at:]
    if "{{" in rest:
        raise UsageError(f'template parsing error: "{text}": an action is not closed')
    return Template(pieces=(*pieces, rest))


def _piece(action: str) -> Piece:
    if found := _LABEL.fullmatch(action):
        return Piece(function="", field="", label=found[1])
    if (found := _FIELD.fullmatch(action)) and (found[1] or found[2]):
        return Piece(function=found[1] or "", field=found[2])
    raise UsageError(
        f'template parsing error: "{{{{{action}}}}}" is not supported',
        hint='what is: {{.FIELD}}, {{.Label "NAME"}}, {{json .}}, and json, upper, lower, title, len of a field',
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Rows that may be shown in any format: what ``json`` has of each, and the labels that a template may ask for."""

    rows: tuple[tuple[Row, Mapping[str, str]], ...]
    headings: Mapping[str, str]
    default: str
    """The template of the table where none is given."""

    def shown(self, style: str) -> str:
        """``table``, ``table TEMPLATE``, ``json``, or a template (docker/cli cli/command/formatter)."""
        if style == JSON:
            return self._filled(parse_template("{{json .}}"))
        if style in (TABLE, ""):
            return self._table(parse_template(self.default))
        if style.startswith(f"{TABLE} "):
            return self._table(parse_template(style.removeprefix(TABLE).strip()))
        return self._filled(parse_template(style))

    def _filled(self, template: Template) -> str:
        return "".join(f"{template.fill(row, labels)}\n" for row, labels in self.rows)

    def _table(self, template: Template) -> str:
        lines = [template.heading(self.headings), *(template.fill(row, labels) for row, labels in self.rows)]
        return columns((line.split("\t") for line in lines), least=10, padding=3)
