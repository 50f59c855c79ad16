"""Stops containers, each after its pre_stop hooks: the one place that does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from boathook.compose.debts import pre_stop_debts
from boathook.compose.member_hooks import HookRuns
from boathook.compose.model import Service
from boathook.compose.order import stop_order
from boathook.compose.place import Member, Status
from boathook.compose.scene import by_service
from boathook.compose.turns import in_turn, side_by_side
from boathook.errors import BoathookError, NotFound, OperationFailed
from boathook.events import ContainerStarted, SignalSent, StopRequested
from boathook.model import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """How one command stops what it must stop."""

    hooks: HookRuns
    grace: timedelta | None
    """Between signal and SIGKILL; None: each container's own."""
    cause: str

    async def stop_container(self, service: Service | None, member: Member) -> None:
        """Run its pre_stop hooks, which no grace period limits, then signal it; the grace counts from there on.

        One that does not run is left as it is, hooks included. A hook that fails ends this; the container runs on.
        ``service`` None: no file tells of its hooks.
        """
        if not member.stoppable:
            return
        scene = self.hooks.scene
        grace = self.grace if self.grace is not None or service is None else service.stop_grace
        scene.context.events.emit(StopRequested(target=scene.target(member), grace=grace, cause=self.cause))
        if service is not None and not await self.pre_stop(service, member):
            scene.phase(member, "Stopped")
            return
        try:
            ended = await scene.place.stop(
                member, grace=self.grace, signal=member.stop_signal, signalled=self._signalled(member)
            )
        except NotFound:
            # Somebody else has removed it meanwhile: as stopped as could be asked for.
            scene.phase(member, "Stopped")
            return
        except BoathookError as error:
            scene.phase(member, "Error while Stopping", str(error))
            raise
        scene.tell_exit(member, ended)
        scene.phase(member, "Stopped")

    async def stop_all(self, members: Iterable[Member]) -> None:
        """Stop these containers of known services, dependants first, those of one service side by side."""
        scene, found = self.hooks.scene, by_service(members)
        project = scene.project

        async def stop(service: Service, member: Member) -> None:
            async with scene.slot():
                await self.stop_container(service, member)

        async def stop_service(name: str) -> None:
            service = project.service(name)
            await side_by_side(partial(stop, service, member) for member in found[name])

        await in_turn(stop_order(project, only=project.names & found.keys()), stop_service)

    async def restart_container(self, service: Service, member: Member) -> None:
        """Run its pre_stop hooks and restart it. What does not run is started; no hook of the new life runs here."""
        scene = self.hooks.scene
        if member.stoppable:
            await self.pre_stop(service, member)
        scene.phase(member, "Restarting")
        try:
            await scene.place.restart(
                member, grace=self.grace, signal=member.stop_signal, signalled=self._signalled(member)
            )
        except BoathookError as error:
            scene.phase(member, "Error", str(error))
            raise
        scene.tell_started(member)
        scene.context.events.emit(ContainerStarted(target=scene.target(member)))
        scene.phase(member, "Restarted")

    async def pre_stop(self, service: Service, member: Member) -> bool:
        """Run them all; False: it has ended in the meantime, so that nothing is left to be stopped.

        Raises ``OperationFailed`` for one that fails, unless that is to be gone on after.
        """
        if not service.pre_stop or self.hooks.skip(member, service.pre_stop):
            return True
        found = await self._ready_for_hooks(member)
        if found is None or not found.running:
            return found is not None and found.stoppable
        try:
            return await self._run_pre_stop(service, found)
        except NotFound:
            return False
        except OperationFailed as failure:
            self.hooks.scene.phase(member, "Error while Stopping", str(failure))
            raise

    async def _run_pre_stop(self, service: Service, member: Member) -> bool:
        scene = self.hooks.scene
        async with pre_stop_debts(scene, member, service.pre_stop) as debts:
            for hook in service.pre_stop:
                failure = await self.hooks.run(service, member, hook)
                if failure is not None:
                    if not _was_not_there(failure) or (found := await scene.place.inspect(member.id)).running:
                        raise failure
                    # It has ended: as stopped as could be asked for (spec 3.2), unless its policy starts it again.
                    return found.stoppable
                await debts.met()
        return True

    async def _ready_for_hooks(self, member: Member) -> Member | None:
        """As it stands now, able to run a program if that is possible; None: it is gone."""
        scene = self.hooks.scene
        try:
            found = await scene.place.inspect(member.id)
            if found.status is Status.PAUSED:
                # Nothing can be run in it else. The peer leaves it paused, and says that all is well (spec 3.2).
                await scene.place.unpause(found.id)
                scene.phase(member, "Unpaused")
                found = await scene.place.inspect(member.id)
        except NotFound:
            return None
        if found.status is Status.RESTARTING:
            scene.warn("hook-skipped", f"pre_stop of {member.name} was not run: the container is restarting")
        return found

    def _signalled(self, member: Member) -> Callable[[str, timedelta | None], None]:
        scene = self.hooks.scene
        target = scene.target(member)
        return lambda signal, left: scene.context.events.emit(SignalSent(target=target, signal=signal, left=left))


def _was_not_there(failure: OperationFailed) -> bool:
    """Whether there may have been nothing to run the hook in."""
    return any(result.outcome is Outcome.COULD_NOT_START for result in failure.results)
