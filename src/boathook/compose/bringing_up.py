"""Brings services up: images, networks and volumes, the containers themselves, and then their start with its hooks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from boathook.compose.conditions import Conditions
from boathook.compose.convergence import Recreation, ServicePlan, plan_service, scale_of
from boathook.compose.creating import Creating
from boathook.compose.debts import KIND
from boathook.compose.member_hooks import HookRuns
from boathook.compose.options import UpOptions
from boathook.compose.place import Member, Ready, Status
from boathook.compose.preparing import make_ready, make_shared
from boathook.compose.remembered import PastHooks, unfinished
from boathook.compose.removing import Removing
from boathook.compose.scene import Scene, by_service
from boathook.compose.starting import Starting, awaited_to_end, needs_start, start_all
from boathook.compose.stopping import Stopping
from boathook.compose.turns import side_by_side
from boathook.runtimes.base import ContainerId


@dataclass(frozen=True, slots=True, kw_only=True)
class BringingUp:
    """One ``up``, or ``create``, or ``scale``."""

    scene: Scene
    options: UpOptions
    past: PastHooks

    async def run(self, names: frozenset[str]) -> None:
        """Make and start what is not as wanted of these services; returns when every post_start hook has ended."""
        scene, options = self.scene, self.options
        scales = {name: scale_of(scene.project.service(name), options.scale) for name in names}
        ready, found = await self._prepared(names)
        hooks = HookRuns(scene=scene, wishes=options.hooks)
        stopping = Stopping(hooks=hooks, grace=options.grace, cause="changed")
        found = await self._without_stale_networks(stopping, found, names)
        await make_shared(scene, names, ready)
        removing = Removing(scene=scene, stopping=stopping)
        await removing.orphans(found, remove=options.remove_orphans, ignore=options.ignore_orphans)
        plans = await self._plans(found, ready, scales)
        scene.place.refuse_replacing([one.member for plan in plans.values() for one in plan.replace])
        creating = Creating(
            scene=scene,
            stopping=stopping,
            ready=ready,
            plans=plans,
            renew_volumes=options.renew_volumes,
        )
        await creating.run()
        if options.start:
            starting = Starting(hooks=hooks, conditions=Conditions(scene=scene, timeout=options.wait_timeout))
            await self._start(starting, creating, scales)

    async def _prepared(self, names: frozenset[str]) -> tuple[Mapping[str, Ready], tuple[Member, ...]]:
        """What the services need, and what stands. Asked for at the same time."""
        found: list[Member] = []
        ready: dict[str, Ready] = {}

        async def look() -> None:
            found.extend(await self.scene.members())

        async def prepare() -> None:
            ready.update(await make_ready(self.scene, names, self.options.images))

        await side_by_side((prepare, look))
        return ready, tuple(found)

    async def _without_stale_networks(
        self, stopping: Stopping, found: tuple[Member, ...], names: frozenset[str]
    ) -> tuple[Member, ...]:
        """Stop what uses a network that is not as wanted, so that it can be made again (spec 12.3)."""
        scene = self.scene
        if not any(one.stoppable for one in found):
            return found
        services = [service for service in scene.project.services if service.name in names]
        stale = await scene.place.stale_networks(scene.project, services)
        users = [one for one in found if one.stoppable and one.service in names and stale.intersection(one.networks)]
        if not users:
            return found
        await stopping.stop_all(users)
        return await scene.members()

    async def _plans(
        self, found: Sequence[Member], ready: Mapping[str, Ready], scales: Mapping[str, int]
    ) -> Mapping[str, ServicePlan]:
        project = self.scene.project
        standing = by_service(one for one in found if not one.oneoff and one.status is not Status.REMOVING)
        recreation = {name: _recreation(name, self.options) for name in scales}
        compared = [name for name in scales if recreation[name] is Recreation.DIVERGED]
        differences = await self._differences(
            [(one, ready[name]) for name in compared for one in standing.get(name, ())]
        )
        return {
            name: plan_service(
                project, project.service(name), scale, standing.get(name, ()), differences, recreation[name]
            )
            for name, scale in scales.items()
        }

    async def _differences(self, asked: Sequence[tuple[Member, Ready]]) -> Mapping[ContainerId, str]:
        found: dict[ContainerId, str] = {}

        async def ask(member: Member, ready: Ready) -> None:
            difference = await self.scene.place.difference(member, self.scene.project, ready)
            if difference is not None:
                found[member.id] = difference

        await side_by_side(partial(ask, member, ready) for member, ready in asked)
        return found

    async def _start(self, starting: Starting, creating: Creating, scales: Mapping[str, int]) -> None:
        standing = creating.standing
        self.scene.starting([one for members in standing.values() for one in members])
        waiting = {
            name: [one for one in members if one.id in creating.stopped or needs_start(one)]
            for name, members in standing.items()
        }
        await start_all(starting, creating.ready, standing, waiting, scales)
        started = {one.id for members in waiting.values() for one in members}
        await self._look_back(
            starting, [one for members in standing.values() for one in members if one.id not in started]
        )
        if self.options.wait:
            await starting.conditions.all_of(standing, awaited_to_end(self.scene.project))

    async def _look_back(self, starting: Starting, kept: Iterable[Member]) -> None:
        """Say which post_start hooks of containers that ran before had failed, or run them again as wished."""
        scene = self.scene
        hooked = [one for one in kept if scene.project.service(one.service).post_start]
        if not hooked:
            return
        # Asking what is owed waits until the journal has written all that it was told before.
        await scene.context.obligations.owed(kind=KIND, scope=scene.project.name)
        runs = await self.past.runs([one.id for one in hooked])
        again: list[Callable[[], Awaitable[None]]] = []
        for member in hooked:
            service = scene.project.service(member.service)
            failed = unfinished(service.post_start, runs.get(member.id, ()))
            if failed and self.options.rerun_hooks:
                again.append(partial(starting.post_start, service, member, failed))
            elif failed:
                said = ", ".join(hook.name for hook in failed)
                scene.warn(
                    "hook-unfinished",
                    f"{said} of {member.name} did not end well when it was started",
                    remedy="run it again with --rerun-failed-hooks",
                )
        await side_by_side(again)


def _recreation(name: str, options: UpOptions) -> Recreation:
    """Named services as the command wishes, what they depend on only where it has changed (as the peer does)."""
    if not options.recreate:
        return Recreation.NEVER
    named = not options.services or name in options.services
    forced = (options.force_recreate or options.renew_volumes) if named else options.recreate_deps
    return Recreation.FORCE if forced else Recreation.DIVERGED
