"""What is worth saying about a document's hook annotations. Helm itself says almost nothing of this."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from boathook.helm.model import (
    BEFORE_HOOK_CREATION,
    DELETE_POLICIES,
    EVENTS,
    HOOK,
    HOOK_DELETE_POLICY,
    HOOK_OUTPUT_LOG_POLICY,
    HOOK_SUCCEEDED,
    HOOK_WEIGHT,
    LOG_POLICIES,
    HookEvent,
)
from boathook.model import Finding, JsonValue, Severity

if TYPE_CHECKING:
    from boathook.helm.parse import RenderedDocument

# strconv.Atoi: a sign and ASCII digits, nothing else, not even blanks around them.
INTEGER = re.compile(r"[+-]?[0-9]+")


def as_text(value: JsonValue) -> str:
    """An annotation as Helm's sorter sees it: scalars become text."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)


def listed(written: JsonValue) -> tuple[str, ...]:
    """A comma list as Helm reads it: trimmed, lower case. An empty text is one empty item."""
    return tuple(item.strip().lower() for item in as_text(written).split(","))


def findings_of_hook(document: RenderedDocument) -> Iterator[Finding]:
    """Everything about one document's annotations, in the order in which they are read."""
    yield from _not_text(document)
    annotations = document.annotations
    if HOOK not in annotations:
        yield from _hook_keys_without_hook(document)
        return
    unknown = [name for name in listed(annotations[HOOK]) if name not in EVENTS]
    if unknown:
        yield _finding(
            document,
            HOOK,
            "helm.unknown-event",
            f"skipping unknown hooks: {_quoted(unknown)}; the whole document is dropped, as Helm drops it",
            f"known events: {', '.join(HookEvent)}",
        )
        return
    yield from _weight(document)
    yield from _unknown_policies(document)
    yield from _finished_job_stays(document)


def _not_text(document: RenderedDocument) -> Iterator[Finding]:
    for key, value in document.annotations.items():
        if isinstance(value, str):
            continue
        yield Finding(
            id="helm.annotation-not-text",
            severity=Severity.ERROR,
            source=document.source(("metadata", "annotations", key)),
            message=f"found {as_text(value)}, expected text: no API server accepts it",
            remedy=f'write "{as_text(value)}" with quotes' if isinstance(value, bool | int | float) else None,
        )


def _hook_keys_without_hook(document: RenderedDocument) -> Iterator[Finding]:
    for key in (HOOK_WEIGHT, HOOK_DELETE_POLICY, HOOK_OUTPUT_LOG_POLICY):
        if key in document.annotations:
            yield _finding(document, key, "helm.no-hook", f"does nothing without {HOOK}: this is no hook", None)


def _weight(document: RenderedDocument) -> Iterator[Finding]:
    written = document.annotations.get(HOOK_WEIGHT)
    if isinstance(written, str) and not INTEGER.fullmatch(written):
        yield _finding(
            document, HOOK_WEIGHT, "helm.bad-weight", f'found "{written}", which is no integer: it counts as 0', None
        )


def _unknown_policies(document: RenderedDocument) -> Iterator[Finding]:
    known = {HOOK_DELETE_POLICY: DELETE_POLICIES, HOOK_OUTPUT_LOG_POLICY: LOG_POLICIES}
    for key, names in known.items():
        if key not in document.annotations:
            continue
        unknown = [name for name in listed(document.annotations[key]) if name not in names]
        if unknown:
            instead = f"; the default {BEFORE_HOOK_CREATION} does not apply either" if key == HOOK_DELETE_POLICY else ""
            yield _finding(
                document,
                key,
                "helm.unknown-policy",
                f"{_quoted(unknown)} matches nothing{instead}",
                f"known policies: {', '.join(names)}",
            )


def _finished_job_stays(document: RenderedDocument) -> Iterator[Finding]:
    """Helm 4 applies a Job that is there already, which changes nothing: the hook does not run (helm-hooks.md H2)."""
    if document.kind != "Job" or HOOK_DELETE_POLICY not in document.annotations:
        return
    policies = listed(document.annotations[HOOK_DELETE_POLICY])
    if BEFORE_HOOK_CREATION in policies:
        return
    stays = "a Job that failed" if HOOK_SUCCEEDED in policies else "a Job that has ended"
    yield Finding(
        id="helm.job-runs-once",
        severity=Severity.NOTE if HOOK_SUCCEEDED in policies else Severity.WARNING,
        source=document.source(("metadata", "annotations", HOOK_DELETE_POLICY)),
        message=f"{stays} stays, and the next operation finds its result instead of running it again",
        remedy=f"add {BEFORE_HOOK_CREATION} to the list",
    )


def _finding(document: RenderedDocument, key: str, identifier: str, message: str, remedy: str | None) -> Finding:
    return Finding(
        id=identifier,
        severity=Severity.WARNING,
        source=document.source(("metadata", "annotations", key)),
        message=message,
        remedy=remedy,
    )


def _quoted(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
