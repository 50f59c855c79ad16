"""Where a project's containers live when there is no engine: on a container runtime, in one network."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from boathook.clock import Clock, SystemClock
from boathook.codec import to_json
from boathook.compose import model
from boathook.compose.embedded import preparing
from boathook.compose.embedded import volumes as storage
from boathook.compose.embedded.facts import Facts, facts_of, is_watched
from boathook.compose.embedded.hook_container import Helper
from boathook.compose.embedded.kept import Kept
from boathook.compose.embedded.looking import LookingPlace
from boathook.compose.embedded.networks import network_target, still_used
from boathook.compose.embedded.specification import (
    HELPER_NAME,
    Who,
    container_names,
    container_spec,
    helper_spec,
    network_names,
    sandbox_spec,
    service_names,
)
from boathook.compose.model import Project, Service
from boathook.compose.options import ImageWishes
from boathook.compose.place import (
    Making,
    Member,
    Ready,
)
from boathook.errors import Conflict, NotFound, NotRunning, UnsupportedHere
from boathook.events import EventStream, ObjectApplied, ObjectDeleted
from boathook.model import Exec, Hook, JsonObject, RunContainer
from boathook.runtimes import base
from boathook.runtimes.base import (
    Container,
    ContainerId,
    ContainerRuntime,
    ContainerState,
    ExecSpec,
    Execution,
    Exit,
    NetworkMode,
    OutputSink,
    PullPolicy,
)

ON_DOCKER = preparing.ON_DOCKER


class EmbeddedPlace(LookingPlace):
    """Implements ``boathook.compose.place.ProjectPlace`` on any container runtime."""

    def __init__(
        self,
        runtime: ContainerRuntime,
        *,
        network: NetworkMode = NetworkMode.POD,
        tasks: TaskGroup | None = None,
        host_paths: bool = True,
        refusing: bool = True,
        clock: Clock | None = None,
        kept: Kept | None = None,
    ) -> None:
        """``tasks``: where the watch over what is started here lives; None: no check and no policy applies.

        ``host_paths``: make missing bind directories. False in a simulation, which leaves the machine alone.
        ``refusing`` False: what only an engine can do is warned of and not refused, since nothing really runs.
        """
        self.runtime = runtime
        self._network = network
        self._host_paths = host_paths
        self._refusing = refusing
        self._kept = kept or Kept(runtime=runtime, clock=clock or SystemClock(), tasks=tasks)

    def on(self, network: NetworkMode) -> EmbeddedPlace:
        """The same place for projects that are begun in this network."""
        if network is self._network:
            return self
        return EmbeddedPlace(
            self.runtime, network=network, host_paths=self._host_paths, refusing=self._refusing, kept=self._kept
        )

    @property
    def name(self) -> str:
        return self.runtime.name

    @property
    def tells_of_all(self) -> bool:
        return False

    async def __aenter__(self) -> EmbeddedPlace:
        return self

    async def __aexit__(self, *exc: object) -> None:
        """The runtime is closed by whoever opened it; the watches end with their task group."""

    async def prepare(
        self, project: Project, services: Sequence[Service], wishes: ImageWishes, events: EventStream
    ) -> Mapping[str, Ready]:
        found = await preparing.prepare(
            project, services, wishes, self.runtime, self._network, events, refusing=self._refusing
        )
        self._kept.needs(project.name, found.uids)
        return found.ready

    async def difference(self, member: Member, project: Project, ready: Ready) -> str | None:
        if member.config_hash != ready.service.config_hash:
            return "its configuration has changed"
        if member.image_id != ready.image_id:
            return "its image has changed"
        return None

    async def stale_networks(self, project: Project, services: Sequence[Service]) -> frozenset[str]:
        """All share the one network that there is."""
        return frozenset()

    def refuse_replacing(self, members: Sequence[Member]) -> None:
        """There is none: what containers share is the project's."""

    async def create_networks(self, project: Project, services: Sequence[Service], events: EventStream) -> None:
        sandbox, made = await self._kept.sandbox(project, self._network)
        await self._kept.add_names(sandbox, (name for one in services for name in service_names(project, one)))
        if made:
            for name in dict.fromkeys(name for one in services for name in network_names(project, one)):
                events.emit(ObjectApplied(target=network_target(project, name), change="created", inert=False))

    async def create_volumes(self, project: Project, ready: Mapping[str, Ready], events: EventStream) -> None:
        await storage.create_volumes(project, ready, self.runtime, events)

    async def remove_networks(self, project: Project, events: EventStream) -> int:
        sandbox = self._kept.has_sandbox(project.name)
        names = [one.name for one in project.networks if not one.external]
        if sandbox is None:
            return 0
        if any(one.spec.sandbox == sandbox for one in await self._containers(project.name)):
            for name in names:
                events.emit(still_used(project, name))
            return len(names)
        await self._kept.remove_sandbox(project.name)
        for name in names:
            events.emit(ObjectDeleted(target=network_target(project, name), cause="down"))
        return len(names) or 1

    async def remove_volumes(self, project: Project, events: EventStream) -> int:
        there = {volume.name for volume in await self.runtime.list_volumes({})}
        found = [one for one in project.volumes if one.name in there and not one.external]
        used = {name for one in await self.runtime.list({}) for name in facts_of(one).mounts}
        for volume in found:
            if volume.name in used:
                events.emit(still_used(project, volume.name, kind="Volume"))
                continue
            await self.runtime.remove_volume(volume.name)
            events.emit(ObjectDeleted(target=storage.volume_target(project, volume), cause="down -v"))
        return len(found)

    async def remove_images(self, project: Project, which: str, events: EventStream) -> int:
        """Images are shared by all projects of this machine, and one without a name of its own is never made here."""
        if which == "local":
            return 0
        raise UnsupportedHere(
            "images are not removed by --on local: other projects may use them",
            hint="boathook image rm removes one",
        )

    async def create(self, project: Project, ready: Ready, making: Making) -> Member:
        self._refuse_published(ready.service, making)
        await self._refuse_taken(making.name)
        sandbox, _ = await self._kept.sandbox(project, self._network)
        who = await self._who(ready, making)
        maker = storage.MountMaker(
            project=project,
            ready=ready,
            making=making,
            runtime=self.runtime,
            sandbox=sandbox,
            host_paths=self._host_paths,
        )
        mounts = await maker.make()
        spec = container_spec(project, ready, making, sandbox, mounts, who, self._network)
        try:
            await self._kept.add_names(sandbox, container_names(ready.service, making))
            container = await self.runtime.create(spec)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await maker.undo()
            raise
        self._kept.knows(container, spec)
        self._kept.tell(container, "create", {})
        return await self.inspect(container)

    async def _who(self, ready: Ready, making: Making) -> Who:
        user = (making.oneoff.user if making.oneoff else "") or ready.service.user
        uid, gid = await self.runtime.resolve_user(ready.image, user)
        written = ready.service.form.get("group_add")
        groups = [
            (await self.runtime.resolve_user(ready.image, f"{uid}:{group}"))[1]
            for group in (written if isinstance(written, list) else ())
        ]
        return Who(uid=uid, gid=gid, groups=tuple(groups))

    async def start(self, container: ContainerId, service: Service | None = None) -> None:
        found = await self.runtime.inspect(container)
        if found.paused:
            raise Conflict(f'container "{found.spec.name}" is paused: unpause it instead of starting it')
        if found.state is ContainerState.RUNNING:
            return
        facts = facts_of(found)
        if service is not None and facts.files:
            storage.write_files(Path(facts.files), service)
        await self._kept.watches.start(container, found.spec.name, facts)
        self._kept.tell(container, "start", {})

    async def stop(
        self,
        member: Member,
        *,
        grace: timedelta | None,
        signal: str,
        signalled: Callable[[str, timedelta | None], None],
    ) -> Exit:
        found = await self.runtime.inspect(member.id)
        grace = facts_of(found).stop_grace if grace is None else grace
        await self._kept.watches.give_up(member.id)
        try:
            if found.paused:
                await self.unpause(member.id)
            ended = await base.stop(
                self.runtime, member.id, signal=signal or member.stop_signal, grace=grace, signalled=signalled
            )
        except BaseException:
            self._kept.watches.go_on(member.id)
            raise
        await self._kept.watches.settled(member.id)
        self._kept.tell(member.id, "stop", {})
        return ended

    async def restart(
        self,
        member: Member,
        *,
        grace: timedelta | None,
        signal: str,
        signalled: Callable[[str, timedelta | None], None],
    ) -> None:
        found = await self.inspect(member.id)
        if found.stoppable:
            await self.stop(found, grace=grace, signal=signal, signalled=signalled)
        await self.start(member.id)
        self._kept.tell(member.id, "restart", {})

    async def signal(self, container: ContainerId, signal: str) -> None:
        """One that is killed, or asked to stop, is not started again by its policy (moby ``killWithSignal``)."""
        found = await self.runtime.inspect(container)
        ends = signal in ("SIGKILL", found.spec.stop_signal)
        if ends:
            await self._kept.watches.give_up(container)
        try:
            await self.runtime.signal(container, signal)
        except NotRunning:
            if is_watched(found):
                await self._kept.watches.settled(container)
                return
            raise
        self._kept.tell(container, "kill", {"signal": signal})

    async def check_health(self, containers: Sequence[ContainerId]) -> None:
        """They are checked for as long as they run."""

    async def pause(self, container: ContainerId) -> None:
        await self.runtime.pause(container)
        self._kept.tell(container, "pause", {})

    async def unpause(self, container: ContainerId) -> None:
        await self.runtime.unpause(container)
        self._kept.tell(container, "unpause", {})

    async def rename(self, container: ContainerId, name: str) -> None:
        await self._refuse_taken(name)
        found = await self.runtime.inspect(container)
        await self._kept.add_names(found.spec.sandbox, (name,))
        await self.runtime.rename(container, name)
        self._kept.knows(container, (await self.runtime.inspect(container)).spec)
        self._kept.tell(container, "rename", {"oldName": found.spec.name})

    async def remove(self, container: ContainerId, *, volumes: bool = True) -> None:
        try:
            found = await self.runtime.inspect(container)
        except NotFound:
            return
        await self._kept.watches.give_up(container)
        await self.runtime.remove(container)
        await self._kept.watches.settled(container)
        await self._remove_belongings(found, facts_of(found), volumes=volumes)
        self._kept.tell(container, "destroy", {})
        self._kept.forget(container)

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        execution = await self.runtime.exec(container, spec, output)
        self._kept.tell(container, f"exec_start: {' '.join(spec.command)}", {})
        return execution

    async def exec_detached(self, container: ContainerId, spec: ExecSpec) -> None:
        """It lives as long as its container, which the process that it belongs to ends."""
        await self.exec(container, spec, lambda stream, chunk: None)

    async def run_helper(
        self, project: Project, ready: Ready, beside: Member, handler: RunContainer, output: OutputSink, *, label: str
    ) -> Helper:
        image = ready.image
        if handler.image is not None:
            image = await self.runtime.resolve_image(handler.image, PullPolicy.IF_NOT_PRESENT)
        user = await self.runtime.resolve_user(image, handler.user or ready.service.user)
        at = (await self.runtime.inspect(beside.id)).spec
        name = f"{project.name}-{ready.service.name}-{HELPER_NAME}-{secrets.token_hex(6)}"
        spec = helper_spec(project, ready, at, image, handler, name=name, label=label, user=user)
        made = await self.runtime.create(spec)
        try:
            await self.runtime.start(made)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self.runtime.remove(made)
            raise
        return Helper(runtime=self.runtime, container=made, output=output)

    async def remove_helpers(self, project: str, services: Iterable[str]) -> int:
        names = frozenset(services)
        found = [
            one
            for one in await self._containers(project)
            if model.HOOK_LABEL in one.spec.labels and one.spec.labels.get(model.SERVICE_LABEL) in names
        ]
        for one in found:
            await self.remove(one.id)
        return len(found)

    async def owed(self, project: Project, member: Member, hook: Hook) -> JsonObject:
        """The container's specification, whose named volumes outlive it; what goes with its sandbox is left out."""
        from dataclasses import replace

        found = await self.runtime.inspect(member.id)
        files = facts_of(found).files
        mounts = tuple(one for one in found.spec.mounts if not files or not one.source.startswith(files))
        user = await self._only_uid(found, hook)
        spec = sandbox_spec(project, self._network, user=user)
        return {
            "hook": to_json(hook),
            "container": to_json(replace(found.spec, mounts=mounts)),
            "sandbox": to_json(spec),
        }

    async def _only_uid(self, container: Container, hook: Hook) -> int | None:
        uids = {int(container.user.partition(":")[0])}
        if isinstance(hook.handler, Exec) and hook.handler.user is not None:
            uid, _ = await self.runtime.resolve_user(container.spec.image, hook.handler.user)
            uids.add(uid)
        return preparing.single(uids)

    def _refuse_published(self, service: Service, making: Making) -> None:
        oneoff = making.oneoff
        if oneoff is None or not (oneoff.publish or (oneoff.service_ports and service.ports)):
            return
        if self._network is NetworkMode.POD or oneoff.publish:
            raise UnsupportedHere("ports of a one-off container are not published by --on local", hint=ON_DOCKER)

    async def _refuse_taken(self, name: str) -> None:
        if any(one.spec.name == name for one in await self.runtime.list({})):
            raise Conflict(f'the container name "{name}" is already in use')

    async def _remove_belongings(self, container: Container, facts: Facts, *, volumes: bool) -> None:
        """What goes with it: the content of its secrets, volumes without a name, a sandbox that a dead owner left."""
        storage.remove_files(facts.files)
        standing = await self.runtime.list({})
        if volumes:
            used = {one.volume for other in standing for one in facts_of(other).anonymous}
            for one in facts.anonymous:
                if one.volume not in used:
                    await self.runtime.remove_volume(one.volume)
        sandbox = container.spec.sandbox
        if not container.owner_alive and not any(one.spec.sandbox == sandbox for one in standing):
            with contextlib.suppress(Conflict):
                await self.runtime.remove_sandbox(sandbox)
