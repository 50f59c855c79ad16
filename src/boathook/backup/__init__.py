"""Backups as Heptio Ark and Velero make them, with their pre and post hooks."""

from __future__ import annotations

from boathook.backup.layout import DirectoryStore, MemoryStore
from boathook.backup.model import Backup, BackupSpec, Phase
from boathook.backup.parse import backup_pod, parse_backup
from boathook.backup.plan import plan_backup
from boathook.backup.recovery import SETTLERS
from boathook.backup.run import create_backup
from boathook.backup.selector import parse_selector

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
