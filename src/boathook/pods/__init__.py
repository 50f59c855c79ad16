"""Kubernetes pods: the manifest, its lifecycle with postStart and preStop hooks, and its termination.

The names are imported on first use: reading a manifest needs nothing of what runs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boathook.pods.lifecycle import PodWorker
    from boathook.pods.model import Phase, Pod, PodContainer, PodFile, RestartPolicy
    from boathook.pods.parse import parse_pods, pod_from_object
    from boathook.pods.recovery import SETTLERS
    from boathook.pods.resources import FileResources, VolumeResolver
    from boathook.pods.run import PodRun, run_pod, simulate_pod

_MODULES = {
    "SETTLERS": "recovery",
    "FileResources": "resources",
    "Phase": "model",
    "Pod": "model",
    "PodContainer": "model",
    "PodFile": "model",
    "PodRun": "run",
    "PodWorker": "lifecycle",
    "RestartPolicy": "model",
    "VolumeResolver": "resources",
    "parse_pods": "parse",
    "pod_from_object": "parse",
    "run_pod": "run",
    "simulate_pod": "run",
}

__all__ = [
    "SETTLERS",
    "FileResources",
    "Phase",
    "Pod",
    "PodContainer",
    "PodFile",
    "PodRun",
    "PodWorker",
    "RestartPolicy",
    "VolumeResolver",
    "parse_pods",
    "pod_from_object",
    "run_pod",
    "simulate_pod",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
