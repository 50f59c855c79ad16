"""A document against a pydantic model: every problem as a positioned finding in people's words.

pydantic is imported only when a document is validated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from boathook.documents.document import Document, Path, exists_in, path_text, value_at
from boathook.errors import ManifestError
from boathook.model import Finding, JsonValue, Severity

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

M = TypeVar("M", bound="BaseModel")

LONGEST_SHOWN = 60

EXPECTED_KINDS: Mapping[str, str] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dataclass_type": "a mapping",
    "dict_type": "a mapping",
    "float_parsing": "a number",
    "float_type": "a number",
    "frozen_set_type": "a list",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "mapping_type": "a mapping",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "none_required": "nothing",
    "set_type": "a list",
    "string_sub_type": "text",
    "string_type": "text",
    "tuple_type": "a list",
}
"""By pydantic's type of error: what should have been there instead."""

BOUNDS: Mapping[str, tuple[str, str]] = {
    "enum": ("{}", "expected"),
    "greater_than": ("a number above {}", "gt"),
    "greater_than_equal": ("at least {}", "ge"),
    "less_than": ("a number below {}", "lt"),
    "less_than_equal": ("at most {}", "le"),
    "literal_error": ("{}", "expected"),
    "multiple_of": ("a multiple of {}", "multiple_of"),
    "string_pattern_mismatch": ('text that matches "{}"', "pattern"),
    "string_too_long": ("at most {} characters", "max_length"),
    "string_too_short": ("at least {} characters", "min_length"),
    "too_long": ("at most {} items", "max_length"),
    "too_short": ("at least {} items", "min_length"),
}
"""By pydantic's type of error: the expectation, and what it calls the limit in it."""


def validate(model: type[M], document: Document, *, at: Path = (), prefix: str) -> M:
    """The part of the document at ``at`` as a ``model``. Raises ``ManifestError`` with all that is wrong with it.

    ``prefix`` starts the findings' identifiers (``pods`` gives ``pods.unknown-field``).
    """
    import pydantic

    try:
        return model.model_validate(value_at(document, at))
    except pydantic.ValidationError as error:
        raise ManifestError(_findings(error.errors(include_url=False), document, at, prefix)) from None


def findings_of(model: type[BaseModel], document: Document, *, at: Path = (), prefix: str) -> tuple[Finding, ...]:
    """What ``validate`` would refuse; empty when nothing is wrong."""
    try:
        validate(model, document, at=at, prefix=prefix)
    except ManifestError as error:
        return error.problems
    return ()


@dataclass(frozen=True, slots=True)
class _Complaint:
    """One thing that is wrong at one place. ``expected`` is set where it is only about what should stand there."""

    path: Path
    kind: str
    message: str
    expected: str | None


def _findings(errors: list[ErrorDetails], document: Document, at: Path, prefix: str) -> tuple[Finding, ...]:
    complaints = _joined([_complaint(error, document, at) for error in errors])
    findings = [_finding(complaint, document, prefix) for complaint in complaints]
    return tuple(sorted(findings, key=lambda finding: (finding.source.line or 0, finding.source.column or 0)))


def _finding(complaint: _Complaint, document: Document, prefix: str) -> Finding:
    unknown = complaint.kind == "unknown-field"
    source = document.key_source(complaint.path) if unknown else document.source(complaint.path)
    message = complaint.message
    if complaint.expected is not None:
        message = f"found {shown(value_at(document, complaint.path))}, expected {complaint.expected}"
    return Finding(
        id=f"{prefix}.{complaint.kind}", severity=Severity.ERROR, source=source, message=message, remedy=None
    )


def _joined(complaints: list[_Complaint]) -> list[_Complaint]:
    """Several expectations of one place (each member of a union has its own) as one: ``expected text or a list``."""
    joined: list[_Complaint] = []
    at: dict[Path, int] = {}
    for complaint in complaints:
        if complaint.expected is None:
            joined.append(complaint)
        elif complaint.path not in at:
            at[complaint.path] = len(joined)
            joined.append(complaint)
        else:
            earlier = joined[at[complaint.path]]
            known = str(earlier.expected).split(" or ")
            if complaint.expected not in known:
                expected = " or ".join([*known, complaint.expected])
                joined[at[complaint.path]] = _Complaint(complaint.path, earlier.kind, "", expected)
    return joined


def _complaint(error: ErrorDetails, document: Document, at: Path) -> _Complaint:
    kind = error["type"]
    context: Mapping[str, Any] = error.get("ctx", {})
    path = real_path(document.value, at, error["loc"], missing=kind == "missing")
    if kind == "missing":
        return _Complaint(path, "missing-field", "required field is missing", None)
    if kind == "extra_forbidden":
        return _Complaint(path, "unknown-field", f'unknown field "{path_text(path)}"', None)
    if kind in EXPECTED_KINDS:
        return _Complaint(path, "wrong-type", "", EXPECTED_KINDS[kind])
    if kind in BOUNDS:
        words, name = BOUNDS[kind]
        return _Complaint(path, "wrong-value", "", words.format(_in_quotes(context.get(name))))
    if kind in ("value_error", "assertion_error"):
        return _Complaint(path, "wrong-value", str(context.get("error", error["msg"])), None)
    return _Complaint(path, "wrong-value", error["msg"][:1].lower() + error["msg"][1:], None)


def real_path(value: JsonValue, at: Path, loc: Path, *, missing: bool) -> Path:
    """A pydantic location as a path of the document: names of union members and validators are not part of it."""
    path = at
    for number, part in enumerate(loc):
        longer = (*path, part)
        if exists_in(value, longer) or (missing and number == len(loc) - 1):
            path = longer
    return path


def shown(value: JsonValue) -> str:
    """A found value in words: ``"text"`` in quotes, ``a list``, ``a mapping``, ``nothing``."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            text = value if len(value) <= LONGEST_SHOWN else value[: LONGEST_SHOWN - 1] + "…"
            return '"' + text.replace("\n", "\\n") + '"'
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return str(value)


def _in_quotes(expected: object) -> str:
    """pydantic writes allowed values in single quotes; ours stand in double ones."""
    return re.sub(r"'([^']*)'", r'"\1"', str(expected))
