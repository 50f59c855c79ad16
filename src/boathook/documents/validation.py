"""A document against a class of ``fields``: every problem as a positioned finding in people's words."""

from __future__ import annotations

from typing import TypeVar

from boathook.documents.document import Document, Path, exists_in, path_text, value_at
from boathook.documents.fields import Complaint, Complaints, Fields, check_fields
from boathook.errors import ManifestError
from boathook.model import Finding, JsonValue, Severity

M = TypeVar("M", bound=Fields)

LONGEST_SHOWN = 60


def validate(model: type[M], document: Document, *, at: Path = (), prefix: str) -> M:
    """The part of the document at ``at`` as a ``model``. Raises ``ManifestError`` with all that is wrong with it.

    ``prefix`` starts the findings' identifiers (``pods`` gives ``pods.unknown-field``).
    """
    complaints: Complaints = []
    checked: M = check_fields(model, value_at(document, at), (), complaints)
    if complaints:
        raise ManifestError(_findings(complaints, document, at, prefix))
    return checked


def findings_of(model: type[Fields], document: Document, *, at: Path = (), prefix: str) -> tuple[Finding, ...]:
    """What ``validate`` would refuse; empty when nothing is wrong."""
    try:
        validate(model, document, at=at, prefix=prefix)
    except ManifestError as error:
        return error.problems
    return ()


def _findings(complaints: Complaints, document: Document, at: Path, prefix: str) -> tuple[Finding, ...]:
    placed = [one._replace(path=_real_path(document.value, at, one)) for one in complaints]
    findings = [_finding(complaint, document, prefix) for complaint in _joined(placed)]
    return tuple(sorted(findings, key=lambda finding: (finding.source.line or 0, finding.source.column or 0)))


def _finding(complaint: Complaint, document: Document, prefix: str) -> Finding:
    unknown = complaint.kind == "unknown-field"
    source = document.key_source(complaint.path) if unknown else document.source(complaint.path)
    message = f'unknown field "{path_text(complaint.path)}"' if unknown else complaint.message
    if complaint.expected is not None:
        message = f"found {shown(value_at(document, complaint.path))}, expected {complaint.expected}"
    return Finding(
        id=f"{prefix}.{complaint.kind}", severity=Severity.ERROR, source=source, message=message, remedy=None
    )


def _joined(complaints: Complaints) -> Complaints:
    """Several expectations of one place (each member of a union has its own) as one: ``expected text or a list``."""
    joined: Complaints = []
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
                joined[at[complaint.path]] = Complaint(complaint.path, earlier.kind, "", expected)
    return joined


def _real_path(value: JsonValue, at: Path, complaint: Complaint) -> Path:
    """Where it is in the document: a long form that a short one became has parts that nobody wrote."""
    path = at
    for number, part in enumerate(complaint.path):
        longer = (*path, part)
        missing = complaint.kind == "missing-field" and number == len(complaint.path) - 1
        if missing or exists_in(value, longer):
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
