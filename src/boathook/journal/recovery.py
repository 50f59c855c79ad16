"""Settling what the dead owe: each debt by the settler of its kind, oldest first. Dialects bring the settlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeAlias

from boathook.errors import BoathookError, Conflict
from boathook.journal.context import Context
from boathook.journal.obligations import Obligation, ObligationState
from boathook.journal.owed import settle


@dataclass(frozen=True, slots=True)
class Settled:
    """How settling a debt went. ``OPEN``: it was left as it is, and ``reason`` says why."""

    state: ObligationState
    reason: str


# The last argument is a ContainerRuntime: a layer above this one, which only hands it on.
Settler: TypeAlias = Callable[[Obligation, Context, Any], Awaitable[Settled]]

Locking: TypeAlias = Callable[[str], AbstractAsyncContextManager[None]]
"""Holds one scope against other commands; raises ``Conflict`` when one of them holds it."""


async def recover(
    context: Context,
    runtime: Any,
    settlers: Mapping[str, Settler],
    *,
    scope: str | None = None,
    locking: Locking | None = None,
) -> list[tuple[Obligation, Settled]]:
    """Settle every debt whose owner is dead, of one scope or of all, and say how each went.

    A living owner's debt is left alone. A debt that cannot be settled is recorded as failed and the others go on.
    ``locking`` is for callers that do not hold the targets' locks themselves.
    """
    results = []
    for obligation in await context.obligations.owed(scope=scope):
        settled = await _recover_one(obligation, context, runtime, settlers, locking)
        if settled is not None:
            results.append((obligation, settled))
    return results


async def _recover_one(
    obligation: Obligation,
    context: Context,
    runtime: Any,
    settlers: Mapping[str, Settler],
    locking: Locking | None,
) -> Settled | None:
    """None: somebody else has settled it meanwhile."""
    if not context.obligations.is_orphaned(obligation):
        return Settled(ObligationState.OPEN, f"its owner, process {obligation.owner.pid}, is alive")
    settler = settlers.get(obligation.kind)
    if settler is None:
        return Settled(ObligationState.FAILED, f'nothing here can settle "{obligation.kind}"')
    scope = obligation.target.scope
    try:
        async with locking(scope) if locking else nullcontext():
            if not await _is_still_owed(obligation, context):
                return None
            return await _settle_one(settler, obligation, context, runtime)
    except Conflict as held:
        return Settled(ObligationState.OPEN, str(held))


async def _is_still_owed(obligation: Obligation, context: Context) -> bool:
    owed = await context.obligations.owed(kind=obligation.kind, scope=obligation.target.scope)
    return any(one.id == obligation.id for one in owed)


async def _settle_one(settler: Settler, obligation: Obligation, context: Context, runtime: Any) -> Settled:
    try:
        settled = await settler(obligation, context, runtime)
    except (BoathookError, OSError) as error:
        settled = Settled(ObligationState.FAILED, str(error))
    if settled.state is not ObligationState.OPEN:
        await settle(context, obligation, settled.state, settled.reason)
    return settled


def is_unsettled(settled: Settled) -> bool:
    """True when somebody has to look after it: what the living owe is theirs."""
    return settled.state is ObligationState.FAILED
