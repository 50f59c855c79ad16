"""Makes a project's named volumes. A new one takes over what the image has at its mount point, owners kept."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

import anyio

from boathook.compose.containers import Prepared, volume_labels
from boathook.compose.model import BindMount, NamedVolume, Project, Service, VolumeMount
from boathook.events import EventStream, ObjectApplied
from boathook.images.tree import directories
from boathook.model import Target
from boathook.runtimes.base import ContainerRuntime, Image, Volume
from boathook.runtimes.rootfs import copy_layer, resolve

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
    inside = resolve(image.layers, target).lstrip("/")
    for source in directories(image.layers, inside):
        copy_layer(source, destination)
        _take_over(source.stat(), destination)


def _take_over(facts: os.stat_result, directory: Path) -> None:
    """Give the volume itself the mode and owner of the image's directory; only root can give anything away."""
    if os.geteuid() == 0:
        os.chown(directory, facts.st_uid, facts.st_gid)
    directory.chmod(stat.S_IMODE(facts.st_mode))
