"""What happened, kept: runs and their events, and the debts that a crash must not lose."""

from __future__ import annotations

from boathook.journal.context import Context
from boathook.journal.locks import target_lock
from boathook.journal.memory import MemoryObligations
from boathook.journal.obligations import Obligation, ObligationState, ObligationStore, Owner
from boathook.journal.owed import Debt, owed
from boathook.journal.recovery import Settled, Settler, recover
from boathook.journal.store import Journal, Run, RunState, SqliteObligations

__all__ = [
    "Context",
    "Debt",
    "Journal",
    "MemoryObligations",
    "Obligation",
    "ObligationState",
    "ObligationStore",
    "Owner",
    "Run",
    "RunState",
    "Settled",
    "Settler",
    "SqliteObligations",
    "owed",
    "recover",
    "target_lock",
]
