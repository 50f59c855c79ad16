"""Pays what a crash left owing: pre_stop hooks that had not ended when their container died with its owner."""

from __future__ import annotations

from collections.abc import Mapping

from boathook.codec import from_json
from boathook.compose.debts import KIND
from boathook.hooks.owed import run_owed_hook
from boathook.journal.context import Context
from boathook.journal.obligations import Obligation, ObligationState
from boathook.journal.recovery import Settled, Settler, recover
from boathook.model import Hook
from boathook.runtimes.base import ContainerRuntime, ContainerSpec, SandboxSpec


async def settle_stop(obligation: Obligation, context: Context, runtime: ContainerRuntime) -> Settled:
    """Run the owed hook in a fresh container of the same specification: its named volumes outlived the crash."""
    payload = obligation.payload
    hook = from_json(Hook, payload["hook"])
    result = await run_owed_hook(
        runtime,
        from_json(ContainerSpec, payload["container"]),
        from_json(SandboxSpec, payload["sandbox"]),
        hook,
        obligation.target,
        context,
        None,
    )
    if result.succeeded:
        return Settled(ObligationState.MET, f"{hook.name} was run again in a fresh container with the same volumes")
    return Settled(ObligationState.FAILED, f"{hook.name} failed again: {result.reason}")


SETTLERS: Mapping[str, Settler] = {KIND: settle_stop}


async def settle_project(project: str, context: Context, runtime: ContainerRuntime) -> None:
    """Pay what dead owners owe of this project before something new is begun. Its lock is held by the caller."""
    await recover(context, runtime, SETTLERS, scope=project)
