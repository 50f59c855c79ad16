"""Debts: what must be undone or finished, written and synced before the act that makes it owed.

An obligation holds everything that is needed to settle it without the files it came from. It belongs to an owner; it is
settled by somebody else only when that owner is dead: nobody thaws what a living backup is still copying.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from boathook.model import JsonObject, Target


class ObligationState(StrEnum):
    OPEN = "open"
    MET = "met"
    MOOT = "moot"
    """Nothing is owed any more: its target is gone, or the act that would have made it owed did not happen."""
    FAILED = "failed"
    """Settling was tried and did not work: its owner has given it up, and the next ``recover`` tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The process that incurred it. Alive while the same process (pid, start time, boot) holds its lock file."""

    pid: int
    start_time: int
    """Clock ticks since boot, as in /proc/PID/stat."""
    boot_id: str
    lock: str
    """Path of the lock file that the owner holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """One debt."""

    id: str
    kind: str
    """Which settler knows how to pay it: ``backup.post-hook``, ``helm.release``, ``pods.stop``, ``compose.stop``."""
    target: Target
    description: str
    """What is owed, for people: ``run post hook of default/db (fsfreeze --unfreeze /data)``."""
    payload: JsonObject
    """All that the settler needs: the hook, the full container specification, volumes, release."""
    owner: Owner
    run: str
    """The run in the journal that incurred it."""
    created: datetime
    state: ObligationState
    reason: str | None


class ObligationStore(Protocol):
    """Where debts are kept: SQLite here, objects of the cluster there."""

    async def open(self, *, kind: str, target: Target, description: str, payload: JsonObject) -> Obligation:
        """Written and synced when this returns. The owner is this process."""
        ...

    async def settle(self, obligation: str, state: ObligationState, reason: str) -> None:
        """Strike it off (or record the failed attempt). Idempotent."""
        ...

    async def owed(self, *, kind: str | None = None, scope: str | None = None) -> tuple[Obligation, ...]:
        """Open and failed ones, oldest first, whoever owns them."""
        ...

    def is_orphaned(self, obligation: Obligation) -> bool:
        """True when its owner is dead or has given it up as failed, so that somebody else may settle it."""
        ...
