"""Boathook runs, explains and records container lifecycle hooks: Kubernetes pods, Compose, Helm, Ark/Velero backups.

The names promised to library users are imported on first use, so that importing the package costs next to nothing.
Not even ``typing`` is imported: the spawner starts with this module, and each of its forks carries what it has.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from boathook.errors import BoathookError, ManifestError, OperationFailed
    from boathook.events import Stamped
    from boathook.library import Place, local, plan
    from boathook.model import Finding, Hook, HookPoint, HookResult, Outcome
    from boathook.report.timeline import render_timeline

__version__ = "0.1.0"

_MODULES = {
    "BoathookError": "errors",
    "Finding": "model",
    "Hook": "model",
    "HookPoint": "model",
    "HookResult": "model",
    "ManifestError": "errors",
    "OperationFailed": "errors",
    "Outcome": "model",
    "Place": "library",
    "Stamped": "events",
    "local": "library",
    "plan": "library",
    "render_timeline": "report.timeline",
}

__all__ = [
    "BoathookError",
    "Finding",
    "Hook",
    "HookPoint",
    "HookResult",
    "ManifestError",
    "OperationFailed",
    "Outcome",
    "Place",
    "Stamped",
    "local",
    "plan",
    "render_timeline",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
