"""A debt as a block of code: written before the act that makes it owed, struck off after the act that pays it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio

from boathook.errors import BoathookError
from boathook.events import ObligationOpened, ObligationSettled
from boathook.journal.context import Context
from boathook.journal.obligations import Obligation, ObligationState
from boathook.model import JsonObject, Target


@dataclass(slots=True)
class Debt:
    """The debt inside its block. The last word said about it counts; unsaid, it is met."""

    obligation: Obligation
    state: ObligationState | None = None
    """None: nothing was said yet."""
    reason: str = ""

    def met(self, reason: str = "done") -> None:
        """Paid. To be said where the block may still be left by cancellation afterwards."""
        self.state, self.reason = ObligationState.MET, reason

    def moot(self, reason: str) -> None:
        """Nothing is owed after all: its target is gone, or the act did not happen."""
        self.state, self.reason = ObligationState.MOOT, reason

    def failed(self, reason: str) -> None:
        """It could not be paid here; whoever runs ``recover`` next tries again, even while this process lives."""
        self.state, self.reason = ObligationState.FAILED, reason

    def keep(self) -> None:
        """Leave it open: it is paid elsewhere, or by ``recover``."""
        self.state, self.reason = ObligationState.OPEN, ""


@asynccontextmanager
async def owed(
    context: Context, *, kind: str, target: Target, description: str, payload: JsonObject
) -> AsyncIterator[Debt]:
    """Owe something while the block runs: synced before it, met after it unless the block says otherwise.

    A ``BoathookError`` that leaves the block is a failure that was dealt with: the debt is met. Cancellation and bugs
    say nothing about whether it was paid: unless the block has said how it stands, it has failed and is still owed.
    """
    obligation = await context.obligations.open(kind=kind, target=target, description=description, payload=payload)
    context.events.emit(ObligationOpened(obligation=obligation.id, description=description))
    debt = Debt(obligation)
    try:
        yield debt
    except BaseException as error:
        if debt.state is None and not _is_dealt_with(error):
            debt.failed("interrupted before it was paid")
        raise
    finally:
        if debt.state is None:
            debt.met()
        if debt.state is not ObligationState.OPEN:
            await settle(context, obligation, debt.state or ObligationState.MET, debt.reason)


async def settle(context: Context, obligation: Obligation, state: ObligationState, reason: str) -> None:
    """Strike a debt off (or record that paying it failed), and tell it. Cancellation waits for it."""
    with anyio.CancelScope(shield=True):
        await context.obligations.settle(obligation.id, state, reason)
    context.events.emit(ObligationSettled(obligation=obligation.id, state=state.value, reason=reason))


def _is_dealt_with(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_dealt_with(one) for one in error.exceptions)
    return isinstance(error, BoathookError)
