"""How a hook is run: the one runner, what it runs against, and hooks that a crash left owing."""

from __future__ import annotations

from boathook.hooks.owed import run_owed_hook
from boathook.hooks.runner import Deadline, OnDeadline, run_hook
from boathook.hooks.target import CanApply, CanExec, Completion, ContainerExec, HookTarget

__all__ = [
    "CanApply",
    "CanExec",
    "Completion",
    "ContainerExec",
    "Deadline",
    "HookTarget",
    "OnDeadline",
    "run_hook",
    "run_owed_hook",
]
