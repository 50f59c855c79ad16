"""Compose projects with their ``post_start`` and ``pre_stop`` hooks.

``load_project`` reads a file, ``ProjectWorker`` brings its project up and down on any runtime, ``plan_project`` shows
what that would do. Names are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boathook.compose.model import Project, Service
    from boathook.compose.options import DownOptions, HookWishes, StopOptions, UpOptions
    from boathook.compose.parse import Parsed, parse_project
    from boathook.compose.plan import plan_project
    from boathook.compose.project import ProjectWorker
    from boathook.compose.reading.files import load_project
    from boathook.compose.recovery import SETTLERS

_MODULES = {
    "SETTLERS": "recovery",
    "DownOptions": "options",
    "HookWishes": "options",
    "Parsed": "parse",
    "Project": "model",
    "ProjectWorker": "project",
    "Service": "model",
    "StopOptions": "options",
    "UpOptions": "options",
    "load_project": "reading.files",
    "parse_project": "parse",
    "plan_project": "plan",
}

__all__ = [
    "SETTLERS",
    "DownOptions",
    "HookWishes",
    "Parsed",
    "Project",
    "ProjectWorker",
    "Service",
    "StopOptions",
    "UpOptions",
    "load_project",
    "parse_project",
    "plan_project",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
