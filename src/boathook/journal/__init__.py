"""What happened, kept: runs and their events, and the debts that a crash must not lose.

Most names are imported on first use: a simulation keeps its journal in memory and needs no database.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

# Not on first use, which would find the module of this name instead.
from boathook.journal.owed import owed

if TYPE_CHECKING:
    from boathook.journal.context import Context
    from boathook.journal.locks import target_lock
    from boathook.journal.memory import MemoryObligations
    from boathook.journal.obligations import Obligation, ObligationState, ObligationStore, Owner
    from boathook.journal.owed import Debt
    from boathook.journal.recovery import Settled, Settler, recover
    from boathook.journal.store import Journal, Run, RunState, SqliteObligations

_MODULES = {
    "Context": "context",
    "Debt": "owed",
    "Journal": "store",
    "MemoryObligations": "memory",
    "Obligation": "obligations",
    "ObligationState": "obligations",
    "ObligationStore": "obligations",
    "Owner": "obligations",
    "Run": "store",
    "RunState": "store",
    "Settled": "recovery",
    "Settler": "recovery",
    "SqliteObligations": "store",
    "recover": "recovery",
    "target_lock": "locks",
}

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


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
