"""Pays what a backup left owing when its command was killed: its post hooks, and its phase.

A thaw is tried until it is known to have worked: a post hook that fails again stays owed only while a volume of its
container takes no writes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import anyio.to_thread

from boathook.backup.debts import PHASE_OBLIGATION, POST_HOOK_OBLIGATION
from boathook.backup.layout import DirectoryStore
from boathook.backup.model import Phase
from boathook.backup.parse import DEFAULT_TIMEOUT
from boathook.codec import from_json
from boathook.errors import NotFound
from boathook.events import PhaseChanged
from boathook.home import Home
from boathook.hooks import ContainerExec, Deadline, OnDeadline, run_hook, run_owed_hook
from boathook.journal import Context, Obligation, ObligationState, Settled, Settler
from boathook.model import Hook, HookResult, Outcome
from boathook.objects import mapping
from boathook.runtimes.base import ContainerId, ContainerRuntime, ContainerSpec, ContainerState, Mount, SandboxSpec

DIED = "its command ended before its time"

WRITE_SECONDS = 2.0
"""How long a volume has to take a write before it counts as frozen."""

_TOUCH = """
import os, sys
for path in sys.argv[1:]:
    times = os.stat(path)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
"""
# It changes nothing, and yet waits for the thaw as every write does.


async def settle_post_hook(obligation: Obligation, context: Context, runtime: ContainerRuntime) -> Settled:
    """Run the owed hook where its container still runs, else in a fresh one of the same specification."""
    hook: Hook = from_json(Hook, obligation.payload["hook"])
    specification = obligation.payload.get("specification")
    deadline = Deadline(after=hook.timeout or DEFAULT_TIMEOUT, then=OnDeadline.KILL)
    running = await _running(runtime, str(obligation.payload.get("container_id") or ""))
    if running is not None:
        target = ContainerExec(runtime, running)
        result = await run_hook(
            hook, obligation.target, target, deadline=deadline, events=context.events, clock=context.clock
        )
        spec = (await runtime.inspect(running)).spec
        return await _settled(result, spec, "in its container")
    if specification is None:
        return Settled(ObligationState.MOOT, f"{obligation.target} had not started and is gone")
    parts = mapping(specification)
    container: ContainerSpec = from_json(ContainerSpec, parts["container"])
    sandbox: SandboxSpec = from_json(SandboxSpec, parts["sandbox"])
    gone = _gone(container)
    if len(gone) == len(container.mounts):
        where = f", with its volumes {', '.join(mount.target for mount in gone)}" if gone else ""
        return Settled(ObligationState.MOOT, f"{obligation.target} is gone{where}")
    container = replace(container, mounts=tuple(mount for mount in container.mounts if mount not in gone))
    result = await run_owed_hook(runtime, container, sandbox, hook, obligation.target, context, deadline)
    return await _settled(result, container, "in a fresh container")


async def _running(runtime: ContainerRuntime, container: str) -> ContainerId | None:
    if not container:
        return None
    try:
        found = await runtime.inspect(ContainerId(container))
    except NotFound:
        return None
    return found.id if found.state is ContainerState.RUNNING and found.owner_alive else None


async def _settled(result: HookResult, container: ContainerSpec, where: str) -> Settled:
    name = result.hook.name
    if result.succeeded:
        return Settled(ObligationState.MET, f"{name} was run {where}")
    if result.outcome is not Outcome.FAILED:
        return Settled(ObligationState.FAILED, f"{name} could not be run {where}: {result.reason}")
    places = [Path(mount.source) for mount in container.mounts if not mount.read_only]
    if await takes_writes(places):
        return Settled(
            ObligationState.MET, f"{name} was run {where} and failed ({result.reason}): its volumes take writes"
        )
    return Settled(ObligationState.FAILED, f"{name} was run {where} and failed: {result.reason}; a volume is frozen")


async def takes_writes(places: list[Path]) -> bool:
    """True when none of these file systems is frozen.

    A process that writes to a frozen one sleeps until the thaw and cannot be ended, so a child tries, and nobody
    waits for it longer than ``WRITE_SECONDS``.
    """
    return await anyio.to_thread.run_sync(_take_writes, places)


def _take_writes(places: list[Path]) -> bool:
    existing = [str(place) for place in places if place.exists()]
    if not existing:
        return True
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _TOUCH, *existing],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        child.wait(timeout=WRITE_SECONDS)
    except subprocess.TimeoutExpired:
        # It ends by itself at the thaw; until then nothing can end it, and Python need not remind anybody of it.
        child.returncode = 0
        return False
    return True


def _gone(container: ContainerSpec) -> list[Mount]:
    return [mount for mount in container.mounts if not Path(mount.source).exists()]


async def settle_phase(obligation: Obligation, context: Context, runtime: ContainerRuntime) -> Settled:
    """Give the backup its phase: Failed with the reason. What it had written beside its log goes."""
    store = DirectoryStore(Home.find())
    name = str(obligation.payload["name"])
    try:
        backup = store.get(name)
    except NotFound:
        await anyio.to_thread.run_sync(store.discard, name)
        return Settled(ObligationState.MOOT, "nothing of it was written")
    if backup.uid != obligation.target.instance:
        return Settled(ObligationState.MOOT, "another backup has that name now")
    if backup.phase.ended:
        await anyio.to_thread.run_sync(store.put_in_place, name)
        return Settled(ObligationState.MET, f"its record says {backup.phase}")
    failed = replace(backup, phase=Phase.FAILED, failure_reason=DIED, completed=context.clock.now())
    await anyio.to_thread.run_sync(store.abandon, failed)
    context.events.emit(PhaseChanged(target=obligation.target, phase=failed.phase.value, reason=DIED))
    return Settled(ObligationState.MET, f"backup {name} is {failed.phase}")


SETTLERS: Mapping[str, Settler] = {
    POST_HOOK_OBLIGATION: settle_post_hook,
    PHASE_OBLIGATION: settle_phase,
}
"""By kind of obligation: what ``boathook recover`` calls."""
