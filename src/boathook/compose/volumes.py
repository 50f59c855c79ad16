"""Makes a project's named volumes. A new one takes over what the image has at its mount point, owners kept."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

import anyio

from boathook.compose.containers import Prepared, volume_labels
from boathook.compose.model import BindMount, NamedVolume, Project, Service, VolumeMount
from boathook.events import EventStream, ObjectApplied
from boathook.model import Target
from boathook.runtimes.base import ContainerRuntime, Image, Volume

MODE = 0o755
"""Of a volume that nothing fills: root's own, others may read (the peer's engine does the same)."""


async def create_volumes(
    project: Project, services: Sequence[Prepared], runtime: ContainerRuntime, events: EventStream
) -> dict[str, Volume]:
    """The volumes that these services mount, by key; missing ones are made and filled."""
    result = {}
    used = dict.fromkeys(mount.volume for one in services for mount in _volume_mounts(one))
    for key in used:
        volume = project.volume(key)
        made = await runtime.create_volume(volume.name, volume_labels(project, volume), mode=MODE)
        if made.fresh:
            await _fill(made, key, services, runtime)
            events.emit(ObjectApplied(target=volume_target(project, volume), change="created", inert=False))
        result[key] = made
    return result


def make_bind_sources(services: Iterable[Service]) -> None:
    """Make an empty directory where a bind's source is missing, as engines do."""
    for service in services:
        for mount in service.mounts:
            if isinstance(mount, BindMount) and mount.create and not Path(mount.path).exists():
                Path(mount.path).mkdir(parents=True)


def volume_target(project: Project, volume: NamedVolume) -> Target:
    return Target(kind="volume", scope=project.name, name=volume.name, instance=volume.name)


def _volume_mounts(prepared: Prepared) -> Iterable[VolumeMount]:
    return (mount for mount in prepared.service.mounts if isinstance(mount, VolumeMount))


async def _fill(volume: Volume, key: str, services: Sequence[Prepared], runtime: ContainerRuntime) -> None:
    """Copy from the image of the first service that mounts it; a half-filled volume does not stay."""
    if volume.path is None:
        return
    for one in services:
        for mount in _volume_mounts(one):
            if mount.volume == key and not mount.nocopy:
                try:
                    await anyio.to_thread.run_sync(copy_image_directory, one.image, mount.target, volume.path)
                except BaseException:
                    with anyio.CancelScope(shield=True):
                        await runtime.remove_volume(volume.name)
                    raise
                return


def copy_image_directory(image: Image, target: str, destination: Path) -> None:
    """Lay what each layer of the image has at ``target`` over the others in ``destination``: content, modes, owners."""
    for layer in image.layers:
        source = _inside(layer, target)
        if source is not None:
            _copy_tree(source, destination)


def _inside(layer: Path, target: str) -> Path | None:
    """The directory of a layer that ``target`` means; links on the way are followed inside the layer only."""
    path = layer
    for part in Path(target).parts[1:]:
        path = path / part
        if path.is_symlink():
            linked = os.readlink(path)
            path = layer / linked.lstrip("/") if linked.startswith("/") else path.parent / linked
            if not path.resolve().is_relative_to(layer.resolve()):
                return None
    return path if path.is_dir() else None


def _copy_tree(source: Path, destination: Path) -> None:
    for entry in source.iterdir():
        target = destination / entry.name
        facts = entry.lstat()
        if stat.S_ISCHR(facts.st_mode) and facts.st_rdev == 0:
            # A whiteout: a lower layer's entry of this name is no more.
            _remove(target)
        elif stat.S_ISDIR(facts.st_mode):
            target.mkdir(exist_ok=True)
            _copy_tree(entry, target)
        elif stat.S_ISREG(facts.st_mode) or stat.S_ISLNK(facts.st_mode):
            _remove(target)
            shutil.copy2(entry, target, follow_symlinks=False)
            _own(entry, target)
    shutil.copystat(source, destination)
    _own(source, destination)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _own(source: Path, target: Path) -> None:
    """Give ``target`` the owner and mode of ``source``. Only root can give files away."""
    facts = source.lstat()
    if os.geteuid() == 0:
        os.chown(target, facts.st_uid, facts.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(facts.st_mode):
        target.chmod(stat.S_IMODE(facts.st_mode))
