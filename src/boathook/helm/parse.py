"""Rendered text to hooks and resources: how documents are split, what makes one a hook, and all defaults but one.

The default delete policy takes effect when a hook runs and is stored only then, so it is not filled in here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from boathook.documents import Document, load
from boathook.errors import ManifestError
from boathook.helm.annotations import INTEGER, as_text, findings_of_hook, listed
from boathook.helm.hooks import kind_sorted
from boathook.helm.model import (
    EVENTS,
    HOOK,
    HOOK_DELETE_POLICY,
    HOOK_OUTPUT_LOG_POLICY,
    HOOK_WEIGHT,
    NEVER_RAN,
    Chart,
    HelmHook,
    HookEvent,
    Resource,
)
from boathook.helm.positions import in_template, template_file
from boathook.helm.workloads import workload_problems
from boathook.model import Finding, JsonValue, Severity, Source

# Helm >= 4.2.4, pkg/release/v1/util/manifest.go. A glued ``---apiVersion: v1`` separates too.
SEPARATOR = re.compile(r"(?m)^---[ \t]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedFiles:
    """What was in the rendered files: hooks and resources in stored order, notes, and what is worth saying."""

    hooks: tuple[HelmHook, ...]
    resources: tuple[Resource, ...]
    notes: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedDocument:
    """One document of one rendered file, with what is needed to point into its template."""

    path: str
    text: str
    document: Document | None
    """None for a document of comments alone."""
    file: str
    template: str | None

    @property
    def kind(self) -> str:
        return str(self.value.get("kind") or "")

    @property
    def value(self) -> dict[str, JsonValue]:
        value = self.document.value if self.document else None
        return value if isinstance(value, dict) else {}

    @property
    def annotations(self) -> dict[str, JsonValue]:
        metadata = self.value.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        return annotations if isinstance(annotations, dict) else {}

    def source(self, path: tuple[str | int, ...]) -> Source:
        """Where a field stands in the template, as far as that can be told."""
        if self.document is None:
            return Source(file=self.file, line=None, column=None, path="")
        return in_template(self.document.source(path), file=self.file, template=self.template, rendered=self.text)


def split_documents(text: str) -> tuple[str, ...]:
    """The documents of a file, without what is blank before each; trailing newlines stay (Helm >= 4.2)."""
    parts = (part.lstrip() for part in SEPARATOR.split(text))
    return tuple(part for part in parts if part.strip())


def hook_events(written: str) -> tuple[HookEvent, ...] | None:
    """The events of a ``helm.sh/hook`` annotation; None when one of them is unknown: the document is then dropped."""
    names = listed(written)
    return tuple(EVENTS[name] for name in names) if all(name in EVENTS for name in names) else None


def hook_weight(written: str) -> int:
    """0 for everything that is no decimal integer."""
    return int(written) if INTEGER.fullmatch(written) else 0


def sort_files(files: Mapping[str, str], chart: Chart) -> SortedFiles:
    """Split, classify and sort what a renderer gave. Raises ``ManifestError`` with every problem of every file."""
    documents, problems = _documents(files, chart)
    hooks: list[HelmHook] = []
    resources: list[Resource] = []
    findings: list[Finding] = []
    for document in documents:
        problems += _object_problems(document)
        problems += _workload_problems(document)
        findings += findings_of_hook(document)
        if HOOK not in document.annotations:
            resources.append(Resource(path=document.path, text=document.text, value=document.value or None))
        elif (events := hook_events(as_text(document.annotations[HOOK]))) is not None:
            hooks.append(_hook(document, events))
    problems += [one for one in findings if one.severity is Severity.ERROR]
    if problems:
        raise ManifestError(tuple(sorted(problems, key=lambda one: (one.source.file, one.source.line or 0))))
    notes = files.get(f"{chart.name}/templates/NOTES.txt", "")
    return SortedFiles(
        hooks=kind_sorted(hooks, lambda hook: hook.kind),
        resources=kind_sorted(resources, lambda resource: resource.kind),
        notes=notes,
        findings=tuple(findings),
    )


def _hook(document: RenderedDocument, events: tuple[HookEvent, ...]) -> HelmHook:
    annotations = document.annotations
    metadata = document.value.get("metadata")
    return HelmHook(
        name=str(metadata.get("name") or "") if isinstance(metadata, dict) else "",
        kind=document.kind,
        path=document.path,
        manifest=document.text,
        events=events,
        weight=hook_weight(as_text(annotations.get(HOOK_WEIGHT))),
        delete_policies=_policies(annotations, HOOK_DELETE_POLICY),
        output_log_policies=_policies(annotations, HOOK_OUTPUT_LOG_POLICY),
        last_run=NEVER_RAN,
    )


def _policies(annotations: Mapping[str, JsonValue], key: str) -> tuple[str, ...]:
    return listed(annotations[key]) if key in annotations else ()


def _documents(files: Mapping[str, str], chart: Chart) -> tuple[list[RenderedDocument], list[Finding]]:
    documents: list[RenderedDocument] = []
    problems: list[Finding] = []
    templates = dict(chart.templates)
    for path in sorted(files, key=str.encode):
        base = path.rpartition("/")[2]
        if base.startswith("_") or path.endswith("NOTES.txt"):
            continue
        template = templates.get(path.partition("/")[2])
        file = template_file(Path(chart.path), path)
        for text in split_documents(files[path]):
            blank = RenderedDocument(path=path, text=text, document=None, file=file, template=template)
            try:
                documents.append(replace(blank, document=_load(text, path)))
            except ManifestError as error:
                problems += _relocated(error, blank)
    return documents, problems


def _load(text: str, path: str) -> Document | None:
    documents = load(text, path)
    if len(documents) > 1:
        raise ManifestError((_not_a_map(documents[1], path),))
    if documents and not isinstance(documents[0].value, dict):
        raise ManifestError((_not_a_map(documents[0], path),))
    return documents[0] if documents else None


def _not_a_map(document: Document, path: str) -> Finding:
    return Finding(
        id="helm.not-a-map",
        severity=Severity.ERROR,
        source=document.source(()),
        message="found no mapping, expected one object per document",
        remedy=None,
    )


def _relocated(error: ManifestError, document: RenderedDocument) -> Iterator[Finding]:
    """Problems of the rendered text, told as Helm does and placed in the template where that can be."""
    for problem in error.problems:
        source = in_template(problem.source, file=document.file, template=document.template, rendered=document.text)
        where = ""
        if source.line is None and problem.source.line is not None:
            lines = document.text.splitlines()
            number = problem.source.line
            line = lines[number - 1].strip() if number <= len(lines) else ""
            where = f' (line {number} of the rendered document: "{line}")'
        yield replace(
            problem,
            id="helm.yaml",
            source=source,
            message=f"YAML parse error on {document.path}: {problem.message}{where}",
        )


def _workload_problems(document: RenderedDocument) -> Iterator[Finding]:
    if document.document is None:
        return
    for problem in workload_problems(document.document):
        source = in_template(problem.source, file=document.file, template=document.template, rendered=document.text)
        yield replace(problem, source=source)


def _object_problems(document: RenderedDocument) -> Iterator[Finding]:
    """What no API server could take: an object without a kind, an apiVersion or a name."""
    if not document.value:
        return
    metadata = document.value.get("metadata")
    named = isinstance(metadata, dict) and (metadata.get("name") or metadata.get("generateName"))
    missing = [key for key in ("apiVersion", "kind") if not document.value.get(key)]
    if not named and not document.kind.endswith("List"):
        missing.append("metadata.name")
    for key in missing:
        yield Finding(
            id="helm.incomplete-object",
            severity=Severity.ERROR,
            source=document.source(()),
            message=f"{key} is missing: no object can be made of this document",
            remedy=None,
        )
