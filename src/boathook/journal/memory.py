"""Debts of a simulation: kept in memory, since nothing real is done that could be left owing."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

from boathook.clock import Clock, LoopClock
from boathook.journal.obligations import Obligation, ObligationState, Owner
from boathook.model import JsonObject, Target

NOBODY = Owner(pid=0, start_time=0, boot_id="", lock="")
UNSETTLED = (ObligationState.OPEN, ObligationState.FAILED)


@dataclass(slots=True)
class MemoryObligations:
    """Behaves as the journal does, without a file. Its owner never dies."""

    clock: Clock = field(default_factory=LoopClock)
    obligations: dict[str, Obligation] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def open(self, *, kind: str, target: Target, description: str, payload: JsonObject) -> Obligation:
        obligation = Obligation(
            id=f"simulated-{next(self._numbers)}",
            kind=kind,
            target=target,
            description=description,
            payload=payload,
            owner=NOBODY,
            run="simulated",
            created=self.clock.now(),
            state=ObligationState.OPEN,
            reason=None,
        )
        self.obligations[obligation.id] = obligation
        return obligation

    async def settle(self, obligation: str, state: ObligationState, reason: str) -> None:
        known = self.obligations.get(obligation)
        if known is None or known.state not in UNSETTLED:
            return
        if state in UNSETTLED:
            self.obligations[obligation] = replace(known, state=state, reason=reason)
        else:
            # Settled ones are of no more use here, and ten thousand simulated lives must not add up.
            del self.obligations[obligation]

    async def owed(self, *, kind: str | None = None, scope: str | None = None) -> tuple[Obligation, ...]:
        return tuple(
            obligation
            for obligation in self.obligations.values()
            if kind in (None, obligation.kind) and scope in (None, obligation.target.scope)
        )

    def is_orphaned(self, obligation: Obligation) -> bool:
        return obligation.state is ObligationState.FAILED
