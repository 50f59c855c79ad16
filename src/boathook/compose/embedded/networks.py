"""How the networks of a project are told of where they are all the same one. Pure."""

from __future__ import annotations

from boathook.compose.model import Project
from boathook.events import Noted
from boathook.model import Finding, Severity, Source, Target


def network_target(project: Project, name: str) -> Target:
    return Target(kind="network", scope=project.name, name=name, instance=name)


def still_used(project: Project, name: str, *, kind: str = "Network") -> Noted:
    """The peer's own words for what is kept."""
    file = project.files[0] if project.files else ""
    source = Source(file=file, line=None, column=None, path="")
    message = f"{kind} {name}  Resource is still in use"
    return Noted(
        finding=Finding(
            id="compose.still-in-use", severity=Severity.WARNING, source=source, message=message, remedy=None
        )
    )
