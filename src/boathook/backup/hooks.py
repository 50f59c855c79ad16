"""Which hook of a pod runs at which point. Pure."""

from __future__ import annotations

from boathook.backup.model import BackupPod, PodHook
from boathook.model import HookPoint


def hooks_for(pod: BackupPod, point: HookPoint) -> tuple[PodHook, ...]:
    """The pod's hooks at a point, in the order in which they run: its annotation's, at most one.

    An annotation wins over hooks of the Backup spec completely; those are refused when the spec is read.
    """
    hook = pod.hooks.pre if point is HookPoint.PRE_BACKUP else pod.hooks.post
    return () if hook is None else (hook,)
