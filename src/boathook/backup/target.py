"""What a backup hook runs against: a container of a pod, or the reason why it must not run at all."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from boathook.backup.model import BackupPod, PodHook
from boathook.backup.parse import freezes
from boathook.cluster.base import Cluster, ObjectKey
from boathook.errors import CouldNotStart, PlaceError, TargetError, UnsupportedHere
from boathook.model import Exec, HookResult, JsonObject, Outcome, Target
from boathook.objects import mapping
from boathook.runtimes.base import ExecSpec, Execution, OutputSink

FREEZING_PROGRAMS = ("fsfreeze", "xfs_freeze")


def pod_key(pod: BackupPod) -> ObjectKey:
    return ObjectKey(kind="Pod", namespace=pod.namespace, name=pod.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PodExec:
    """A container of a pod, as something that can exec. Its checks come in the executor's order (4.3)."""

    cluster: Cluster
    pod: BackupPod
    container: str

    async def exec(self, spec: ExecSpec, output: OutputSink) -> Execution:
        if not self.pod.containers:
            raise CouldNotStart("need at least 1 container")
        if self.container not in self.pod.containers:
            raise CouldNotStart(f'no such container: "{self.container}"')
        if not spec.command:
            raise CouldNotStart("command is required")
        return await self.cluster.exec(pod_key(self.pod), self.container, spec, output)

    async def user(self) -> str | None:
        try:
            return await self.cluster.container_user(pod_key(self.pod), self.container)
        except TargetError:
            return None


@dataclass(frozen=True, slots=True)
class Refused:
    """A hook that must not run: trying it says why."""

    reason: str

    async def exec(self, spec: ExecSpec, output: OutputSink) -> Execution:
        raise UnsupportedHere(self.reason)


async def hook_target(cluster: Cluster, pod: BackupPod, container: str) -> Target:
    """The instance that the hook is for; the pod's own uid where no container of that name runs."""
    try:
        return await cluster.container_target(pod_key(pod), container)
    except (TargetError, PlaceError):
        return Target(kind="container", scope=pod.scope, name=container, instance=pod.uid)


def failure_of(result: HookResult) -> str | None:
    """Why a hook failed, in the peers' words (4.3); None on success."""
    if result.succeeded:
        return None
    if result.outcome is Outcome.FAILED and result.exit_code is not None:
        return f"command terminated with exit code {result.exit_code}"
    handler = result.hook.handler
    reason = result.reason or result.outcome.value
    if result.outcome is Outcome.COULD_NOT_START and isinstance(handler, Exec) and len(handler.command) == 1:
        word = handler.command[0]
        if re.search(r"\s", word):
            return f'{reason} (the command is one word: write a JSON array such as ["/bin/sh", "-c", "..."])'
    return reason


# A freeze that would stop Boathook itself.


async def why_not_frozen(cluster: Cluster, pod: BackupPod, hook: PodHook, places: tuple[Path, ...]) -> str | None:
    """Why a freezing pre hook must not run: while it holds, neither the archive nor the journal could be written."""
    if not freezes(hook.hook):
        return None
    mounts = _mounts(pod.manifest, hook.container)
    if (outside := _outside(hook, mounts)) is not None:
        return f'it would freeze "{outside}", which is no volume of container "{hook.container}"'
    devices = {_device(place): place for place in reversed(places)}
    for volume in _frozen_volumes(hook, mounts):
        path = await _path(cluster, pod, volume)
        if path is not None and (place := devices.get(_device(path))) is not None:
            return (
                f'it would freeze volume "{volume}", whose file system also holds {place}: the journal and the archive '
                "could not be written (put $BOATHOOK_HOME or the volume on another file system)"
            )
    return None


async def _path(cluster: Cluster, pod: BackupPod, volume: str) -> Path | None:
    try:
        return await cluster.volume_path(pod_key(pod), volume)
    except (TargetError, PlaceError):
        return None


def _device(path: Path) -> int:
    """Of the path, or of the nearest directory above it that exists."""
    while True:
        try:
            return os.stat(path).st_dev
        except FileNotFoundError:
            path = path.parent


def _outside(hook: PodHook, mounts: Mapping[str, str]) -> str | None:
    """What the freezing program itself is told to freeze, where that lies in no volume: the machine's own, perhaps.

    A stand-in image shows the machine's own directories. What a shell is told is not looked into here.
    """
    command = hook.hook.handler.command if isinstance(hook.hook.handler, Exec) else ()
    if not command or PurePosixPath(command[0]).name not in FREEZING_PROGRAMS:
        return None
    places = [word for word in command[1:] if not word.startswith("-")]
    return next((place for place in places if _mount_of(place, mounts) is None), None)


def _frozen_volumes(hook: PodHook, mounts: Mapping[str, str]) -> tuple[str, ...]:
    """The volumes whose mounts the command names; all of the container's where it names none."""
    words = " ".join(hook.hook.handler.command) if isinstance(hook.hook.handler, Exec) else ""
    named = (_mount_of(path, mounts) for path in re.findall(r"/[^\s\"';|&]*", words))
    found = [mounts[mount] for mount in named if mount is not None]
    return tuple(dict.fromkeys(found or mounts.values()))


def _mount_of(path: str, mounts: Mapping[str, str]) -> str | None:
    """The innermost mount that the path lies in."""
    place = f"{posixpath.normpath(path).rstrip('/')}/"
    inside = [mount for mount in mounts if place.startswith(f"{mount.rstrip('/')}/")]
    return max(inside, key=len, default=None)


def _mounts(manifest: JsonObject, container: str) -> dict[str, str]:
    """Path -> volume, of one container."""
    spec = mapping(manifest.get("spec"))
    found: dict[str, str] = {}
    for part in ("containers", "initContainers"):
        listed = spec.get(part)
        for one in listed if isinstance(listed, list) else []:
            if mapping(one).get("name") == container:
                mounts = mapping(one).get("volumeMounts")
                for mount in mounts if isinstance(mounts, list) else []:
                    found[str(mapping(mount).get("mountPath"))] = str(mapping(mount).get("name"))
    return found
