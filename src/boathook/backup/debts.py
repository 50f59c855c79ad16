"""What a backup owes while it runs: the post hooks of pods whose pre hooks were started, and its own phase."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from boathook.backup.model import BackupPod, BackupSpec, PodHook
from boathook.backup.target import hook_target, pod_key
from boathook.cluster.base import Cluster
from boathook.codec import to_json
from boathook.errors import PlaceError, TargetError
from boathook.journal import Context, Debt, owed
from boathook.model import Exec, JsonObject

POST_HOOK_OBLIGATION = "backup.post-hook"
PHASE_OBLIGATION = "backup.phase"

CONTAINER_ID_PREFIX = "boathook://"


def backup_scope(spec: BackupSpec) -> str:
    """What a command holds while it makes this backup, and what its own debts are filed under."""
    return f"backup:{spec.name}"


async def owed_post_hooks(
    context: Context, cluster: Cluster, pod: BackupPod, hook: PodHook
) -> AbstractAsyncContextManager[Debt]:
    """The debt of one post hook, to be entered before the pod's first pre hook starts.

    Its payload is enough to run the hook after the pod's container has died with its owner.
    """
    command = " ".join(hook.hook.handler.command) if isinstance(hook.hook.handler, Exec) else ""
    return owed(
        context,
        kind=POST_HOOK_OBLIGATION,
        target=await hook_target(cluster, pod, hook.container),
        description=f"run {hook.hook.name} of {pod.scope} ({command})",
        payload={
            "hook": to_json(hook.hook),
            "specification": await _specification(cluster, pod, hook.container),
            "container_id": await _container_id(cluster, pod, hook.container),
        },
    )


async def _specification(cluster: Cluster, pod: BackupPod, container: str) -> JsonObject | None:
    try:
        return await cluster.container_specification(pod_key(pod), container)
    except (TargetError, PlaceError):
        return None


async def _container_id(cluster: Cluster, pod: BackupPod, container: str) -> str:
    """Of the instance that runs now, as its pod's status says; empty where none does."""
    try:
        status = (await cluster.get(pod_key(pod))).get("status")
    except (TargetError, PlaceError):
        return ""
    listed = status.get("containerStatuses") if isinstance(status, dict) else None
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("name") == container:
            return str(one.get("containerID") or "").removeprefix(CONTAINER_ID_PREFIX)
    return ""
