"""Compose projects with their ``post_start`` and ``pre_stop`` hooks.

``load_project`` reads a file, ``ProjectWorker`` brings its project up and down on any runtime, ``plan_project`` shows
what that would do.
"""

from __future__ import annotations

from boathook.compose.files import load_project
from boathook.compose.model import Project, Service
from boathook.compose.parse import Parsed, parse_project
from boathook.compose.plan import plan_project
from boathook.compose.project import ProjectWorker
from boathook.compose.recovery import SETTLERS

__all__ = [
    "SETTLERS",
    "Parsed",
    "Project",
    "ProjectWorker",
    "Service",
    "load_project",
    "parse_project",
    "plan_project",
]
