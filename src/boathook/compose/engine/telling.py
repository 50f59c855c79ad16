"""How the engine's place says what is worth knowing and stops nothing."""

from __future__ import annotations

from boathook.compose.model import Project
from boathook.events import EventStream, Noted
from boathook.model import Finding, Severity, Source


def warn(events: EventStream, project: Project, message: str, *, kind: str = "engine") -> None:
    events.emit(Noted(finding=warning(project, message, kind=kind)))


def warning(project: Project, message: str, *, path: str = "", kind: str = "engine") -> Finding:
    file = project.files[0] if project.files else ""
    source = Source(file=file, line=None, column=None, path=path)
    return Finding(id=f"compose.{kind}", severity=Severity.WARNING, source=source, message=message, remedy=None)
