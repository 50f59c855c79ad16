"""What containers see of volumes, of the machine's files, and of secrets and configs, found and made."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from boathook.compose import model
from boathook.compose.embedded.facts import Anonymous, facts_of
from boathook.compose.embedded.specification import Mounts, last_of_each_target, oneoff_mounts, tmpfs_of
from boathook.compose.model import BindMount, GrantedFile, NamedVolume, Project, Service, TmpfsMount, VolumeMount
from boathook.compose.options import OneOff
from boathook.compose.place import Making, Ready
from boathook.errors import CouldNotStart, NotFound
from boathook.events import EventStream, ObjectApplied
from boathook.images.tree import directories
from boathook.model import Target
from boathook.runtimes.base import ContainerRuntime, Image, Mount, SandboxId, Tmpfs, Volume
from boathook.runtimes.rootfs import copy_layer, resolve
from boathook.runtimes.trees import delete_tree

MODE = 0o755
"""Of a volume that nothing fills: root's own, others may read (the peer's engine does the same)."""

ANONYMOUS_LABEL = "com.docker.volume.anonymous"


def volume_labels(project: Project, volume: NamedVolume) -> dict[str, str]:
    return dict(volume.labels) | {
        model.PROJECT_LABEL: project.name,
        model.VOLUME_LABEL: volume.key,
        model.VERSION_LABEL: model.PEER_VERSION,
    }


def volume_target(project: Project, volume: NamedVolume) -> Target:
    return Target(kind="volume", scope=project.name, name=volume.name, instance=volume.name)


async def create_volumes(
    project: Project, ready: Mapping[str, Ready], runtime: ContainerRuntime, events: EventStream
) -> None:
    """The named volumes that these services mount; missing ones are made and filled, external ones must be there."""
    used = dict.fromkeys(key for one in ready.values() for key in _named_volumes(one.service))
    there = {volume.name for volume in await runtime.list_volumes({})}
    for key in used:
        volume = project.volume(key)
        if volume.external:
            if volume.name not in there:
                raise NotFound(f'external volume "{volume.name}" not found', hint="make it, or leave external away")
            continue
        made = await runtime.create_volume(volume.name, volume_labels(project, volume), mode=MODE)
        if made.fresh:
            await _fill_from_first(made, key, ready.values(), runtime)
            events.emit(ObjectApplied(target=volume_target(project, volume), change="created", inert=False))


def _named_volumes(service: Service) -> Iterable[str]:
    return (mount.volume for mount in service.mounts if isinstance(mount, VolumeMount) and mount.volume)


async def _fill_from_first(volume: Volume, key: str, ready: Iterable[Ready], runtime: ContainerRuntime) -> None:
    """Copy from the image of the first service that mounts it and does not say ``nocopy``."""
    for one in ready:
        for mount in one.service.mounts:
            if isinstance(mount, VolumeMount) and mount.volume == key and not mount.nocopy and not mount.subpath:
                await _fill(volume, one.image, mount.target, runtime)
                return


async def _fill(volume: Volume, image: Image, target: str, runtime: ContainerRuntime) -> None:
    """A half-filled volume does not stay."""
    if volume.path is None:
        return
    try:
        await anyio.to_thread.run_sync(copy_image_directory, image, target, volume.path)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await runtime.remove_volume(volume.name)
        raise


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


@dataclass(slots=True, kw_only=True)
class MountMaker:
    """Finds and makes all that one container is to see."""

    project: Project
    ready: Ready
    making: Making
    runtime: ContainerRuntime
    sandbox: SandboxId
    host_paths: bool
    _binds: list[Mount] = field(default_factory=list)
    _tmpfs: list[Tmpfs] = field(default_factory=list)
    _sources: list[str] = field(default_factory=list)
    _anonymous: list[Anonymous] = field(default_factory=list)
    _directory: str = ""

    async def make(self) -> Mounts:
        try:
            await self._make()
            files = await self._files(self.ready.service)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.undo()
            raise
        return Mounts(
            binds=tuple(self._binds),
            tmpfs=tuple(self._tmpfs),
            sources=tuple(self._sources),
            anonymous=tuple(self._anonymous),
            files=files,
        )

    async def _make(self) -> None:
        service, oneoff = self.ready.service, self.making.oneoff or OneOff()
        mounts = last_of_each_target((*service.mounts, *oneoff_mounts(self.project, oneoff)))
        for mount in mounts:
            match mount:
                case TmpfsMount():
                    self._tmpfs.append(tmpfs_of(mount))
                case BindMount():
                    self._bind(mount)
                case VolumeMount() if mount.volume:
                    await self._named(mount)
                case VolumeMount():
                    await self._unnamed(mount.target, read_only=mount.read_only, nocopy=mount.nocopy)
        covered = {mount.target.rstrip("/") for mount in mounts}
        for target in self.ready.image.config.volumes:
            if target.rstrip("/") not in covered:
                await self._unnamed(target, read_only=False, nocopy=False)

    def _bind(self, mount: BindMount) -> None:
        if self.host_paths and mount.create and not Path(mount.path).exists():
            Path(mount.path).mkdir(parents=True)
        self._sources.append(mount.path)
        self._binds.append(Mount(source=mount.path, target=mount.target, read_only=mount.read_only))

    async def _named(self, mount: VolumeMount) -> None:
        known = next((one for one in self.project.volumes if one.key == mount.volume), None)
        name = known.name if known else mount.volume
        labels = volume_labels(self.project, known) if known and not known.external else {}
        volume = await self.runtime.create_volume(name, labels, mode=MODE)
        if volume.fresh and not mount.nocopy and not mount.subpath:
            await _fill(volume, self.ready.image, mount.target, self.runtime)
        source = _below(volume, mount.subpath)
        self._sources.append(name)
        self._binds.append(Mount(source=source, target=mount.target, read_only=mount.read_only))

    async def _unnamed(self, target: str, *, read_only: bool, nocopy: bool) -> None:
        """The one of the container whose place it takes, else a new one."""
        volume = await self._inherited(target)
        if volume is None:
            labels = {ANONYMOUS_LABEL: "", model.PROJECT_LABEL: self.project.name}
            volume = await self.runtime.create_volume(secrets.token_hex(32), labels, mode=MODE)
            if not nocopy:
                await _fill(volume, self.ready.image, target, self.runtime)
        self._anonymous.append(Anonymous(target=target, volume=volume.name))
        self._sources.append(volume.name)
        self._binds.append(Mount(source=str(volume.path or volume.name), target=target, read_only=read_only))

    async def _inherited(self, target: str) -> Volume | None:
        replaced = self.making.replaces
        if replaced is None or self.making.renew_volumes:
            return None
        try:
            facts = facts_of(await self.runtime.inspect(replaced.id))
        except NotFound:
            return None
        names = {one.volume for one in facts.anonymous if one.target == target}
        return next((one for one in await self.runtime.list_volumes({}) if one.name in names), None)

    async def _files(self, service: Service) -> str:
        """The machine's files are mounted; a directory for those whose content is given, ``""`` for none."""
        given = [one for one in service.files if one.path is None]
        for one in service.files:
            if one.path is not None:
                self._binds.append(Mount(source=one.path, target=one.target, read_only=True))
        if not given:
            return ""
        name = f"files-{secrets.token_hex(6)}"
        volume = await self.runtime.create_volume(name, {}, mode=0o755, sandbox=self.sandbox)
        if volume.path is None:
            return ""
        self._directory = str(volume.path)
        write_files(volume.path, service)
        for one in given:
            source = str(volume.path / _file_name(service, one))
            self._binds.append(Mount(source=source, target=one.target, read_only=True))
        return str(volume.path)

    async def undo(self) -> None:
        """Remove what was made, when the container is not."""
        remove_files(self._directory)
        replaced = {one.volume for one in facts_anonymous(self.making, await self._standing())}
        for one in self._anonymous:
            if one.volume not in replaced:
                await self.runtime.remove_volume(one.volume)

    async def _standing(self) -> Sequence[Anonymous]:
        if self.making.replaces is None:
            return ()
        try:
            return facts_of(await self.runtime.inspect(self.making.replaces.id)).anonymous
        except NotFound:
            return ()


