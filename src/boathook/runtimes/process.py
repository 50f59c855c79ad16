"""Containers without namespaces, for machines that allow none: plain processes, used only when asked for.

Everything but the way in is the embedded runtime's own: records, logs, the spawner, what ends with whom. A minder in
place of a process namespace ends all that a container started, and signals reach its main process as they would reach
the first process of a namespace.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import replace
from typing import BinaryIO

from boathook.errors import UnsupportedHere
from boathook.runtimes import launch
from boathook.runtimes.base import ContainerId, ContainerSpec, Image, Mount, NetworkMode, SandboxId, SandboxSpec
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from boathook.runtimes.containers import OwnContainer, OwnSandbox
from boathook.runtimes.inside import FileFacts, ProcessRow
from boathook.runtimes.launch import Message
from boathook.runtimes.processes import this_process
from boathook.runtimes.records import SandboxRecord
from boathook.runtimes.rootfs import RootLayout
from boathook.runtimes.sandboxes import write_network_files

NOT_ISOLATED = (
    "--isolation process isolates nothing: commands see and change this machine's files, network, processes, host "
    "name and shared memory, and nothing of the image's files is used but a stand-in's own programs"
)


_NO_FILES = "files are not copied by --isolation process: containers have the machine's own"


class ProcessRuntime(BubblewrapRuntime):
    """Implements ``boathook.runtimes.base.ContainerRuntime`` where no namespaces can be had."""

    @property
    def name(self) -> str:
        return "local/process"

    async def resolve_user(self, image: Image, user: str) -> tuple[int, int]:
        """An ordinary user's processes are his own, where an image wants root's."""
        uid, gid = await super().resolve_user(image, user)
        return (uid, gid) if self._identity.root or uid != 0 else (self._identity.uid, self._identity.gid)

    def can_be(self, uids: frozenset[int]) -> str | None:
        others = sorted(uids - {0, self._identity.uid})
        if self._identity.root or not others:
            return None
        return (
            f"user {self._identity.name!r} can start processes of his own only without namespaces, not of {others[0]}"
        )

    def not_enforced(self, spec: ContainerSpec) -> tuple[str, ...]:
        said = [NOT_ISOLATED]
        if spec.termination_message_path is not None:
            said.append(f"the termination message in {spec.termination_message_path} is not read")
        if spec.read_only_root:
            said.append("readOnlyRootFilesystem is not enforced")
        if spec.init:
            said.append("there is no init: a main process is a process among all others")
        if not self._identity.root and (spec.capabilities_add or spec.privileged):
            said.append("no capabilities are given: boathook does not run as root")
        return tuple(said)

    async def create_sandbox(self, spec: SandboxSpec) -> SandboxId:
        sandbox = SandboxId(f"sandbox-{secrets.token_hex(6)}")
        fresh = self._records.fresh_directory()
        write_network_files(fresh, spec)
        holder = await self._spawner.request(launch.sandbox_message(spec, self._identity) | {"plain": True})
        record = SandboxRecord(
            id=sandbox,
            # There is one network, and who asks something of a container must know that.
            spec=replace(spec, network=NetworkMode.HOST),
            owner=this_process(),
            holder=holder.id,
            user_namespace=False,
            single_user=not self._identity.root,
            plain=True,
        )
        self._records.publish(fresh, record)
        self._sandboxes[sandbox] = OwnSandbox(record, holder)
        return sandbox

    async def create(self, spec: ContainerSpec) -> ContainerId:
        for mount in spec.mounts:
            _refuse_unless_there(mount, spec)
        for memory in spec.tmpfs:
            raise UnsupportedHere(
                f"tmpfs {memory.target!r} of container {spec.name!r} is not supported by --isolation process: "
                "without namespaces nothing can be shown there",
                hint="run without --isolation process",
            )
        return await super().create(spec)

    async def stat_file(self, container: ContainerId, path: str) -> FileFacts:
        raise UnsupportedHere(_NO_FILES)

    async def read_files(self, container: ContainerId, path: str, into: BinaryIO) -> None:
        raise UnsupportedHere(_NO_FILES)

    async def write_files(
        self, container: ContainerId, directory: str, archive: BinaryIO, *, owner: tuple[int, int] | None
    ) -> None:
        raise UnsupportedHere(_NO_FILES)

    async def processes(self, container: ContainerId) -> tuple[ProcessRow, ...]:
        raise UnsupportedHere("processes are not listed by --isolation process: nothing tells which are a container's")

    async def pause(self, container: ContainerId) -> None:
        raise UnsupportedHere(
            "a container cannot be paused by --isolation process: nothing tells which processes are its own",
            hint="run without --isolation process, or use --on docker",
        )

    async def _make_root(self, layout: RootLayout, spec: ContainerSpec) -> None:
        """A directory to work in, nothing else. Nobody can tell who works in it, so it is everybody's."""
        layout.work.mkdir()
        layout.work.chmod(0o1777)

    def _main_message(self, own: OwnContainer) -> Message:
        sandbox = self._own_sandbox(own.record.spec.sandbox).record
        message = launch.main_message(own.record, sandbox, [], mount_sys=False)
        return launch.without_namespaces(message, own.record, self._records.directory(own.record.id))

    async def _look_around(self) -> None:
        """Nothing is needed that could be missing."""


def _refuse_unless_there(mount: Mount, spec: ContainerSpec) -> None:
    """Only what lies at its place already, and may be written, is what its manifest says."""
    is_there = os.path.realpath(mount.source) == os.path.realpath(mount.target)
    if is_there and not mount.read_only:
        return
    raise UnsupportedHere(
        f"volume mount {mount.target!r} of container {spec.name!r} is not supported by --isolation process: "
        f"without namespaces nothing can be {'read-only' if is_there else 'shown there'}",
        hint="use a hostPath volume whose path is its mountPath, or run without --isolation process",
    )
