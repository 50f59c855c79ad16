"""The embedded runtime: containers in Linux namespaces, built by bubblewrap and entered by a spawner; no daemon.

Its containers live as long as the process that has this runtime open. Any process of the same user can list them,
enter them and signal them by their records.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread

from boathook.clock import Clock, SystemClock
from boathook.errors import Conflict, CouldNotStart, NotFound, NotRunning, PlaceError, UnsupportedHere
from boathook.home import Home
from boathook.runtimes import abilities, launch
from boathook.runtimes.base import (
    Container,
    ContainerId,
    ContainerSpec,
    ContainerState,
    ExecSpec,
    Execution,
    Exit,
    Image,
    LogLine,
    NetworkMode,
    OutputSink,
    PullPolicy,
    Request,
    Response,
    RuntimeEvent,
    SandboxId,
    SandboxSpec,
    Volume,
)
from boathook.runtimes.containers import OwnContainer, OwnSandbox, created_record
from boathook.runtimes.executions import Pipes, SpawnedExecution
from boathook.runtimes.identity import Identity, this_identity
from boathook.runtimes.interior import Interior, is_alive
from boathook.runtimes.launch import Message, User
from boathook.runtimes.logs import LogReader
from boathook.runtimes.processes import this_process, until_ended
from boathook.runtimes.records import Records, SandboxRecord
from boathook.runtimes.rootfs import RootLayout, View, arguments, hide_symlinks
from boathook.runtimes.sandboxes import probe_spec, write_container_files, write_network_files
from boathook.runtimes.spawner_client import SpawnerClient, SpawnFailed
from boathook.runtimes.subscriptions import Subscriptions
from boathook.runtimes.trees import delete_tree
from boathook.runtimes.volumes import VolumeStore

_POLL_SECONDS = 0.05
"""How often another process's container is looked at, where the kernel tells nothing."""
_UNKILLABLE_SECONDS = 10.0


class Images(Protocol):
    """What the runtime asks of the image store."""

    async def resolve(self, reference: str, policy: PullPolicy) -> Image: ...


