"""What a runtime of this machine finds and does inside of its containers: files, processes, pauses, notes.

The half of the embedded runtime that needs no way in of its own: it works on records and on what they name.
"""

from __future__ import annotations

import contextlib
import errno
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import anyio
import anyio.to_thread

from boathook.errors import Conflict, NotFound, NotRunning, PlaceError
from boathook.runtimes import launch
from boathook.runtimes.base import ContainerId, ContainerState, SandboxId
from boathook.runtimes.containers import OwnContainer, OwnSandbox
from boathook.runtimes.executions import Pipes
from boathook.runtimes.freezing import freeze, members, thaw
from boathook.runtimes.inside import FileFacts, ProcessRow
from boathook.runtimes.launch import Message
from boathook.runtimes.records import ContainerRecord, Records, SandboxRecord
from boathook.runtimes.sandboxes import add_hosts
from boathook.runtimes.spawner_client import SpawnerClient, SpawnFailed

if TYPE_CHECKING:
    from boathook.runtimes.archives import Files

_NOTICE_SECONDS = 1.0
"""How long the end of a container whose main process is dead may take to be told."""


class Interior:
    """Implements that half of ``ContainerRuntime``, and ``boathook.runtimes.inside.ShowsInside``."""

    _records: Records
    _spawner: SpawnerClient
    _containers: dict[ContainerId, OwnContainer]
    _sandboxes: dict[SandboxId, OwnSandbox]

    def _main_message(self, own: OwnContainer) -> Message:
        raise NotImplementedError

    async def stat_file(self, container: ContainerId, path: str) -> FileFacts:
        async with self._files(container) as files:
            return await anyio.to_thread.run_sync(files.stat, path)

    async def read_files(self, container: ContainerId, path: str, into: BinaryIO) -> None:
        async with self._files(container) as files:
            await anyio.to_thread.run_sync(files.read, path, into)

    async def write_files(
        self, container: ContainerId, directory: str, archive: BinaryIO, *, owner: tuple[int, int] | None
    ) -> None:
        async with self._files(container) as files:
            await anyio.to_thread.run_sync(files.write, directory, archive, owner)

    async def processes(self, container: ContainerId) -> tuple[ProcessRow, ...]:
        from boathook.runtimes.listing import rows

        process = self._running(container).process
        assert process is not None
        return rows(members(process))

    @asynccontextmanager
    async def _files(self, container: ContainerId) -> AsyncIterator[Files]:
        """Those that it sees; of one that does not run, by a process that only stands in its place meanwhile."""
        from boathook.runtimes.archives import Files

        record = self._record(container)
        sandbox = self._sandbox_record(record.spec.sandbox)
        if is_alive(record) and record.process is not None:
            yield Files(name=record.spec.name, process=record.process, sandbox=sandbox)
            return
        own = self._own(container)
        async with own.mounting:
            launch.refuse(own.record)
            message = launch.standing_still(self._main_message(own))
            pipes = Pipes(lambda stream, chunk: None)
            try:
                process = await self._spawner.request(message, pipes.descriptors)
            except SpawnFailed as error:
                raise PlaceError(f"the files of container {record.spec.name!r} cannot be reached: {error}") from error
            finally:
                pipes.close_write()
            try:
                yield Files(name=record.spec.name, process=process.id, sandbox=sandbox)
            finally:
                with anyio.CancelScope(shield=True):
                    with contextlib.suppress(ProcessLookupError):
                        process.id.send(signal.SIGKILL)
                    await process.ended.wait()
                pipes.drain()

    async def pause(self, container: ContainerId) -> None:
        process = self._running(container).process
        assert process is not None
        await freeze(process)
        self._own(container).paused(paused=True)

    async def unpause(self, container: ContainerId) -> None:
        process = self._running(container).process
        assert process is not None
        thaw(process)
        self._own(container).paused(paused=False)

    async def rename(self, container: ContainerId, name: str) -> None:
        self._own(container).renamed(name)

    async def note(self, container: ContainerId, notes: Mapping[str, str]) -> None:
        own = self._containers.get(container)
        if own is not None:
            own.note(notes)

    async def add_hosts(self, sandbox: SandboxId, hosts: tuple[tuple[str, str], ...]) -> None:
        own = self._own_sandbox(sandbox)
        own.record = replace(own.record, spec=replace(own.record.spec, hosts=(*own.record.spec.hosts, *hosts)))
        self._records.write(own.record)
        mine = [one for one in self._containers.values() if one.record.spec.sandbox == sandbox]
        add_hosts((self._records.directory(sandbox), *(one.layout.directory for one in mine)), hosts)

    def _own(self, container: ContainerId) -> OwnContainer:
        own = self._containers.get(container)
        if own is None:
            self._records.container(container)
            raise Conflict(f"container {container!r} belongs to another process")
        return own

    def _refuse_foreign(self, sandbox: SandboxId) -> None:
        with contextlib.suppress(NotFound):
            if self._records.sandbox(sandbox).owner.alive:
                raise Conflict(f"sandbox {sandbox!r} belongs to another process")

    def _own_sandbox(self, sandbox: SandboxId) -> OwnSandbox:
        own = self._sandboxes.get(sandbox)
        if own is None:
            self._records.sandbox(sandbox)
            raise Conflict(f"sandbox {sandbox!r} belongs to another process")
        return own

    def _sandbox_record(self, sandbox: SandboxId) -> SandboxRecord:
        own = self._sandboxes.get(sandbox)
        return own.record if own else self._records.sandbox(sandbox)

    def _record(self, container: ContainerId) -> ContainerRecord:
        own = self._containers.get(container)
        return own.record if own else self._records.container(container)

    async def _seen_to_end(self, container: ContainerId) -> None:
        """Wait until the end of what was found dead is known here, so that all that is asked gives the same answer."""
        own = self._containers.get(container)
        if own is not None and own.record.state is ContainerState.RUNNING and not own.record.paused:
            with anyio.move_on_after(_NOTICE_SECONDS):
                await own.run.finished.wait()

    async def _is_ending(self, container: ContainerId, failure: SpawnFailed) -> bool:
        """Whether a program found no way in since the container goes away: the kernel has begun to take it down."""
        if failure.code not in (0, errno.ESRCH):  # 0: killed by the system before it could say why
            return False
        await self._seen_to_end(container)
        return self._has_ended(container)

    def _has_ended(self, container: ContainerId) -> bool:
        """True also for one that was removed meanwhile."""
        try:
            return self._record(container).as_seen().state is ContainerState.EXITED
        except NotFound:
            return True

    def _running(self, container: ContainerId) -> ContainerRecord:
        record = self._record(container)
        if not is_alive(record):
            raise NotRunning(f"container {record.spec.name!r} is not running")
        return record


def is_alive(record: ContainerRecord) -> bool:
    """Whether its main process runs."""
    return record.state is ContainerState.RUNNING and record.process is not None and record.process.alive
