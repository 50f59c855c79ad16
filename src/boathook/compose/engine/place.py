"""The engine's place: a project's containers as the engine's own, with networks, names, ports and labels of their own.

What stands is asked of the engine each time, by the peer's labels, so that either works on what the other made.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from boathook.compose.engine import acts, listing
from boathook.compose.engine.looking_place import LookingPlace
from boathook.compose.model import Project, Service
from boathook.compose.options import ImageWishes
from boathook.compose.place import (
    Making,
    Member,
    Ready,
)
from boathook.errors import Conflict, CouldNotStart, NotRunning
from boathook.events import EventStream
from boathook.home import Home
from boathook.model import Hook, JsonObject, RunContainer
from boathook.runtimes.base import ContainerId, ExecSpec, Execution, Exit, OutputSink
from boathook.runtimes.docker.endpoint import Endpoint, find_endpoint
from boathook.runtimes.docker.engine import Engine, Refused

if TYPE_CHECKING:
    from boathook.compose.engine.checking import Checks
    from boathook.compose.engine.images import ProjectImages
    from boathook.runtimes.docker.images import PullProgress

Signalled = Callable[[str, timedelta | None], None]


class EnginePlace(LookingPlace):
    """Implements ``boathook.compose.place.ProjectPlace`` over the Engine API. ``offline``: nothing is pulled."""

    def __init__(
        self,
        home: Home,
        *,
        offline: bool = False,
        endpoint: Endpoint | None = None,
        progress: PullProgress | None = None,
    ) -> None:
        self._home = home
        self._offline = offline
        self._progress = progress
        self.engine = Engine(endpoint or find_endpoint(os.environ))
        self._images: ProjectImages | None = None
        self._found: dict[str, Mapping[str, Any]] = {}
        """Containers as they were when they were last listed."""
        self._networks: dict[str, str] = {}
        """Ids of networks that are known to stand, by name."""
        self._checks: Checks | None = None

    @property
    def name(self) -> str:
        return "docker"

    @property
    def tells_of_all(self) -> bool:
        return True

    async def __aenter__(self) -> EnginePlace:
        await self.engine.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        import anyio

        with anyio.CancelScope(shield=True):
            if self._checks is not None:
                await self._checks.close()
            if self._images is not None:
                self._images.images.close()
            await self.engine.close()

    @property
    def images(self) -> ProjectImages:
        if self._images is None:
            from boathook.compose.engine.images import ProjectImages
            from boathook.runtimes.docker.images import EngineImages
            from boathook.runtimes.docker.sandboxes import SandboxDirectories

            directories = SandboxDirectories(self._home)
            known = EngineImages(self.engine, {}, directories, offline=self._offline, progress=self._progress)
            self._images = ProjectImages(self.engine, known)
        return self._images

    @property
    def checks(self) -> Checks:
        if self._checks is None:
            from boathook.compose.engine.checking import Checks

            self._checks = Checks(self.engine)
        return self._checks

    async def prepare(
        self, project: Project, services: Sequence[Service], wishes: ImageWishes, events: EventStream
    ) -> Mapping[str, Ready]:
        from boathook.compose.engine.refusals import refuse
        from boathook.compose.engine.users import refuse_users

        known = await self.images.of_services(project, services, wishes, events)
        refuse(self.engine, services, known)
        if self.engine.podman:
            await self.checks.refuse(services)
        await refuse_users(self.images.images, services, known)
        return {
            service.name: Ready(service=service, image=known[service.image].image, image_id=known[service.image].id)
            for service in services
        }

    async def members(self, project: str) -> tuple[Member, ...]:
        found = await listing.found_of(self.engine, project)
        others = {name: one for name, one in self._found.items() if listing.project_of(one) != project}
        self._found = others | {one["Id"]: one for one in found}
        return listing.in_order(found)

    async def projects(self) -> Mapping[str, tuple[Member, ...]]:
        return await listing.projects(self.engine)

    async def inspect(self, container: ContainerId) -> Member:
        return await listing.inspect(self.engine, container)

    async def difference(self, member: Member, project: Project, ready: Ready) -> str | None:
        from boathook.compose.engine.difference import difference

        found = self._found.get(member.id) or await listing.inspected(self.engine, member.id)
        image = await self.images.described(ready.service.image)
        return await difference(self.engine, member, project, ready, found=found, image=image, networks=self._networks)

    def refuse_replacing(self, members: Sequence[Member]) -> None:
        if self.engine.podman and members:
            from boathook.compose.engine.refusals import refuse_replacing

            refuse_replacing(members, self._found.values())

    async def stale_networks(self, project: Project, services: Sequence[Service]) -> frozenset[str]:
        from boathook.compose.engine import networks

        return await networks.stale_networks(self.engine, project, services)

    async def create_networks(self, project: Project, services: Sequence[Service], events: EventStream) -> None:
        from boathook.compose.engine import networks

        self._networks |= await networks.create_networks(self.engine, project, services, events)

    async def create_volumes(self, project: Project, ready: Mapping[str, Ready], events: EventStream) -> None:
        from boathook.compose.engine import volumes

        await volumes.create_volumes(self.engine, project, (one.service for one in ready.values()), events)

    async def remove_networks(self, project: Project, events: EventStream) -> int:
        from boathook.compose.engine import networks

        return await networks.remove_networks(self.engine, project, events)

    async def remove_volumes(self, project: Project, events: EventStream) -> int:
        from boathook.compose.engine import volumes

        return await volumes.remove_volumes(self.engine, project, events)

    async def remove_images(self, project: Project, which: str, events: EventStream) -> int:
        from boathook.compose.engine.images import remove_images

        return await remove_images(self.engine, project, which, events)

    async def create(self, project: Project, ready: Ready, making: Making) -> Member:
        from boathook.compose.engine.making import create

        return await create(self.engine, project, ready, making)

    async def start(self, container: ContainerId, service: Service | None = None) -> None:
        await acts.start(self.engine, container, service)
        if self.engine.podman:
            self.checks.keep(container)

    async def stop(self, member: Member, *, grace: timedelta | None, signal: str, signalled: Signalled) -> Exit:
        return await acts.stop(self.engine, member, grace=grace, signal=signal, signalled=signalled)

    async def restart(self, member: Member, *, grace: timedelta | None, signal: str, signalled: Signalled) -> None:
        await acts.restart(self.engine, member, grace=grace, signal=signal, signalled=signalled)

    async def check_health(self, containers: Sequence[ContainerId]) -> None:
        if self.engine.podman:
            await self.checks.wanted(containers)

    async def signal(self, container: ContainerId, signal: str) -> None:
        await acts.tell(self.engine, container, "kill", {"signal": signal})

    async def wait(self, container: ContainerId) -> Exit:
        return await acts.wait(self.engine, container)

    async def pause(self, container: ContainerId) -> None:
        await acts.tell(self.engine, container, "pause")

    async def unpause(self, container: ContainerId) -> None:
        await acts.tell(self.engine, container, "unpause")

    async def rename(self, container: ContainerId, name: str) -> None:
        await acts.tell(self.engine, container, "rename", {"name": name})

    async def remove(self, container: ContainerId, *, volumes: bool = True) -> None:
        from boathook.compose.engine.refusals import is_shared
        from boathook.runtimes.docker.removal import remove_container

        try:
            await remove_container(self.engine, container, volumes=volumes)
        except (Conflict, Refused) as error:
            raise is_shared(error) from error

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        from boathook.runtimes.docker.executions import start_execution
        from boathook.runtimes.docker.specification import exec_body

        body = exec_body(spec, await self._variables(container), podman=self.engine.podman)
        try:
            return await start_execution(self.engine, container, body, output, stdin=spec.stdin)
        except (NotRunning, CouldNotStart, Conflict, Refused) as error:
            raise await acts.why_no_exec(self.engine, container, error) from error

    async def exec_detached(self, container: ContainerId, spec: ExecSpec) -> None:
        from boathook.compose.engine.streams import exec_detached

        try:
            await exec_detached(self.engine, container, spec, await self._variables(container))
        except (NotRunning, CouldNotStart, Conflict, Refused) as error:
            raise await acts.why_no_exec(self.engine, container, error) from error

    async def _variables(self, container: ContainerId) -> frozenset[str]:
        """Those that the container has. Only Podman has to be told: it cannot take one away."""
        if not self.engine.podman:
            return frozenset()
        found = await self.engine.call("GET", f"containers/{container}/json")
        return frozenset(one.partition("=")[0] for one in found["Config"].get("Env") or ())

    async def run_helper(
        self, project: Project, ready: Ready, beside: Member, handler: RunContainer, output: OutputSink, *, label: str
    ) -> Execution:
        from boathook.compose.engine.pre_start import run_helper

        return await run_helper(self.engine, project, ready, beside, handler, output)

    async def remove_helpers(self, project: str, services: Iterable[str]) -> int:
        from boathook.compose.engine.pre_start import remove_helpers

        return await remove_helpers(self.engine, project, frozenset(services))

    async def owed(self, project: Project, member: Member, hook: Hook) -> JsonObject:
        from boathook.compose.engine.recovery import owed

        if member.id not in self._found:
            self._found[member.id] = await listing.inspected(self.engine, member.id)
        return owed(self._found[member.id])
