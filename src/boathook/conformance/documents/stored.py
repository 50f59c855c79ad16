"""Recorded results as JSON text: what pages are written from without running the cases again. Pure.

What a page shows of a run is kept, and by which manifest it came about; sentences and titles are the case's own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import timedelta

from boathook.conformance.documents.manifests import shown_pod
from boathook.conformance.model import Case, CaseResult, PodCase, Status
from boathook.errors import ManifestError
from boathook.model import Finding, JsonObject, JsonValue, Severity, Source
from boathook.objects import mapping

VERSION = 1
PLACE = "recorded"


def results_text(results: Iterable[CaseResult], *, cases: Iterable[Case], before: str = "", file: str = "") -> str:
    """The record with these results in it, over what it was before.

    Only what passed is recorded: a run that failed or was skipped leaves the last good one. Cases that are no more go.
    """
    known = {case.name for case in cases}
    entries: dict[str, JsonValue] = dict(_entries(before, file)) if before else {}
    entries |= {result.case.name: _entry(result) for result in results if result.status is Status.PASSED}
    kept = {name: entry for name, entry in sorted(entries.items()) if name in known}
    return json.dumps({"version": VERSION, "cases": kept}, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def read_results(text: str, file: str, *, cases: Iterable[Case]) -> tuple[CaseResult, ...]:
    """The results of a record. Raises ``ManifestError`` where a case has another manifest now than it had then."""
    entries = _entries(text, file)
    found = [(case, mapping(entries[case.name])) for case in cases if case.name in entries]
    stale = [case.name for case, entry in found if entry.get("manifest") != _digest(case)]
    if stale:
        remedy = "run the cases again and record their results"
        raise ManifestError(
            tuple(_problem(file, f'the manifest of "{name}" is not the recorded one', remedy) for name in stale)
        )
    return tuple(_result(case, entry) for case, entry in found)


def _entry(result: CaseResult) -> JsonValue:
    pods: JsonObject = {"pods": [shown_pod(pod) for pod in result.pods]} if isinstance(result.case, PodCase) else {}
    return {"manifest": _digest(result.case), **pods, "log": list(result.log)}


def _result(case: Case, entry: JsonObject) -> CaseResult:
    pods, log = entry.get("pods"), entry.get("log")
    return CaseResult(
        case=case,
        status=Status.PASSED,
        reason="",
        place=PLACE,
        pods=tuple(mapping(pod) for pod in pods) if isinstance(pods, list) else (),
        log=tuple(str(line) for line in log) if isinstance(log, list) else (),
        observations=(),
        timeline=(),
        duration=timedelta(0),
    )


def _entries(text: str, file: str) -> Mapping[str, JsonValue]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise ManifestError((_problem(file, f"not a record of results: {error}", None),)) from error
    if not isinstance(record, dict) or record.get("version") != VERSION or not isinstance(record.get("cases"), dict):
        raise ManifestError((_problem(file, f"not a record of results in version {VERSION}", None),))
    return mapping(record["cases"])


def _digest(case: Case) -> str:
    return f"sha256:{hashlib.sha256(case.written.encode()).hexdigest()}"


def _problem(file: str, message: str, remedy: str | None) -> Finding:
    source = Source(file=file, line=None, column=None, path="")
    return Finding(id="documents.results", severity=Severity.ERROR, source=source, message=message, remedy=remedy)
