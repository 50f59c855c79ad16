"""A pod's volumes: made when it starts, gone with it, and how its containers mount them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import anyio.to_thread

from boathook.errors import CouldNotStart, UnsupportedHere
from boathook.model import Finding, Severity
from boathook.pods.expand import expand, references
from boathook.pods.model import Claim, EmptyDir, HostPath, Pod, PodContainer, PodVolume, VolumeMount
from boathook.pods.resources import VolumeResolver
from boathook.pods.volume_files import contents_of, write_files
from boathook.runtimes.base import ContainerRuntime, Mount, SandboxId, Volume

EMPTY_DIR_MODE = 0o777
"""As the kubelet makes them, so that a container of any user can write there."""

FILES_MODE = 0o755

WRITABLE = 0o660
"""What ``fsGroup`` adds to everything in a volume that can be written (``volume_linux.go``: rwMask)."""
ENTERED = stat.S_ISGID | 0o110
"""And to its directories: they are entered by the group, and what is made in them is the group's."""

_NO_PATH = "volume:"
"""Begins the place of a volume whose path is not known: a simulated one, or one of an engine elsewhere."""

_TYPES = {
    "Directory": (Path.is_dir, "directory"),
    "DirectoryOrCreate": (lambda path: path.is_dir() or not path.exists(), "directory"),
    "File": (Path.is_file, "file"),
    "FileOrCreate": (lambda path: path.is_file() or not path.exists(), "file"),
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
    pod: Pod, runtime: ContainerRuntime, sandbox: SandboxId, resolver: VolumeResolver, uid: str
) -> dict[str, str]:
    """Make every volume of the pod; where each lies, by name.

    Raises ``NotFound`` for a claim, ConfigMap, Secret or key that does not exist, ``CouldNotStart`` for a path of the
    machine that cannot be made.
    """
    places = {}
    for volume in pod.volumes:
        places[volume.name] = await _make(pod, volume, runtime, sandbox, resolver, uid)
    return places


async def _make(
    pod: Pod, volume: PodVolume, runtime: ContainerRuntime, sandbox: SandboxId, resolver: VolumeResolver, uid: str
) -> str:
    match volume.volume:
        case EmptyDir():
            made = await runtime.create_volume(volume.name, {}, mode=EMPTY_DIR_MODE, sandbox=sandbox)
            await _give_to_group(made, pod)
            return _place(made)
        case Claim(name=name):
            claimed = await resolver.claim(pod.namespace, name)
            if await _is_ours(claimed, runtime):
                await _give_to_group(claimed, pod)
            return _place(claimed)
        case HostPath(path=path, type=kind):
            if runtime.name != "simulated":
                await anyio.to_thread.run_sync(_make_host_path, Path(path), kind)
            return path
        case files:
            contents = await contents_of(pod, files, uid, resolver)
            made = await runtime.create_volume(volume.name, {}, mode=FILES_MODE, sandbox=sandbox)
            if made.path is not None:
                await anyio.to_thread.run_sync(write_files, made.path, contents, _group(pod))
            elif runtime.name != "simulated":
                raise UnsupportedHere(
                    f'volume "{volume.name}" cannot be filled: the place of the engine\'s volumes is not known here',
                    hint="run as root on the engine's machine",
                )
            return _place(made)


def _place(volume: Volume) -> str:
    return str(volume.path) if volume.path is not None else f"{_NO_PATH}{volume.name}"


async def _is_ours(volume: Volume, runtime: ContainerRuntime) -> bool:
    """A directory of the machine that a volume stands for keeps its owners, as one of Kubernetes' hostPath does."""
    return volume.fresh or volume.path in {one.path for one in await runtime.list_volumes({})}


def _group(pod: Pod) -> int | None:
    """``fsGroup``, where we may give files away."""
    if os.geteuid() != 0:
        return None
    return next((one.security.fs_group for one in pod.all_containers if one.security.fs_group is not None), None)


async def _give_to_group(volume: Volume, pod: Pod) -> None:
    """``fsGroup``: all that is in the volume belongs to that group, and so does what is made in it."""
    group = _group(pod)
    if group is not None and volume.path is not None:
        await anyio.to_thread.run_sync(_give, volume.path, group)


def _give(directory: Path, group: int) -> None:
    for path in (directory, *directory.rglob("*")):
        # A link is given away itself; what it leads to may lie anywhere.
        os.chown(path, -1, group, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(stat.S_IMODE(path.stat().st_mode) | WRITABLE | (ENTERED if path.is_dir() else 0))


def _make_host_path(path: Path, kind: str) -> None:
    """As the kubelet does for ``DirectoryOrCreate`` and ``FileOrCreate``; an untyped path is made as engines do."""
    try:
        if kind in ("DirectoryOrCreate", "") and not path.exists():
            path.mkdir(parents=True, mode=0o755)
        if kind == "FileOrCreate" and not path.exists():
            path.touch(mode=0o644)
    except OSError as error:
        raise CouldNotStart(f'cannot make hostPath "{path}": {error.strerror}') from error


def mounts_of(
    pod: Pod, container: PodContainer, places: Mapping[str, str], variables: Mapping[str, str]
) -> tuple[Mount, ...]:
    """The container's mounts, in the order in which they are written. ``variables``: those that the pod sets.

    Raises ``CouldNotStart`` for a path inside a volume that cannot be.
    """
    return tuple(
        Mount(
            source=_within(places[mount.volume], _sub_path(mount, variables)),
            target=mount.path,
            read_only=mount.read_only or _is_read_only(pod.volume(mount.volume)),
        )
        for mount in container.mounts
    )


def _is_read_only(volume: PodVolume) -> bool:
    """Volumes that are written for the pod are never written by it, whatever the mount says."""
    match volume.volume:
        case EmptyDir() | HostPath():
            return False
        case Claim(read_only=read_only):
            return read_only
        case _:
            return True


def _sub_path(mount: VolumeMount, variables: Mapping[str, str]) -> str:
    if not mount.sub_path_expr:
        return mount.sub_path
    missing = sorted({name for name in references(mount.sub_path) if not variables.get(name)})
    if missing:
        raise CouldNotStart(f"missing value for {', '.join(missing)}")
    sub_path = expand(mount.sub_path, variables)
    if sub_path.startswith("/"):
        raise CouldNotStart(f"error SubPath `{sub_path}` must not be an absolute path")
    if ".." in sub_path.split("/"):
        raise CouldNotStart(f"unable to provision SubPath `{sub_path}`: must not contain '..'")
    return sub_path


def _within(place: str, sub_path: str) -> str:
    """A directory inside the volume, made if missing. A link must not lead out of it."""
    if not sub_path or place.startswith(_NO_PATH):
        return place
    root = Path(place).resolve()
    inside = (root / sub_path).resolve()
    if not inside.is_relative_to(root):
        raise CouldNotStart(f'cannot mount subPath "{sub_path}": it leads out of its volume')
    _make_within(root, inside)
    return str(inside)


def _make_within(root: Path, inside: Path) -> None:
    """Missing directories are as the volume itself is (``subpath_linux.go``: SafeMakeDir)."""
    mode = stat.S_IMODE(root.stat().st_mode)
    try:
        for path in reversed((inside, *inside.parents)):
            if path.is_relative_to(root) and not path.exists():
                path.mkdir()
                path.chmod(mode)
    except OSError as error:
        raise CouldNotStart(f'cannot make subPath "{inside.relative_to(root)}": {error.strerror}') from error
