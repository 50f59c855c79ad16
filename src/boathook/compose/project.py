"""Brings a project up and down. ``start_container`` and ``stop_container`` are the only users of its hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import anyio

from boathook.compose.containers import (
    Prepared,
    config_hash_of,
    container_spec,
    is_ours,
    sandbox_spec,
    selector,
    service_of,
    target_of,
)
from boathook.compose.debts import pre_stop_debts
from boathook.compose.failures import hook_failure
from boathook.compose.model import Project, Service
from boathook.compose.order import start_order, stop_order, with_dependencies
from boathook.compose.prepare import Preparation, only_uid, prepare
from boathook.compose.turns import in_turn
from boathook.compose.volumes import create_volumes, make_bind_sources, volume_target
from boathook.errors import NotFound, UsageError
from boathook.events import (
    ContainerCreated,
    ContainerExited,
    ContainerRemoved,
    ContainerStarted,
    Noted,
    ObjectDeleted,
    PhaseChanged,
    SignalSent,
    StopRequested,
)
from boathook.hooks import run_hook
from boathook.hooks.target import ContainerExec
from boathook.journal.context import Context
from boathook.model import Finding, Hook, HookResult, Outcome, Severity, Source, Target
from boathook.runtimes.base import (
    Container,
    ContainerId,
    ContainerRuntime,
    ContainerState,
    Exit,
    NetworkMode,
    SandboxId,
    stop,
)

CLEAN_UP_SECONDS = 30.0
"""How long removing what a failed creation left may take, when nobody can interrupt it."""


def _nothing(service: Service, container: Container) -> None: ...


@dataclass(slots=True, kw_only=True)
class ProjectWorker:
    """Acts on one project in one place. What stands there is asked of the runtime each time, never remembered."""

    project: Project
    runtime: ContainerRuntime
    context: Context
    network: NetworkMode
    created: Callable[[Service, Container], None] = _nothing
    """Told of each container before it starts, so that nothing of its output is missed."""
    host_paths: bool = True
    """Make missing bind directories. False in a simulation, which leaves the machine alone."""
    _told_exits: set[ContainerId] = field(default_factory=set)

    async def up(self, only: Iterable[str] = ()) -> None:
        """Create and start what does not run; returns when every post_start hook has ended.

        ``only`` names services, which start with what they need; empty: all. Everything that can be refused is refused
        before anything starts.
        """
        named = self._known(only)
        names = with_dependencies(self.project, named) if named else self.project.names
        chosen = [self.project.service(turn.service) for turn in start_order(self.project, only=names)]
        preparation = await prepare(chosen, self.runtime, self.context.events)
        await self._tell_orphans()
        waiting = await self._create(preparation)

        async def start(name: str) -> None:
            if name in waiting:
                await self.start_container(self.project.service(name), waiting[name])

        await in_turn(start_order(self.project, only=names), start)

    async def stop(self, only: Iterable[str] = (), *, cause: str, grace: timedelta | None = None) -> None:
        """Stop what runs, dependants first, each after its pre_stop hooks. ``grace`` None: each service's own."""
        names = self._known(only) or self.project.names
        containers = await self.containers()

        async def stop_service(name: str) -> None:
            if name in containers:
                await self.stop_container(self.project.service(name), containers[name], cause=cause, grace=grace)

        await in_turn(stop_order(self.project, only=names), stop_service)

    async def down(self, only: Iterable[str] = (), *, volumes: bool = False, grace: timedelta | None = None) -> bool:
        """Stop and remove the containers, dependants first; then the sandbox, and with ``volumes`` the named volumes.

        False when there was nothing to remove.
        """
        named = self._known(only)
        names = named or self.project.names
        containers = await self.containers()
        await self._tell_orphans()

        async def take_down(name: str) -> None:
            if name in containers:
                await self.stop_container(self.project.service(name), containers[name], cause="down", grace=grace)
                await self._remove(containers[name])

        await in_turn(stop_order(self.project, only=names), take_down)
        await self._remove_empty_sandboxes(one.spec.sandbox for one in containers.values())
        removed = await self._remove_volumes() if volumes and not named else 0
        return bool(removed or names & containers.keys())

    async def kill(self, only: Iterable[str] = (), *, signal: str = "SIGKILL") -> int:
        """Send ``signal`` at once; no hook runs. Returns how many containers got it."""
        names = self._known(only) or self.project.names
        running = [
            container
            for name, container in (await self.containers()).items()
            if name in names and await self._runs(container.id)
        ]
        for container in running:
            await self._kill(container, signal)
        return len(running)

    async def containers(self) -> dict[str, Container]:
        """The containers of the project's services, by service."""
        found = await self.runtime.list(selector(self.project.name))
        return {service_of(one): one for one in found if is_ours(one) and service_of(one) in self.project.names}

    async def start_container(self, service: Service, container: Container) -> None:
        """Start it and run its post_start hooks in order. The first that fails ends this; the container runs on."""
        target = target_of(self.project.name, container)
        await self.runtime.start(container.id)
        self.context.events.emit(ContainerStarted(target=target))
        for hook in service.post_start:
            result = await self._run(hook, target, container.id)
            if not result.succeeded:
                running = await self._runs(container.id)
                raise hook_failure(service.name, container.spec.name, result, running=running)
        self.context.events.emit(PhaseChanged(target=target, phase="Started", reason=None))

    async def stop_container(
        self, service: Service, container: Container, *, cause: str, grace: timedelta | None = None
    ) -> None:
        """Run its pre_stop hooks, which nothing limits, then signal it; its grace counts from the signal on.

        One that does not run is left as it is, hooks included. A hook that fails ends this; the container runs on.
        """
        if not await self._runs(container.id):
            return
        target = target_of(self.project.name, container)
        grace = service.stop_grace if grace is None else grace
        self.context.events.emit(StopRequested(target=target, grace=grace, cause=cause))
        failed = await self._pre_stop(service, container, target)
        if failed is not None:
            running = await self._runs(container.id)
            # Ended in the meantime, so that there was nothing to exec in: as stopped as could be asked for (spec 3.2).
            if running or failed.outcome is not Outcome.COULD_NOT_START:
                raise hook_failure(service.name, container.spec.name, failed, running=running)
        ended = await stop(
            self.runtime,
            container.id,
            signal=container.spec.stop_signal,
            grace=grace,
            signalled=lambda signal, left: self.context.events.emit(
                SignalSent(target=target, signal=signal, left=left)
            ),
        )
        self.tell_exit(container, ended)
        self.context.events.emit(PhaseChanged(target=target, phase="Stopped", reason=None))

    def tell_exit(self, container: Container, ended: Exit) -> None:
        """Emit that it has ended, once, whoever saw it first."""
        if container.id in self._told_exits:
            return
        self._told_exits.add(container.id)
        target = target_of(self.project.name, container)
        self.context.events.emit(
            ContainerExited(target=target, exit_code=ended.code, signal=ended.signal, explanation=None)
        )

    async def _pre_stop(self, service: Service, container: Container, target: Target) -> HookResult | None:
        """The result of the hook that failed; None when all went well or there is none."""
        uid = await only_uid(container, service.pre_stop, self.runtime)
        sandbox = sandbox_spec(self.project, self.network, user=uid)
        async with pre_stop_debts(self.context, service.pre_stop, target, container.spec, sandbox) as debts:
            for hook in service.pre_stop:
                result = await self._run(hook, target, container.id)
                if not result.succeeded:
                    return result
                await debts.met()
        return None

    async def _run(self, hook: Hook, target: Target, container: ContainerId) -> HookResult:
        return await run_hook(
            hook,
            target,
            ContainerExec(self.runtime, container),
            deadline=None,
            events=self.context.events,
            clock=self.context.clock,
        )

    async def _create(self, preparation: Preparation) -> dict[str, Container]:
        """Volumes, sandbox and containers that are missing; the containers that wait for their start, by service."""
        standing = await self.containers()
        kept = await self._clear(preparation, standing)
        if self.host_paths:
            make_bind_sources(one.service for one in preparation.services)
        volumes = await create_volumes(self.project, preparation.services, self.runtime, self.context.events)
        missing = [one for one in preparation.services if one.service.name not in kept]
        sandbox = next((one.spec.sandbox for one in kept.values()), None)
        made = sandbox is None
        if sandbox is None:
            spec = sandbox_spec(self.project, self.network, user=preparation.only_uid)
            sandbox = await self.runtime.create_sandbox(spec)
        waiting = {name: one for name, one in kept.items() if one.state is ContainerState.CREATED}
        try:
            for one in missing:
                container = await self.runtime.create(container_spec(self.project, one, sandbox, volumes))
                waiting[one.service.name] = await self._tell_created(one, container)
        except BaseException:
            if made:
                with anyio.move_on_after(CLEAN_UP_SECONDS, shield=True):
                    for created in waiting.values():
                        await self.runtime.remove(created.id)
                    await self.runtime.remove_sandbox(sandbox)
            raise
        return waiting

    async def _clear(self, preparation: Preparation, standing: dict[str, Container]) -> dict[str, Container]:
        """Keep the containers that are as the file wants them; stop and remove the others of these services."""
        wanted = {one.service.name: one for one in preparation.services}
        kept = {name: one for name, one in standing.items() if name not in wanted or _is_current(one, wanted[name])}
        kept = {name: one for name, one in kept.items() if one.owner_alive}

        async def replace(name: str) -> None:
            if name in standing and name not in kept:
                # The file's pre_stop hooks of today, as in every stop that is ours (spec 15).
                service = self.project.service(name)
                await self.stop_container(service, standing[name], cause="changed")
                await self._remove(standing[name])

        await in_turn(stop_order(self.project, only=frozenset(wanted)), replace)
        await self._remove_empty_sandboxes(one.spec.sandbox for one in standing.values())
        for name, one in kept.items():
            if name in wanted and one.state is ContainerState.RUNNING:
                target = target_of(self.project.name, one)
                self.context.events.emit(PhaseChanged(target=target, phase="Running", reason=None))
        return kept

    async def _tell_created(self, prepared: Prepared, container: ContainerId) -> Container:
        found = await self.runtime.inspect(container)
        self.context.events.emit(
            ContainerCreated(
                target=target_of(self.project.name, found),
                image=prepared.image.reference,
                stand_in=prepared.image.stand_in,
                command=prepared.argv,
                user=f"{prepared.uid}:{prepared.gid}",
            )
        )
        self.created(prepared.service, found)
        return found

    async def _kill(self, container: Container, signal: str) -> None:
        target = target_of(self.project.name, container)
        await self.runtime.signal(container.id, signal)
        self.context.events.emit(SignalSent(target=target, signal=signal, left=None))
        if signal == "SIGKILL":
            self.tell_exit(container, await self.runtime.wait(container.id))
        self.context.events.emit(PhaseChanged(target=target, phase="Killed", reason=None))

    async def _remove(self, container: Container) -> None:
        await self.runtime.remove(container.id)
        self.context.events.emit(ContainerRemoved(target=target_of(self.project.name, container)))

    async def _remove_empty_sandboxes(self, sandboxes: Iterable[SandboxId]) -> None:
        found = await self.runtime.list(selector(self.project.name))
        used = {one.spec.sandbox for one in found}
        for sandbox in set(sandboxes) - used:
            await self.runtime.remove_sandbox(sandbox)

    async def _remove_volumes(self) -> int:
        there = {volume.name for volume in await self.runtime.list_volumes({})}
        found = [volume for volume in self.project.volumes if volume.name in there]
        for volume in found:
            await self.runtime.remove_volume(volume.name)
            self.context.events.emit(ObjectDeleted(target=volume_target(self.project, volume), cause="down -v"))
        return len(found)

    async def _tell_orphans(self) -> None:
        """Containers of services that the file does not have (any more) are left alone, hooks included, and named."""
        found = await self.runtime.list(selector(self.project.name))
        orphans = [one.spec.name for one in found if is_ours(one) and service_of(one) not in self.project.names]
        if orphans:
            message = f"Found orphan containers ([{' '.join(orphans)}]) for this project; they are left as they are"
            file = self.project.files[0] if self.project.files else ""
            source = Source(file=file, line=None, column=None, path="services")
            finding = Finding(
                id="compose.orphans", severity=Severity.WARNING, source=source, message=message, remedy=None
            )
            self.context.events.emit(Noted(finding=finding))

    async def _runs(self, container: ContainerId) -> bool:
        try:
            found = await self.runtime.inspect(container)
        except NotFound:
            return False
        return found.state is ContainerState.RUNNING and found.owner_alive

    def _known(self, names: Iterable[str]) -> frozenset[str]:
        chosen = frozenset(names)
        for name in sorted(chosen - self.project.names):
            raise UsageError(f"no such service: {name}")
        return chosen


def _is_current(container: Container, wanted: Prepared) -> bool:
    """It runs or waits for its start, and nothing has changed that it is made of."""
    return container.state is not ContainerState.EXITED and wanted.service.config_hash == config_hash_of(container)
