"""Acts on a project: brings it up and down, starts, stops and restarts it. Every command's work begins here.

What a command does is put together from ``convergence`` (decides), ``creating``, ``starting`` and ``stopping`` (act);
only the last two start and stop containers and use hooks. What only some commands need is loaded by them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from boathook.compose.choosing import refuse_unknown, removable
from boathook.compose.member_hooks import HookRuns
from boathook.compose.model import Project
from boathook.compose.options import (
    DownOptions,
    HookWishes,
    KillOptions,
    RemoveOptions,
    RestartOptions,
    RunOptions,
    StartOptions,
    StopOptions,
    UpOptions,
)
from boathook.compose.order import restarted_with, with_dependencies
from boathook.compose.place import Member, ProjectPlace, Status
from boathook.compose.remembered import NothingPast, PastHooks
from boathook.compose.removing import Removing
from boathook.compose.scene import Scene, by_service, none_attached, random_slug
from boathook.compose.stopping import Stopping
from boathook.compose.turns import side_by_side
from boathook.errors import NotFound, NotRunning, OperationFailed
from boathook.events import SignalSent
from boathook.journal.context import Context
from boathook.runtimes.base import ContainerId, Exit


@dataclass(slots=True, kw_only=True)
class ProjectWorker:
    """Acts on one project in one place. What stands there is asked of the place each time, never remembered."""

    project: Project
    place: ProjectPlace
    context: Context
    starting: Callable[[Sequence[Member]], None] = none_attached
    """Told of all containers of an ``up`` at once, when they are made and before the first of them starts."""
    past: PastHooks = field(default_factory=NothingPast)
    parallel: int = 0
    """How many containers are worked on at once; 0: no limit."""
    slug: Callable[[], str] = random_slug
    _told_exits: set[ContainerId] = field(default_factory=set)

    async def up(self, options: UpOptions = UpOptions()) -> None:
        """Make and start what is not as wanted; returns when every post_start hook has ended.

        Everything that can be refused is refused before anything is made or started.
        """
        from boathook.compose.bringing_up import BringingUp

        names = self._chosen(options.services, deps=options.deps)
        await BringingUp(scene=self._scene(options.parallel), options=options, past=self.past).run(names)

    async def start(self, options: StartOptions = StartOptions()) -> None:
        """Start the containers that stand and do not run; none is made."""
        from boathook.compose.starting import start_standing

        names = self._chosen(options.services)
        standing = await self._standing(names)
        for name in sorted(options.services or ((names - standing.keys()) if not standing else ())):
            if name not in standing and self.project.service(name).scale:
                raise OperationFailed(f'service "{name}" has no container to start')
        await start_standing(self._scene(), options, names, standing)

    async def stop(self, options: StopOptions = StopOptions()) -> None:
        """Stop what runs, dependants first, each after its pre_stop hooks."""
        names = self._known(options.services) or self.project.names
        members = [one for one in await self.members() if one.service in names and not one.oneoff]
        await self.stop_members(members, options)

    async def stop_members(self, members: Iterable[Member], options: StopOptions = StopOptions()) -> None:
        """Stop these containers, dependants first, those of one service side by side."""
        scene = self._scene()
        stopping = self._stopping(scene, options.hooks, options.grace, options.cause)
        await stopping.stop_all(members)

    async def restart(self, options: RestartOptions = RestartOptions()) -> None:
        """Restart containers with their pre_stop and post_start hooks; dependants with ``restart: true`` after them."""
        from boathook.compose.restarting import restart_all

        names = self._known(options.services) or self.project.names
        if options.deps:
            names = restarted_with(self.project, names, only=self.project.names)
        standing = await self._standing(names)
        stopping = self._stopping(self._scene(), options.hooks, options.grace, "restart")
        await restart_all(stopping, names, standing)

    async def down(self, options: DownOptions = DownOptions()) -> bool:
        """Stop and remove containers, dependants first; then what they shared. False: there was nothing to remove."""
        scene = self._scene()
        names = self._known(options.services) or self.project.names
        stopping = self._stopping(scene, options.hooks, options.grace, "down")
        return await Removing(scene=scene, stopping=stopping).down(options, names)

    async def removable(self, options: RemoveOptions = RemoveOptions()) -> tuple[str, ...]:
        """The names of the containers that ``remove`` would take: those that do not run, or all where it stops them."""
        return tuple(one.name for one in await self._removable(options))

    async def remove(self, options: RemoveOptions = RemoveOptions()) -> tuple[str, ...]:
        """Remove them, where wished after stopping them; their names."""
        scene = self._scene()
        found = await self._removable(options)
        stopping = self._stopping(scene, options.hooks, None, "rm")
        if options.stop:
            await Removing(scene=scene, stopping=stopping).services(
                found, frozenset(one.service for one in found), volumes=options.volumes
            )
        else:
            await side_by_side(partial(scene.remove, one, volumes=options.volumes) for one in found)
        return tuple(one.name for one in found)

    async def kill(self, options: KillOptions = KillOptions()) -> int:
        """Send a signal at once; no hook runs. Returns how many containers got it."""
        scene = self._scene()
        names = self._known(options.services) or self.project.names
        everything = options.remove_orphans and not options.services
        found = [one for one in await self.members() if one.stoppable and (one.service in names or everything)]
        await side_by_side(partial(self._kill, scene, one, options.signal) for one in found)
        return len(found)

    async def pause(self, services: Iterable[str] = ()) -> None:
        """Let containers stand still. No hook runs."""
        scene = self._scene()

        async def pause(member: Member) -> None:
            await self.place.pause(member.id)
            scene.phase(member, "Paused")

        await side_by_side(partial(pause, one) for one in await self._in_state(services, Status.RUNNING))

    async def unpause(self, services: Iterable[str] = ()) -> None:
        """Let them go on. No hook runs."""
        scene = self._scene()

        async def unpause(member: Member) -> None:
            await self.place.unpause(member.id)
            scene.phase(member, "Unpaused")

        await side_by_side(partial(unpause, one) for one in await self._in_state(services, Status.PAUSED))

    async def create_oneoff(self, options: RunOptions) -> Member:
        """Start what the service depends on, then make a one-off container of it; it is not started."""
        from boathook.compose.oneoffs import create_oneoff

        self._known([options.service])
        return await create_oneoff(self._scene(), self.project.service(options.service), options, self.past)

    async def start_oneoff(self, member: Member, hooks: HookWishes = HookWishes()) -> None:
        """Start it and run the service's post_start hooks. Raises ``OperationFailed`` for one that fails."""
        from boathook.compose.oneoffs import start_oneoff

        await start_oneoff(self._scene(), self.project.service(member.service), member, hooks)

    async def members(self) -> tuple[Member, ...]:
        """All containers of the project that stand, one-offs included, oldest first."""
        return await self.place.members(self.project.name)

    def tell_exit(self, member: Member, ended: Exit) -> None:
        """Emit that it has ended, once, whoever saw it first."""
        self._scene().tell_exit(member, ended)

    def _scene(self, parallel: int = 0) -> Scene:
        scene = Scene(
            project=self.project,
            place=self.place,
            context=self.context,
            starting=self.starting,
            slug=self.slug,
            told_exits=self._told_exits,
        )
        scene.limit(parallel or self.parallel)
        return scene

    def _stopping(self, scene: Scene, hooks: HookWishes, grace: timedelta | None, cause: str) -> Stopping:
        return Stopping(hooks=HookRuns(scene=scene, wishes=hooks), grace=grace, cause=cause)

    async def _standing(self, names: frozenset[str]) -> dict[str, list[Member]]:
        """The containers of these services, by service, in ascending number; those without any are left out."""
        members = [one for one in await self.members() if one.service in names and not one.oneoff]
        return by_service(sorted(members, key=lambda one: one.number))

    async def _removable(self, options: RemoveOptions) -> list[Member]:
        names = self._known(options.services) or self.project.names
        return removable(await self.members(), names, running=options.stop)

    async def _in_state(self, services: Iterable[str], status: Status) -> list[Member]:
        names = self._known(services) or self.project.names
        return [one for one in await self.members() if one.service in names and not one.oneoff and one.status is status]

    async def _kill(self, scene: Scene, member: Member, signal: str) -> None:
        async with scene.slot():
            try:
                await self.place.signal(member.id, signal)
            except (NotRunning, NotFound):
                return
            target = scene.target(member)
            self.context.events.emit(SignalSent(target=target, signal=signal, left=None))
            if signal in ("SIGKILL", "KILL", "9"):
                scene.tell_exit(member, await self.place.wait(member.id))
            scene.phase(member, "Killed")

    def _chosen(self, services: Iterable[str], *, deps: bool = True) -> frozenset[str]:
        """The services that a command is about: those named and what they need; all where none is named."""
        named = self._known(services)
        if not named:
            return self.project.names
        return with_dependencies(self.project, named) if deps else named

    def _known(self, names: Iterable[str]) -> frozenset[str]:
        chosen = frozenset(names)
        refuse_unknown(sorted(chosen), self.project.names)
        return chosen
