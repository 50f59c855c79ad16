"""The create phase of a project: what stands is kept, replaced or removed, and what is missing is made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import anyio

from boathook.compose.convergence import Adding, Renaming, Replacing, ServicePlan
from boathook.compose.labels import container_labels, replaced_name
from boathook.compose.model import Project, Service
from boathook.compose.order import creation_order, restarted_with, start_order, stop_order
from boathook.compose.place import Making, Member, Ready
from boathook.compose.scene import Scene
from boathook.compose.stopping import Stopping
from boathook.compose.turns import Once, in_turn, side_by_side
from boathook.errors import BoathookError
from boathook.events import ContainerCreated
from boathook.runtimes.base import ContainerId

CLEAN_UP_SECONDS = 30.0
"""How long removing what a failed creation left may take, when nobody can interrupt it."""


@dataclass(slots=True, kw_only=True)
class Creating:
    """The acts that ``compose.convergence`` has decided upon."""

    scene: Scene
    stopping: Stopping
    ready: Mapping[str, Ready]
    plans: Mapping[str, ServicePlan]
    renew_volumes: bool
    standing: dict[str, list[Member]] = field(default_factory=dict)
    """The result: each service's containers in ascending number."""
    stopped: dict[ContainerId, Once] = field(default_factory=dict)
    """Containers that are stopped on the way, because what they depend on is replaced."""

    @property
    def project(self) -> Project:
        return self.scene.project

    async def run(self) -> None:
        """Do it all. Where nothing is ended, containers are made side by side: they need each other only to start."""
        names = frozenset(self.plans)
        ends = any(plan.ends_something for plan in self.plans.values())
        turns = start_order(self.project, only=names) if ends else creation_order(self.project, only=names)
        await in_turn(turns, self._converge)

    def runs(self, member: Member) -> bool:
        """Whether it needs no start."""
        return member.stoppable and member.id not in self.stopped

    async def _converge(self, name: str) -> None:
        plan, service = self.plans[name], self.project.service(name)
        for one in plan.discard:
            await self.scene.remove(one, volumes=False)
        for renaming in plan.rename:
            await self._rename(renaming)
        for member in plan.keep:
            self._keep(member)
        if plan.replace:
            await self._stop_dependants(name)
        await side_by_side(
            (
                *(partial(self._remove, service, member) for member in plan.remove),
                *(partial(self._replace, service, one) for one in plan.replace),
                *(partial(self._add, service, one) for one in plan.add),
            )
        )
        self.standing.setdefault(name, []).sort(key=lambda one: one.number)

    def _keep(self, member: Member) -> None:
        self.standing.setdefault(member.service, []).append(member)
        if self.runs(member):
            self.scene.phase(member, "Running")

    async def _rename(self, renaming: Renaming) -> None:
        """Give one its name that took another's place when the command was interrupted."""
        await self.scene.place.rename(renaming.member.id, renaming.name)

    async def _remove(self, service: Service, member: Member) -> None:
        async with self.scene.slot():
            await self._stop(service, member)
            await self.scene.remove(member, volumes=False)

    async def _stop(self, service: Service, member: Member) -> None:
        if member.id not in self.stopped:
            await self.stopping.stop_container(service, member)

    async def _stop_dependants(self, name: str) -> None:
        """Those with ``restart: true`` stop before, and are started again in the start phase."""
        dependants = restarted_with(self.project, {name}, only=frozenset(self.plans), transitive=False) - {name}

        async def stop(dependant: str) -> None:
            service, plan = self.project.service(dependant), self.plans[dependant]
            members = (*plan.keep, *plan.remove, *(one.member for one in plan.replace))
            await side_by_side(partial(self._stop_once, service, member) for member in members if member.stoppable)

        await in_turn(stop_order(self.project, only=dependants), stop)

    async def _stop_once(self, service: Service, member: Member) -> None:
        async def stop() -> None:
            async with self.scene.slot():
                await self.stopping.stop_container(service, member)

        # Two of those that it depends on may be replaced at the same time: both wait until it has stopped.
        await self.stopped.setdefault(member.id, Once()).do(stop)

    async def _add(self, service: Service, adding: Adding) -> None:
        labels = container_labels(
            self.project, service, image_id=self.ready[service.name].image_id, number=adding.number
        )
        making = Making(name=adding.name, number=adding.number, labels=labels)
        async with self.scene.slot():
            self._tell_created(service, await self._create(service, making))

    async def _replace(self, service: Service, one: Replacing) -> None:
        """Make it beside the old one, stop and remove that, and give it the name: so there is always one of them."""
        ready, old = self.ready[service.name], one.member
        labels = container_labels(
            self.project,
            service,
            image_id=ready.image_id,
            number=one.number,
            replaces=replaced_name(service, one.number),
        )
        making = Making(
            name=one.temporary,
            number=one.number,
            labels=labels,
            replaces=old,
            renew_volumes=self.renew_volumes,
        )
        async with self.scene.slot():
            self.scene.phase(old, "Recreate", one.reason)
            made = await self._create(service, making)
            try:
                await self._stop(service, old)
            except BaseException:
                with anyio.move_on_after(CLEAN_UP_SECONDS, shield=True):
                    await self.scene.place.remove(made.id, volumes=False)
                raise
            with anyio.CancelScope(shield=True):
                # Interrupted between these two, nothing would have the name.
                await self.scene.remove(old, volumes=False)
                await self.scene.place.rename(made.id, one.name)
            member = dataclasses.replace(made, name=one.name)
            self._tell_created(service, member)
            self.scene.phase(member, "Recreated")

    async def _create(self, service: Service, making: Making) -> Member:
        try:
            return await self.scene.place.create(self.project, self.ready[service.name], making)
        except BoathookError as error:
            if making.replaces is not None:
                self.scene.phase(making.replaces, "Error", str(error))
            raise

    def _tell_created(self, service: Service, member: Member) -> None:
        self.standing.setdefault(service.name, []).append(member)
        tell_created(self.scene, self.ready[service.name], member)


def tell_created(scene: Scene, ready: Ready, member: Member) -> None:
    """Emit that a container is there."""
    scene.context.events.emit(
        ContainerCreated(
            target=scene.target(member),
            image=ready.image.reference,
            stand_in=ready.image.stand_in,
            command=member.command,
            user=member.user,
        )
    )
