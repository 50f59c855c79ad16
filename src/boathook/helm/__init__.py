"""Helm charts: rendering, hooks by event and weight, releases in Helm's own records, install and uninstall.

The names are imported on first use: this package is also what the renderer's child process starts in.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boathook.helm.actions import (
        Installed,
        InstallOptions,
        Uninstalled,
        UninstallOptions,
        install,
        uninstall,
    )
    from boathook.helm.chart import load_chart
    from boathook.helm.model import GivenValue, HelmHook, Release, ReleaseOptions, ReleaseStatus, RenderedChart
    from boathook.helm.plan import plan_install
    from boathook.helm.recovery import SETTLERS
    from boathook.helm.storage import ReleaseStore

_MODULES = {
    "SETTLERS": "recovery",
    "GivenValue": "model",
    "HelmHook": "model",
    "InstallOptions": "actions",
    "Installed": "actions",
    "Release": "model",
    "ReleaseOptions": "model",
    "ReleaseStatus": "model",
    "ReleaseStore": "storage",
    "RenderedChart": "model",
    "UninstallOptions": "actions",
    "Uninstalled": "actions",
    "install": "actions",
    "load_chart": "chart",
    "plan_install": "plan",
    "uninstall": "actions",
}

__all__ = [
    "SETTLERS",
    "GivenValue",
    "HelmHook",
    "InstallOptions",
    "Installed",
    "Release",
    "ReleaseOptions",
    "ReleaseStatus",
    "ReleaseStore",
    "RenderedChart",
    "UninstallOptions",
    "Uninstalled",
    "install",
    "load_chart",
    "plan_install",
    "uninstall",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
