"""What every act needs besides its model: where events go, what time it is, and where debts are written."""

from __future__ import annotations

from dataclasses import dataclass

from boathook.clock import Clock
from boathook.events import EventStream
from boathook.journal.obligations import ObligationStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Handed down through every act of one command."""

    events: EventStream
    clock: Clock
    obligations: ObligationStore
