"""What a dead command still owes a release: its true status, and the end of the hook that it was waiting for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import anyio

from boathook.cluster.base import Cluster
from boathook.cluster.objects import StoredObjects
from boathook.cluster.owners import settle_orphans
from boathook.errors import NotFound
from boathook.events import PhaseChanged
from boathook.helm.actions import OBLIGATION, failed_description
from boathook.helm.hooks import is_deleted_by
from boathook.helm.model import HOOK_FAILED, HOOK_SUCCEEDED, HelmHook, Release, ReleaseStatus, RunPhase
from boathook.helm.objects import hook_key
from boathook.helm.operation import delete_and_wait, release_target
from boathook.helm.storage import ReleaseStore
from boathook.helm.target import completion_of
from boathook.hooks import Completion
from boathook.journal import Context, Obligation, ObligationState, Settled, Settler, recover
from boathook.model import JsonObject


async def settle_release(obligation: Obligation, context: Context, cluster: Cluster) -> Settled:
    """Give the release its status. A hook that still runs is waited for as long as its command would have waited."""
    payload = obligation.payload
    store = ReleaseStore(cluster, str(payload["namespace"]))
    try:
        release = await store.get(str(payload["name"]), _integer(payload, "revision"))
    except NotFound:
        return Settled(ObligationState.MOOT, "the release is gone")
    if release_target(release).instance != obligation.target.instance:
        return Settled(ObligationState.MOOT, "another release has that name now")
    if not (release.status.pending or release.status is ReleaseStatus.UNINSTALLING):
        return Settled(ObligationState.MET, f"the record says {release.status}")
    timeout = timedelta(seconds=float(_number(payload, "timeout_seconds")))
    if isinstance(cluster, StoredObjects):
        # A hook whose supervisor died with the command has ended too, and nobody else says so.
        settle_orphans(cluster.store)
    release, where = await _end_of_hook(release, context, cluster, timeout)
    await _delete_succeeded(release, cluster, timeout)
    problem = f"its command ended before its time during {payload['action']}{where}"
    failed = replace(release, status=ReleaseStatus.FAILED, description=failed_description(release.name, problem))
    await store.update(failed, now=context.clock.now())
    context.events.emit(
        PhaseChanged(target=release_target(failed), phase=failed.status.value, reason=failed.description)
    )
    return Settled(ObligationState.MET, f"release {release.name} is {failed.status}")


async def _end_of_hook(release: Release, context: Context, cluster: Cluster, timeout: timedelta) -> tuple[Release, str]:
    """The release with what became of the hook that its record shows as running, and how to call that hook."""
    for place, hook in enumerate(release.hooks):
        if hook.last_run.phase is not RunPhase.RUNNING:
            continue
        completion = await _completion(hook, release, context, cluster, timeout)
        phase = RunPhase.UNKNOWN
        if completion is not None:
            phase = RunPhase.SUCCEEDED if completion.ok else RunPhase.FAILED
        if phase is RunPhase.FAILED and is_deleted_by(hook, HOOK_FAILED):
            await delete_and_wait(cluster, hook_key(hook, release.namespace), timeout, cause=HOOK_FAILED)
        ended = replace(hook, last_run=replace(hook.last_run, completed=context.clock.now(), phase=phase))
        hooks = (*release.hooks[:place], ended, *release.hooks[place + 1 :])
        return replace(release, hooks=hooks), f', hook "{hook.name}" ({phase.value.lower()})'
    return release, ""


async def _delete_succeeded(release: Release, cluster: Cluster, timeout: timedelta) -> None:
    """What the dead command would have deleted: the hooks that succeeded since it began, when their policy says so."""
    began = release.deleted or release.last_deployed
    for hook in release.hooks:
        started, succeeded = hook.last_run.started, hook.last_run.phase is RunPhase.SUCCEEDED
        if succeeded and started is not None and started >= began and is_deleted_by(hook, HOOK_SUCCEEDED):
            await delete_and_wait(cluster, hook_key(hook, release.namespace), timeout, cause=HOOK_SUCCEEDED)


async def _completion(
    hook: HelmHook, release: Release, context: Context, cluster: Cluster, timeout: timedelta
) -> Completion | None:
    """How the hook's object ended; None when it is not there, or does not end in the time that is left to it."""
    key = hook_key(hook, release.namespace)
    try:
        await cluster.get(key)
    except NotFound:
        return None
    started = hook.last_run.started or context.clock.now()
    left = timeout - (context.clock.now() - started)
    with anyio.move_on_after(max(left.total_seconds(), 0.0)):
        return await cluster.wait_until(key, lambda obj: completion_of(key, obj))
    return None


def _integer(payload: JsonObject, key: str) -> int:
    return int(_number(payload, key))


def _number(payload: JsonObject, key: str) -> int | float:
    value = payload[key]
    if not isinstance(value, int | float):
        raise TypeError(f"{key} is no number")
    return value


async def settle_owed(scope: str, context: Context, cluster: Cluster) -> None:
    """Settle what dead commands owe one release, before it is touched. The caller holds its lock."""

    async def here() -> Cluster:
        return cluster

    await recover(context, None, settlers_on(here), scope=scope)


def settlers_on(find_cluster: Callable[[], Awaitable[Cluster]]) -> Mapping[str, Settler]:
    """Settlers of releases of the cluster that ``find_cluster`` gives when it is needed."""

    async def settle_there(obligation: Obligation, context: Context, runtime: object) -> Settled:
        return await settle_release(obligation, context, await find_cluster())

    return {OBLIGATION: settle_there}


async def _settle_nowhere(obligation: Obligation, context: Context, runtime: object) -> Settled:
    return Settled(ObligationState.FAILED, "a release is settled on its cluster, which is not at hand")


SETTLERS: Mapping[str, Settler] = {OBLIGATION: _settle_nowhere}
"""For callers that have no cluster; ``settlers_on`` is for those that have one."""