def facts_anonymous(making: Making, standing: Sequence[Anonymous]) -> Sequence[Anonymous]:
    """The volumes that are another container's still."""
    return () if making.renew_volumes else standing


def write_files(directory: Path, service: Service) -> None:
    """The content of its secrets and configs, as their owners may read it; only root can give anything away."""
    for one in service.files:
        if one.path is not None:
            continue
        path = directory / _file_name(service, one)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(one.content or "")
            if os.geteuid() == 0:
                os.fchown(descriptor, _number(one.uid), _number(one.gid))
            os.fchmod(descriptor, one.mode)


def remove_files(directory: str) -> None:
    """With the container that they were for."""
    if directory:
        delete_tree(Path(directory))


def _file_name(service: Service, file: GrantedFile) -> str:
    return f"{file.kind}-{service.files.index(file)}"


def _number(identity: str) -> int:
    return int(identity) if identity.isdigit() else 0


def _below(volume: Volume, subpath: str) -> str:
    """A volume that exists only in a simulation has no path; its name is as good there."""
    if volume.path is None:
        return volume.name
    if not subpath:
        return str(volume.path)
    found = (volume.path / subpath).resolve()
    if not found.is_relative_to(volume.path.resolve()) or not found.exists():
        raise CouldNotStart(f'volume "{volume.name}" has nothing at subpath "{subpath}"')
    return str(found)
