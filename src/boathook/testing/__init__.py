"""Hooks in tests: a pod run for real, or planned in virtual time, with what its hooks did as values to assert on.

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
    from boathook.testing.record import HookRun, NotHappened, PodRecord

_MODULES = {
    "Assumed": "planned",
    "EmbeddedPlaces": "embedded",
    "HookRun": "record",
    "Moment": "moments",
    "NotHappened": "record",
    "PlannedPod": "planned",
    "PodRecord": "record",
    "Ran": "embedded",
    "RunPod": "embedded",
    "RunningPod": "embedded",
    "SimulatePod": "planned",
}

__all__ = [
    "Assumed",
    "EmbeddedPlaces",
    "HookRun",
    "Moment",
    "NotHappened",
    "PlannedPod",
    "PodRecord",
    "Ran",
    "RunPod",
    "RunningPod",
    "SimulatePod",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
