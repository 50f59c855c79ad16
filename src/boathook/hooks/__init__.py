"""How a hook is run: the one runner, what it runs against, and hooks that a crash left owing.

The names are imported on first use: a run needs none of what settles old debts.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boathook.hooks.owed import run_owed_hook
    from boathook.hooks.runner import Deadline, OnDeadline, run_hook
    from boathook.hooks.target import CanApply, CanExec, CanRequest, Completion, ContainerExec, HookTarget

_MODULES = {
    "CanApply": "target",
    "CanExec": "target",
    "CanRequest": "target",
    "Completion": "target",
    "ContainerExec": "target",
    "Deadline": "runner",
    "HookTarget": "target",
    "OnDeadline": "runner",
    "run_hook": "runner",
    "run_owed_hook": "owed",
}

__all__ = [
    "CanApply",
    "CanExec",
    "CanRequest",
    "Completion",
    "ContainerExec",
    "Deadline",
    "HookTarget",
    "OnDeadline",
    "run_hook",
    "run_owed_hook",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
