"""Pays what a crash left owing: preStop hooks that had not ended when their container died with its owner.

Hook delivery is at least once: as after a restart of the kubelet, the hook is run again in full, with the full period.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

from boathook.codec import from_json
from boathook.home import Home
from boathook.hooks import Deadline, OnDeadline
from boathook.hooks.owed import run_owed_hook
from boathook.journal import Context, Obligation, ObligationState, Settled, Settler, recover, target_lock
from boathook.model import Hook, Outcome
from boathook.pods.stopping import STOP_OBLIGATION
from boathook.runtimes.base import ContainerRuntime, ContainerSpec, SandboxSpec


async def settle_stop(obligation: Obligation, context: Context, runtime: ContainerRuntime) -> Settled:
    """Run the owed preStop hook in a fresh container of the same specification, where its volumes still exist."""
    payload = obligation.payload
    hook: Hook = from_json(Hook, payload["hook"])
    container: ContainerSpec = from_json(ContainerSpec, payload["container"])
    sandbox: SandboxSpec = from_json(SandboxSpec, payload["sandbox"])
    if missing := _missing_volumes(container):
        return Settled(ObligationState.MOOT, f"what {hook.name} was for is gone with its pod: {', '.join(missing)}")
    grace = timedelta(seconds=from_json(float, payload["grace"]))
    deadline = Deadline(after=grace, then=OnDeadline.KILL)
    result = await run_owed_hook(runtime, container, sandbox, hook, obligation.target, context, deadline)
    if result.outcome in (Outcome.COULD_NOT_START, Outcome.UNKNOWN, Outcome.CANCELLED):
        return Settled(ObligationState.FAILED, f"{hook.name} could not be run again: {result.reason}")
    if result.succeeded:
        return Settled(ObligationState.MET, f"{hook.name} was run again in a fresh container")
    # A failed preStop hook changes nothing in Kubernetes either: it is delivered, not retried.
    return Settled(ObligationState.MET, f"{hook.name} was run again in a fresh container and failed: {result.reason}")


def _missing_volumes(container: ContainerSpec) -> list[str]:
    return [mount.target for mount in container.mounts if not Path(mount.source).exists()]


SETTLERS: Mapping[str, Settler] = {STOP_OBLIGATION: settle_stop}
"""By kind of obligation: what ``boathook recover`` calls."""


async def settle_pod(scope: str, home: Home, context: Context, runtime: ContainerRuntime) -> None:
    """Pay what dead owners owe of the pod ``namespace/name`` before one of that name is run again."""
    if await context.obligations.owed(kind=STOP_OBLIGATION, scope=scope):
        await recover(context, runtime, SETTLERS, scope=scope, locking=partial(target_lock, home, command="pod run"))
