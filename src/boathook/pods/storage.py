"""A pod's volumes: made when it starts, gone with it, and how its containers mount them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import anyio.to_thread

from boathook.errors import CouldNotStart, NotFound
from boathook.model import Finding, Severity
from boathook.pods.model import Claim, EmptyDir, HostPath, KeyToPath, ObjectFiles, Pod, PodContainer, PodVolume
from boathook.pods.resources import VolumeResolver
from boathook.runtimes.base import ContainerRuntime, Mount, SandboxId, Volume

EMPTY_DIR_MODE = 0o777
"""As the kubelet makes them, so that a container of any user can write there."""

_TYPES = {
    "Directory": (Path.is_dir, "directory"),
    "File": (Path.is_file, "file"),
    "Socket": (Path.is_socket, "socket"),
    "CharDevice": (Path.is_char_device, "character device"),
    "BlockDevice": (Path.is_block_device, "block device"),
}


def host_path_findings(pod: Pod) -> list[Finding]:
    """hostPath volumes whose path is not what their type says; looked at before anything starts."""
    findings = []
    for volume in pod.volumes:
        if not isinstance(volume.volume, HostPath) or volume.volume.type not in _TYPES:
            continue
        is_it, word = _TYPES[volume.volume.type]
        if not is_it(Path(volume.volume.path)):
            findings.append(
                Finding(
                    id="pods.host-path",
                    severity=Severity.ERROR,
                    source=volume.source,
                    message=f'hostPath "{volume.volume.path}" is not a {word}',
                    remedy=None,
                )
            )
    return findings


async def make_volumes(
    pod: Pod, runtime: ContainerRuntime, sandbox: SandboxId, resolver: VolumeResolver
) -> dict[str, str]:
    """Make every volume of the pod; where each lies, by name.

    Raises ``NotFound`` for a claim, ConfigMap or Secret that does not exist.
    """
    places = {}
    for volume in pod.volumes:
        places[volume.name] = await _make(pod, volume, runtime, sandbox, resolver)
    return places


async def _make(
    pod: Pod, volume: PodVolume, runtime: ContainerRuntime, sandbox: SandboxId, resolver: VolumeResolver
) -> str:
    match volume.volume:
        case EmptyDir():
            made = await runtime.create_volume(volume.name, {}, mode=EMPTY_DIR_MODE, sandbox=sandbox)
            _give_to_group(made, pod)
            return _place(made)
        case Claim(name=name):
            claimed = await resolver.claim(pod.namespace, name)
            _give_to_group(claimed, pod)
            return _place(claimed)
        case ObjectFiles() as files:
            contents = await _files(pod, files, resolver)
            made = await runtime.create_volume(volume.name, {}, mode=0o755, sandbox=sandbox)
            if made.path is not None:
                await anyio.to_thread.run_sync(_write, made.path, contents)
            return _place(made)
        case HostPath(path=path, type=kind):
            if runtime.name != "simulated":
                await anyio.to_thread.run_sync(_make_host_path, Path(path), kind)
            return path


def _place(volume: Volume) -> str:
    return str(volume.path) if volume.path is not None else f"simulated:{volume.name}"


def _give_to_group(volume: Volume, pod: Pod) -> None:
    """``fsGroup``: a fresh volume belongs to that group, and so does what is made in it."""
    group = next((c.security.fs_group for c in pod.containers if c.security.fs_group is not None), None)
    if group is None or volume.path is None or not volume.fresh or os.geteuid() != 0:
        return
    os.chown(volume.path, -1, group)
    volume.path.chmod(0o2777)


async def _files(pod: Pod, files: ObjectFiles, resolver: VolumeResolver) -> dict[str, tuple[bytes, int]]:
    """Path -> content and mode, for every key that the volume shows."""
    lookup = resolver.config_map if files.kind == "ConfigMap" else resolver.secret
    found = await lookup(pod.namespace, files.name)
    if found is None:
        if files.optional:
            return {}
        raise NotFound(f'{files.kind.lower()} "{files.name}" not found')
    items = files.items
    if items is None:
        items = tuple(KeyToPath(key=key, path=key, mode=None) for key in sorted(found))
    contents = {}
    for item in items:
        if item.key in found:
            contents[item.path] = (found[item.key], files.mode if item.mode is None else item.mode)
        elif not files.optional:
            raise NotFound(f'{files.kind.lower()} "{files.name}" has no key "{item.key}"')
    return contents


def _write(directory: Path, contents: Mapping[str, tuple[bytes, int]]) -> None:
    for name, (content, mode) in contents.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(mode)


def _make_host_path(path: Path, kind: str) -> None:
    """As the kubelet does for ``DirectoryOrCreate`` and ``FileOrCreate``; an untyped path is made as engines do."""
    if kind in ("DirectoryOrCreate", "") and not path.exists():
        path.mkdir(parents=True, mode=0o755)
    if kind == "FileOrCreate" and not path.exists():
        path.touch(mode=0o644)


def mounts_of(container: PodContainer, places: Mapping[str, str]) -> tuple[Mount, ...]:
    """The container's mounts, in the order in which they are written."""
    return tuple(
        Mount(source=_within(places[mount.volume], mount.sub_path), target=mount.path, read_only=mount.read_only)
        for mount in container.mounts
    )


def _within(place: str, sub_path: str) -> str:
    """A directory inside the volume, made if missing. A link must not lead out of it."""
    if not sub_path or place.startswith("simulated:"):
        return place
    root = Path(place).resolve()
    inside = (root / sub_path).resolve()
    if not inside.is_relative_to(root):
        raise CouldNotStart(f'cannot mount subPath "{sub_path}": it leads out of its volume')
    if not inside.exists():
        inside.mkdir(parents=True)
    return str(inside)
