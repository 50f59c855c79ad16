"""Starts containers and runs their post_start hooks: the one place that does, with the pre_start hooks before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from boathook.compose.conditions import Conditions, Members
from boathook.compose.member_hooks import HookRuns
from boathook.compose.model import Condition, Project, Service
from boathook.compose.options import ImageWishes, StartOptions
from boathook.compose.order import start_order
from boathook.compose.place import Member, Ready, Status
from boathook.compose.preparing import make_ready
from boathook.compose.scene import Scene
from boathook.compose.turns import in_turn
from boathook.errors import BoathookError
from boathook.events import ContainerStarted
from boathook.model import Hook


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """How one command starts what it must start."""

    hooks: HookRuns
    conditions: Conditions

    async def start_service(
        self, service: Service, ready: Ready | None, waiting: Sequence[Member], standing: Members
    ) -> None:
        """Start those of its containers that wait, one after the other; it counts as started when this returns.

        ``ready`` is needed for its pre_start hooks, which run only where no container of it runs.
        """
        if not waiting:
            return
        scene = self.hooks.scene
        if service.pre_start and len(waiting) == len(standing[service.name]):
            assert ready is not None
            await self.pre_start(service, ready, min(waiting, key=lambda one: one.number))
        for member in sorted(waiting, key=lambda one: one.number):
            async with scene.slot():
                await self.start_container(service, member)

    async def start_container(self, service: Service, member: Member) -> None:
        """Start it and run its post_start hooks in order. The first that fails ends this; the container runs on."""
        scene = self.hooks.scene
        try:
            await scene.place.start(member.id, service)
        except BoathookError as error:
            scene.phase(member, "Error", str(error))
            raise
        scene.tell_started(member)
        scene.context.events.emit(ContainerStarted(target=scene.target(member)))
        await self.post_start(service, member, service.post_start)
        scene.phase(member, "Started")

    async def post_start(self, service: Service, member: Member, hooks: Sequence[Hook]) -> None:
        """Run these hooks of a container that has been started. Raises ``OperationFailed`` for one that fails."""
        if not hooks or self.hooks.skip(member, hooks):
            return
        for hook in hooks:
            failure = await self.hooks.run(service, member, hook)
            if failure is not None:
                raise failure

    async def pre_start(self, service: Service, ready: Ready, beside: Member) -> None:
        """Run its pre_start hooks, each in a container of its own to its end, after removing what earlier ones left."""
        scene = self.hooks.scene
        await scene.place.remove_helpers(scene.project.name, [service.name])
        if self.hooks.skip(beside, service.pre_start):
            return
        async with scene.slot():
            for hook in service.pre_start:
                failure = await self.hooks.run_beside(service, beside, hook, ready)
                if failure is not None:
                    raise failure


def needs_start(member: Member) -> bool:
    """Whether it is to be started: one that is paused cannot be, and the place says so."""
    return not (member.owner_alive and member.status in (Status.RUNNING, Status.RESTARTING))


async def start_all(
    starting: Starting,
    ready: Mapping[str, Ready],
    standing: Mapping[str, Sequence[Member]],
    waiting: Mapping[str, Sequence[Member]],
    scales: Mapping[str, int],
) -> None:
    """Start what waits of these services (``scales``), dependencies with their hooks first."""
    project = starting.hooks.scene.project

    async def wait(name: str) -> None:
        if standing.get(name):
            await starting.conditions.of(project.service(name), standing, scales)

    async def start(name: str) -> None:
        await starting.start_service(project.service(name), ready.get(name), waiting.get(name, ()), standing)

    await in_turn(start_order(project, only=frozenset(scales)), start, before=wait)


async def start_standing(scene: Scene, options: StartOptions, names: frozenset[str], standing: Members) -> None:
    """Start the containers of these services that stand and do not run; what each service has is in ``standing``."""
    project = scene.project
    waiting = {name: [one for one in members if needs_start(one)] for name, members in standing.items()}
    hooks = HookRuns(scene=scene, wishes=options.hooks)
    starting = Starting(hooks=hooks, conditions=Conditions(scene=scene, timeout=options.wait_timeout))
    helped = [name for name, members in waiting.items() if members and project.service(name).pre_start]
    ready = await make_ready(scene, helped, ImageWishes())
    scales = {name: len(standing.get(name, ())) for name in names}
    await start_all(starting, ready, standing, waiting, scales)
    if options.wait:
        await starting.conditions.all_of(standing, awaited_to_end(project))


def awaited_to_end(project: Project) -> frozenset[str]:
    """Services that some other one wants to have ended well."""
    return frozenset(
        needed.service
        for service in project.services
        for needed in service.depends_on
        if needed.condition == Condition.COMPLETED
    )
