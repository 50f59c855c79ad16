"""Hooks in tests: a pod or Compose project run for real, or planned in virtual time, with what its hooks did as values
to assert on.

The fixtures are in ``boathook.testing.plugin``, which pytest finds by itself. These names are for annotations and for
fixtures of one's own; they are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boathook.testing.embedded import EmbeddedPlaces, Ran, RunningPod, RunPod
    from boathook.testing.moments import Moment
    from boathook.testing.planned import Assumed, PlannedPod, SimulatePod
    from boathook.testing.planned_projects import PlannedProject, SimulateProject
    from boathook.testing.project_record import ProjectRecord
    from boathook.testing.projects import RunningProject, RunProject
    from boathook.testing.record import HookRun, NotHappened, PodRecord, Record

_MODULES = {
    "Assumed": "planned",
    "EmbeddedPlaces": "embedded",
    "HookRun": "record",
    "Moment": "moments",
    "NotHappened": "record",
    "PlannedPod": "planned",
    "PlannedProject": "planned_projects",
    "PodRecord": "record",
    "ProjectRecord": "project_record",
    "Ran": "embedded",
    "Record": "record",
    "RunPod": "embedded",
    "RunProject": "projects",
    "RunningPod": "embedded",
    "RunningProject": "projects",
    "SimulatePod": "planned",
    "SimulateProject": "planned_projects",
}

__all__ = [
    "Assumed",
    "EmbeddedPlaces",
    "HookRun",
    "Moment",
    "NotHappened",
    "PlannedPod",
    "PlannedProject",
    "PodRecord",
    "ProjectRecord",
    "Ran",
    "Record",
    "RunPod",
    "RunProject",
    "RunningPod",
    "RunningProject",
    "SimulatePod",
    "SimulateProject",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
