"""Backups as Heptio Ark and Velero make them, with their pre and post hooks.

The names are imported on first use: a plan needs nothing of what writes archives.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boathook.backup.layout import DirectoryStore, MemoryStore
    from boathook.backup.model import Backup, BackupSpec, Phase
    from boathook.backup.parse import backup_pod, parse_backup
    from boathook.backup.plan import plan_backup
    from boathook.backup.recovery import SETTLERS
    from boathook.backup.run import create_backup
    from boathook.backup.selector import parse_selector

_MODULES = {
    "SETTLERS": "recovery",
    "Backup": "model",
    "BackupSpec": "model",
    "DirectoryStore": "layout",
    "MemoryStore": "layout",
    "Phase": "model",
    "backup_pod": "parse",
    "create_backup": "run",
    "parse_backup": "parse",
    "parse_selector": "selector",
    "plan_backup": "plan",
}

__all__ = [
    "SETTLERS",
    "Backup",
    "BackupSpec",
    "DirectoryStore",
    "MemoryStore",
    "Phase",
    "backup_pod",
    "create_backup",
    "parse_backup",
    "parse_selector",
    "plan_backup",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
