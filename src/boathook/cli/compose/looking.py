"""Which project is looked at. What only looks needs no file where the project's name is given, as with the peer."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from boathook.cli.compose.selection import Selection
from boathook.errors import BoathookError

if TYPE_CHECKING:
    from boathook.compose.model import Project

_NAME = "COMPOSE_PROJECT_NAME"


def project_or_name(selection: Selection, services: tuple[str, ...] = ()) -> tuple[Project | None, str]:
    """The project where a file is given or found (None without one), and its name."""
    if selection.name is not None and not selection.options.files:
        return None, selection.name.lower()
    try:
        project = selection.load(services)
    except BoathookError:
        if name := os.environ.get(_NAME):
            return None, name.lower()
        raise
    return project, project.name


def project_name(selection: Selection) -> str:
    """Where the name is given no file is read at all."""
    if name := selection.name or os.environ.get(_NAME):
        return name.lower()
    return selection.load().name
