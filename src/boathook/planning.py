"""Which dialect a path speaks, and how it is planned: the same code as the run, in simulation."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from boathook.documents import Dialect, Document, load
from boathook.errors import UsageError
from boathook.events import Event, Noted, Stamped
from boathook.model import Finding, JsonObject, Source
from boathook.runtimes.assumptions import Assumptions

Planner: TypeAlias = Callable[[Assumptions], tuple[Stamped, ...]]
Note: TypeAlias = Callable[[Finding], None]


def _unsaid(finding: Finding) -> None: ...


class FileDialect(StrEnum):
    """Which of the four a path speaks."""

    PODS = "pods"
    COMPOSE = "compose"
    CHART = "helm"
    BACKUP = "backup"


def dialect_of(path: Path) -> FileDialect:
    """Which dialect a path speaks. Pods that carry backup hooks are pods.

    Raises ``UsageError`` where there is nothing to read, and ``ManifestError`` for what is no YAML.
    """
    if path.is_dir():
        return FileDialect.CHART if (path / "Chart.yaml").is_file() else FileDialect.COMPOSE
    objects = [one.value for one in _documents(read_text(path), path) if isinstance(one.value, dict)]
    if any("services" in obj for obj in objects):
        return FileDialect.COMPOSE
    return FileDialect.BACKUP if any(obj.get("kind") == "Backup" for obj in objects) else FileDialect.PODS


def find_planner(path: Path, set_values: tuple[str, ...], *, note: Note = _unsaid) -> Planner:
    """Which dialect the path speaks. ``note`` is told what is said of a file without refusing it.

    Raises ``UsageError`` when it speaks none of the four, and ``ManifestError`` for what is no YAML.
    """
    if path.is_dir():
        if (path / "Chart.yaml").is_file():
            return lambda assumptions: _plan_chart(path, set_values, assumptions)
        from boathook.compose.reading.files import files_at

        if files := files_at(path):
            return lambda assumptions: _plan_project(files, assumptions, note)
        raise UsageError(f'nothing to plan in "{path}": neither a Chart.yaml nor a Compose file')
    if set_values:
        raise UsageError("--set is for charts, and this is none")
    text = read_text(path)
    documents = _documents(text, path)
    if any(isinstance(one.value, dict) and "services" in one.value for one in documents):
        return lambda assumptions: _plan_project((path,), assumptions, note)
    objects = [one.value for one in documents if isinstance(one.value, dict)]
    if any(_is_about_backups(obj) for obj in objects):
        return lambda assumptions: _plan_backup(path, text, assumptions)
    return lambda assumptions: _plan_pods(path, text, assumptions)


def read_text(path: Path) -> str:
    """Raises ``UsageError`` when there is no such text file."""
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f'cannot read "{path}": {reason}') from error


def _documents(text: str, path: Path) -> tuple[Document, ...]:
    # Compose's reading accepts all that Kubernetes' does; the dialect reads it again with its own.
    return load(text, str(path), Dialect.COMPOSE)


def _plan_pods(path: Path, text: str, assumptions: Assumptions) -> tuple[Stamped, ...]:
    from boathook.pods import parse_pods, simulate_pod

    return simulate_pod(parse_pods(text, str(path)), assumptions)


def _plan_project(files: tuple[Path, ...], assumptions: Assumptions, note: Note) -> tuple[Stamped, ...]:
    from boathook.compose import load_project, plan_project

    parsed = load_project(*files, name=None, environment=os.environ)
    for finding in parsed.warnings:
        note(finding)
    return plan_project(parsed.project, assumptions)


def _plan_chart(path: Path, set_values: tuple[str, ...], assumptions: Assumptions) -> tuple[Stamped, ...]:
    from boathook.helm import GivenValue, plan_install
    from boathook.helm.model import ValueSource

    values = tuple(GivenValue(source=ValueSource.SET, text=value) for value in set_values)
    return plan_install(path, values, assumptions)


def _is_about_backups(obj: JsonObject) -> bool:
    """A Backup, or a pod that carries backup hooks."""
    if obj.get("kind") == "Backup":
        return True
    metadata = obj.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    return isinstance(annotations, dict) and any("hook.backup." in name for name in annotations)


def _name_for(path: Path) -> str:
    """A name that an object may have, after the file's."""
    return re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "backup"


def _plan_backup(path: Path, text: str, assumptions: Assumptions) -> tuple[Stamped, ...]:
    """The file's pods, and a backup of all of them, or as the file's Backup says."""
    from boathook.backup import plan_backup
    from boathook.backup.parse import backup_of_document, spec_from_flags
    from boathook.pods import parse_pods

    documents = load(text, str(path))
    backups = [one for one in documents if isinstance(one.value, dict) and one.value.get("kind") == "Backup"]
    if backups:
        if len(backups) > 1:
            raise UsageError(f'found {len(backups)} Backups in "{path}", expected one to plan')
        spec = backup_of_document(backups[0])
        objects: list[JsonObject] = [
            one.value for one in documents if isinstance(one.value, dict) and one not in backups
        ]
        return _positioned(plan_backup(objects, spec, assumptions), documents)
    spec = spec_from_flags(_name_for(path), included=(), excluded=(), selector="", ttl="", labels="")
    pod_file = parse_pods(text, str(path))
    planned = plan_backup([*pod_file.objects, *pod_file.pod_objects], spec, assumptions)
    return _positioned(planned, documents)


def _positioned(stamped: tuple[Stamped, ...], documents: tuple[Document, ...]) -> tuple[Stamped, ...]:
    """A backup reads annotations from objects, which know of no file; here their file is at hand."""
    written: dict[tuple[str, str], Source] = {}
    for document in documents:
        value = document.value if isinstance(document.value, dict) else {}
        metadata = value.get("metadata")
        annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
        if isinstance(metadata, dict) and isinstance(annotations, dict):
            scope = f"{metadata.get('namespace') or 'default'}/{metadata.get('name')}"
            sources = (document.source(("metadata", "annotations", key)) for key in annotations)
            written |= {(scope, source.path): source for source in sources}
    return tuple(replace(one, event=_with_source(one.event, written)) for one in stamped)


def _with_source(event: Event, written: Mapping[tuple[str, str], Source]) -> Event:
    if not isinstance(event, Noted):
        return event
    finding = event.finding
    source = written.get((finding.source.file, finding.source.path), finding.source)
    return replace(event, finding=replace(finding, source=source))
