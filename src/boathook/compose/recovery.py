"""Pays what a crash left owing: pre_stop hooks that had not ended when the process that ran them died."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boathook.codec import from_json
from boathook.compose.debts import KIND
from boathook.hooks import Deadline, OnDeadline
from boathook.hooks.owed import run_owed_hook
from boathook.journal.context import Context
from boathook.journal.obligations import Obligation, ObligationState
from boathook.journal.recovery import Settled, Settler, recover
from boathook.model import Hook
from boathook.runtimes.base import ContainerRuntime, ContainerSpec, SandboxSpec


async def settle_stop(obligation: Obligation, context: Context, where: Any) -> Settled:
    """Pay it in the kind of place in which it is owed. ``where``: a project's place, or a runtime."""
    engine = getattr(where, "engine", None)
    if "sandbox" not in obligation.payload:
        if engine is None:
            return Settled(ObligationState.OPEN, "it is owed in an engine: boathook recover --on docker settles it")
        from boathook.compose.engine.recovery import settle_stop as settle_in_engine

        return await settle_in_engine(obligation, context, engine)
    runtime = getattr(where, "runtime", where)
    if engine is not None or not hasattr(runtime, "create_sandbox"):
        return Settled(ObligationState.OPEN, "it is owed without an engine: boathook recover settles it")
    return await settle_embedded(obligation, context, runtime)


async def settle_embedded(obligation: Obligation, context: Context, runtime: ContainerRuntime) -> Settled:
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
        None if hook.timeout is None else Deadline(after=hook.timeout, then=OnDeadline.KILL),
    )
    if result.succeeded:
        return Settled(ObligationState.MET, f"{hook.name} was run again in a fresh container with the same volumes")
    return Settled(ObligationState.FAILED, f"{hook.name} failed again: {result.reason}")


SETTLERS: Mapping[str, Settler] = {KIND: settle_stop}


async def settle_project(project: str, context: Context, where: Any) -> None:
    """Pay what dead owners owe of this project before something new is begun. Its lock is held by the caller.

    ``where``: the project's place.
    """
    await recover(context, where, SETTLERS, scope=project)