class BubblewrapRuntime(Interior):
    """Implements ``boathook.runtimes.base.ContainerRuntime`` on this machine."""

    def __init__(self, home: Home, *, images: Images, clock: Clock | None = None) -> None:
        self._home = home
        self._images = images
        self._clock = clock or SystemClock()
        self._records = Records(home)
        self._volumes = VolumeStore(home.volumes)
        self._identity: Identity = this_identity()
        self._spawner = SpawnerClient()
        self._bubblewrap = ""
        self._overlay = True
        self._containers: dict[ContainerId, OwnContainer] = {}
        self._sandboxes: dict[SandboxId, OwnSandbox] = {}
        self._starting: anyio.Semaphore
        """More starts at once than processors would only wait for each other."""
        self._executions: set[SpawnedExecution] = set()
        self._events: Subscriptions[RuntimeEvent] = Subscriptions()

    @property
    def name(self) -> str:
        return "local/bwrap"

    @property
    def owned(self) -> frozenset[ContainerId]:
        """The containers that live and die with this process, whatever their state."""
        return frozenset(self._containers)

    async def __aenter__(self) -> BubblewrapRuntime:
        self._home.ensure()
        self._home.containers.mkdir(exist_ok=True, mode=0o711)
        launch.allow_many_descriptors()
        self._starting = anyio.Semaphore(2 * (os.cpu_count() or 1))
        self._spawner.open()
        try:
            await self._look_around()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        """End and remove what this process still runs, then the spawner."""
        with anyio.CancelScope(shield=True):
            try:
                for execution in tuple(self._executions):
                    execution.release()
                for container in tuple(self._containers):
                    await self.remove(container)
                for sandbox in tuple(self._sandboxes):
                    await self.remove_sandbox(sandbox)
            finally:
                await self._spawner.close()

    async def resolve_image(self, reference: str, policy: PullPolicy) -> Image:
        return await self._images.resolve(reference, policy)

    async def resolve_user(self, image: Image, user: str) -> tuple[int, int]:
        named = user or image.config.user or "0:0"
        uid, _, gid = named.partition(":")
        if uid.isdigit() and gid.isdigit():
            return int(uid), int(gid)
        from boathook.images import lookup_user

        return lookup_user(image, named)

    def can_be(self, uids: frozenset[int]) -> str | None:
        return self._identity.refusal(uids)

    def not_enforced(self, spec: ContainerSpec) -> tuple[str, ...]:
        said = []
        if spec.supplemental_groups and self._identity.single:
            said.append("supplemental groups are not given: an ordinary user can give a container one group only")
        if spec.privileged and not self._identity.root:
            said.append("privileged gives no access to the machine's devices: boathook does not run as root")
        return tuple(said)

    async def create_sandbox(self, spec: SandboxSpec) -> SandboxId:
        sandbox = SandboxId(f"sandbox-{secrets.token_hex(6)}")
        fresh = self._records.fresh_directory()
        write_network_files(fresh, spec)
        try:
            holder = await self._spawner.request(launch.sandbox_message(spec, self._identity))
        except SpawnFailed as error:
            delete_tree(fresh)
            raise abilities.refusal(self._identity, str(error)) from error
        record = SandboxRecord(
            id=sandbox,
            spec=spec,
            owner=this_process(),
            holder=holder.id,
            user_namespace=not self._identity.root,
            single_user=self._identity.single,
        )
        self._records.publish(fresh, record)
        self._sandboxes[sandbox] = OwnSandbox(record, holder)
        return sandbox

    async def sandbox_spec(self, sandbox: SandboxId) -> SandboxSpec:
        return self._records.sandbox(sandbox).spec

    async def remove_sandbox(self, sandbox: SandboxId) -> None:
        own = self._sandboxes.pop(sandbox, None)
        if own is not None:
            await self._spawner.end_sandbox(own.holder)
        else:
            self._refuse_foreign(sandbox)
        await self._delete(self._records.directory(sandbox))

    async def create(self, spec: ContainerSpec) -> ContainerId:
        sandbox = self._own_sandbox(spec.sandbox)
        user = User(*await self.resolve_user(spec.image, spec.user))
        self._claim_user(sandbox, spec, user)
        return await self._create(spec, user)

    async def _create(self, spec: ContainerSpec, user: User) -> ContainerId:
        launch.container_bounding_set(spec)
        container = ContainerId(secrets.token_hex(8))
        fresh = self._records.fresh_directory()
        try:
            await self._make_root(RootLayout(directory=fresh), spec)
        except OSError as error:
            await self._delete(fresh)
            raise PlaceError(f"container {spec.name!r} could not be created: {error}") from error
        record = created_record(container, spec, user, self._clock)
        self._records.publish(fresh, record)
        self._containers[container] = own = OwnContainer(record, self._records, self._clock, self._tell)
        self._tell(own, "created")
        return container

    async def _make_root(self, layout: RootLayout, spec: ContainerSpec) -> None:
        if self._overlay:
            layout.make(spec.image, overlay=True)
        else:
            await anyio.to_thread.run_sync(lambda: layout.make(spec.image, overlay=False))
        if spec.termination_message_path is not None:
            layout.termination_log.touch()
            layout.termination_log.chmod(0o666)
        write_container_files(layout.directory, spec, self._records.directory(spec.sandbox))
        writable = layout.writable(overlay=self._overlay)
        hide_symlinks((*spec.image.layers, writable), writable)

    async def start(self, container: ContainerId) -> None:
        own = self._own(container)
        async with own.mounting:
            await self._start(own)

    async def _start(self, own: OwnContainer) -> None:
        spec = own.record.spec
        if own.record.state is ContainerState.RUNNING:
            raise Conflict(f"container {spec.name!r} could not be started: it runs")
        pipes = own.open_pipes()
        try:
            launch.refuse(own.record)
            message = self._main_message(own)
            async with self._starting:
                process = await self._spawner.request(message, pipes.descriptors, on_end=own.ended)
        except BaseException as error:
            own.did_not_start()
            if isinstance(error, SpawnFailed):
                raise CouldNotStart(f"container {spec.name!r} could not be started: {error}") from error
            raise
        pipes.close_write()
        own.runs(process)

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        try:
            return await self._exec(container, spec, output)
        except NotRunning:
            await self._seen_to_end(container)
            raise

    async def _exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        record = self._running(container)
        if record.paused:
            raise NotRunning(f"container {record.spec.name!r} is paused")
        sandbox = self._sandbox_record(record.spec.sandbox)
        user = User(record.uid, record.gid)
        if spec.user is not None:
            user = User(*await self.resolve_user(record.spec.image, spec.user))
        user = launch.exec_user(record, sandbox, user, self._identity)
        message = launch.exec_message(record, sandbox, spec, user)
        if sandbox.plain:
            message = launch.without_namespaces(message, record, self._records.directory(container))
        pipes = Pipes(output)
        try:
            given = () if spec.stdin is None else (spec.stdin,)
            process = await self._spawner.request(message, (*pipes.descriptors, *given))
        except SpawnFailed as error:
            pipes.close_write()
            pipes.drain()
            if error.step == "not-running" or not is_alive(record) or await self._is_ending(container, error):
                raise NotRunning(f"container {record.spec.name!r} is not running") from error
            raise CouldNotStart(str(error)) from error
        pipes.close_write()
        execution = SpawnedExecution(process, pipes)
        self._executions = {each for each in self._executions if not each.over} | {execution}
        return execution

    async def request(self, container: ContainerId, request: Request, *, label: str = "") -> Response:
        """The sandbox's network outlives a container in it: what is asked of one that has ended is refused there."""
        from boathook.runtimes.networks import connector
        from boathook.runtimes.requests import perform

        sandbox = self._sandbox_record(self._record(container).spec.sandbox)
        return await perform(request, connector(self._spawner, sandbox))

    async def signal(self, container: ContainerId, signal: str) -> None:
        record = self._running(container)
        assert record.process is not None
        number = launch.signal_number(signal)
        if self._sandbox_record(record.spec.sandbox).plain and not launch.is_taken(number, record.process.pid):
            return
        try:
            record.process.send(number)
        except ProcessLookupError as error:
            raise NotRunning(f"container {record.spec.name!r} is not running") from error

    async def wait(self, container: ContainerId) -> Exit:
        own = self._containers.get(container)
        if own is not None:
            run = own.run
            await run.finished.wait()
            return run.exit
        record = self._records.container(container)
        if record.process is not None:
            await until_ended(record.process)
        while (seen := self._records.container(container).as_seen()).state is not ContainerState.EXITED:  # noqa: ASYNC110
            await anyio.sleep(_POLL_SECONDS)
        return seen.exit or Exit(code=None, signal=None)

    async def remove(self, container: ContainerId) -> None:
        own = self._containers.get(container)
        try:
            record = own.record if own else self._records.container(container)
        except NotFound:
            return
        if record.state is ContainerState.RUNNING and record.process is not None:
            with contextlib.suppress(ProcessLookupError):
                record.process.send(signal.SIGKILL)
            with anyio.move_on_after(_UNKILLABLE_SECONDS) as patience:
                await (own.run.finished.wait() if own else until_ended(record.process))
            if patience.cancelled_caught:
                raise PlaceError(
                    f"container {record.spec.name!r} could not be ended: it sleeps uninterruptibly",
                    hint="a file system that it writes to may be frozen: thaw it (fsfreeze --unfreeze)",
                )
        await self._delete(self._records.directory(container))
        self._containers.pop(container, None)
        if own is not None:
            self._tell(own, "removed")

    async def inspect(self, container: ContainerId) -> Container:
        return self._record(container).container()

    async def list(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        own = [each.record for each in self._containers.values()]
        others = self._records.containers(besides=self._containers.keys())
        found = [record.container() for record in (*own, *others) if labels.items() <= record.spec.labels.items()]
        return tuple(sorted(found, key=lambda each: (each.created, each.id)))

    async def logs(self, container: ContainerId, *, follow: bool = False) -> AsyncIterator[LogLine]:
        reader = LogReader(RootLayout(directory=self._records.directory(container)).log)
        while True:
            ended = self._record(container).as_seen().state is ContainerState.EXITED or not follow
            for line in reader.lines():
                yield line
            if ended and not reader.more():
                return
            if not ended:
                await anyio.sleep(_POLL_SECONDS)

    def events(self) -> AsyncIterator[RuntimeEvent]:
        return self._events.add()

    async def create_volume(
        self, name: str, labels: Mapping[str, str], *, mode: int, sandbox: SandboxId | None = None
    ) -> Volume:
        if sandbox is None:
            return self._volumes.create(name, labels, mode)
        self._own_sandbox(sandbox)
        return VolumeStore(self._records.directory(sandbox) / "volumes").create(name, labels, mode)

    async def remove_volume(self, name: str) -> None:
        self._volumes.remove(name)

    async def list_volumes(self, labels: Mapping[str, str]) -> tuple[Volume, ...]:
        return tuple(volume for volume in self._volumes.list() if labels.items() <= volume.labels.items())

    async def _look_around(self) -> None:
        """Find out how containers are built here. Raises ``PlaceError`` where none can be."""
        self._bubblewrap = abilities.bubblewrap_path()
        known = abilities.remembered(self._home, self._identity)
        self._overlay = await self._probe() if known is None else known

    async def _probe(self) -> bool:
        """Whether a root can be an overlay, found by starting a container. Raises ``PlaceError`` when none starts."""
        why = ""
        for self._overlay in (True, False):
            try:
                await self._start_probe()
            except CouldNotStart as error:
                why = str(error)
                continue
            abilities.remember(self._home, self._identity, overlay=self._overlay)
            return self._overlay
        raise abilities.refusal(self._identity, why)

    async def _start_probe(self) -> None:
        network = SandboxSpec(name="probe", hostname="probe", network=NetworkMode.POD, labels={})
        sandbox = await self.create_sandbox(network)
        empty = self._records.directory(sandbox) / "empty"
        empty.mkdir()
        container = await self._create(probe_spec(sandbox, empty), User(0, 0))
        try:
            await self.start(container)
        finally:
            await self.remove(container)
            await self.remove_sandbox(sandbox)

    def _claim_user(self, sandbox: OwnSandbox, spec: ContainerSpec, user: User) -> None:
        """Refuse a uid that this place cannot give, or cannot give beside another in the same sandbox."""
        wanted = {user.uid} if sandbox.uid is None or not self._identity.single else {user.uid, sandbox.uid}
        refusal = self._identity.refusal(frozenset(wanted))
        if refusal is not None:
            raise UnsupportedHere(f"container {spec.name!r} cannot run as user {user}: {refusal}")
        sandbox.uid = user.uid

    def _main_message(self, own: OwnContainer) -> Message:
        sandbox = self._own_sandbox(own.record.spec.sandbox).record
        plain = self._identity.root and launch.in_initial_user_namespace()
        view = View(
            spec=own.record.spec,
            layout=own.layout,
            generated=self._records.directory(sandbox.id),
            overlay=self._overlay,
            user_namespace=not plain,
            host_devices=own.record.spec.privileged and self._identity.root,
        )
        return launch.main_message(own.record, sandbox, [self._bubblewrap, *arguments(view)], mount_sys=plain)

    def _tell(self, own: OwnContainer, what: str) -> None:
        exit = own.record.exit if what == "exited" else None
        self._events.tell(RuntimeEvent(container=own.record.id, name=own.record.spec.name, what=what, exit=exit))

    async def _delete(self, directory: Path) -> None:
        await anyio.to_thread.run_sync(delete_tree, directory)
