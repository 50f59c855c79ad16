"""Watches over the containers that this process has started: their health, and whether they are started again.

An engine does this in a daemon; here it is done by the process that the containers belong to, for as long as it lives.
What it finds is noted with the container, where every other process sees it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import anyio
from anyio.abc import TaskGroup

from boathook.compose.embedded.facts import HEALTH, RESTARTS, WATCHED, Facts
from boathook.compose.embedded.health import Prober
from boathook.compose.embedded.restarts import Restarts
from boathook.compose.place import Health
from boathook.errors import NotFound, PlaceError, TargetError, alone
from boathook.runtimes.base import ContainerId, ContainerRuntime, Exit

log = logging.getLogger(__name__)

Tell = Callable[[ContainerId, str, dict[str, str]], None]
"""Hears what has happened to a container, in an engine's words, with attributes."""


@dataclass(slots=True, kw_only=True)
class Watch:
    """The watch over one container, from a start by command until it stays as it is."""

    over: anyio.Event = field(default_factory=anyio.Event)
    given_up: anyio.Event = field(default_factory=anyio.Event)
    """Set when somebody stops it: its policy does not start it again."""


@dataclass(slots=True, kw_only=True)
class Watches:
    """All of them, of whatever project."""

    runtime: ContainerRuntime
    tasks: TaskGroup | None
    """None: this process watches nothing, and no policy applies to what it starts."""
    tell: Tell
    _watches: dict[ContainerId, Watch] = field(default_factory=dict)

    def find(self, container: ContainerId) -> Watch | None:
        """The watch over it, if it lasts."""
        watch = self._watches.get(container)
        return None if watch is None or watch.over.is_set() else watch

    async def give_up(self, container: ContainerId) -> None:
        """Whatever its policy says, it is not started again (see ``settled``)."""
        watch = self.find(container)
        if watch is not None:
            watch.given_up.set()

    def go_on(self, container: ContainerId) -> None:
        """The stop that was begun was not carried through: its policy applies again."""
        watch = self.find(container)
        if watch is not None:
            watch.given_up = anyio.Event()

    async def settled(self, container: ContainerId) -> None:
        """Until nobody starts it again."""
        watch = self.find(container)
        if watch is not None:
            await watch.over.wait()

    async def start(self, container: ContainerId, name: str, facts: Facts) -> None:
        """Start it by command, and watch over it from then on."""
        await self.give_up(container)
        await self.settled(container)
        if self.tasks is None:
            await self.runtime.start(container)
            return
        watched = "yes" if facts.restart.name != "no" else ""
        await self.runtime.note(container, {WATCHED: watched, RESTARTS: "", HEALTH: ""})
        watch = self._watches[container] = Watch()
        try:
            await self.runtime.start(container)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._end(container, watch)
            raise
        self.tasks.start_soon(self._watch, container, name, facts, watch)

    async def _watch(self, container: ContainerId, name: str, facts: Facts, watch: Watch) -> None:
        restarts = Restarts(policy=facts.restart)
        try:
            while await self._one_life(container, name, facts, watch, restarts):
                await self.runtime.note(container, {RESTARTS: str(restarts.count), HEALTH: ""})
                await self.runtime.start(container)
                self.tell(container, "start", {})
        except NotFound:
            log.debug("container %r was removed", name)
        except (TargetError, PlaceError) as error:
            log.warning("container %r is not started again: %s", name, error)
        except Exception as error:
            log.error("the watch over container %r failed unexpectedly", name, exc_info=error)
        finally:
            with anyio.CancelScope(shield=True):
                await self._end(container, watch)

    async def _one_life(
        self, container: ContainerId, name: str, facts: Facts, watch: Watch, restarts: Restarts
    ) -> bool:
        """Until it has ended and its policy's time has come; False: it stays as it is."""
        began = anyio.current_time()
        ended = await self._end_of(container, name, facts)
        code = "" if ended.code is None else str(ended.code)
        self.tell(container, "die", {"exitCode": code})
        delay = restarts.after(ended, ran=timedelta(seconds=anyio.current_time() - began))
        if delay is None or watch.given_up.is_set():
            return False
        with anyio.move_on_after(delay.total_seconds()):
            await watch.given_up.wait()
        return not watch.given_up.is_set()

    async def _end_of(self, container: ContainerId, name: str, facts: Facts) -> Exit:
        with alone():
            return await self._probed(container, name, facts)

    async def _probed(self, container: ContainerId, name: str, facts: Facts) -> Exit:
        async with anyio.create_task_group() as probing:
            if facts.healthcheck is not None:
                prober = Prober(
                    runtime=self.runtime,
                    container=container,
                    name=name,
                    check=facts.healthcheck,
                    shell=facts.shell,
                    changed=lambda health: self._changed(container, health),
                    paused=lambda: self._is_paused(container),
                )
                probing.start_soon(prober.run)
            ended = await self.runtime.wait(container)
            probing.cancel_scope.cancel()
        return ended

    async def _changed(self, container: ContainerId, health: Health) -> None:
        await self.runtime.note(container, {HEALTH: health.value})
        self.tell(container, f"health_status: {health.value}", {})

    async def _is_paused(self, container: ContainerId) -> bool:
        try:
            return (await self.runtime.inspect(container)).paused
        except NotFound:
            return True

    async def _end(self, container: ContainerId, watch: Watch) -> None:
        await self.runtime.note(container, {WATCHED: ""})
        if self._watches.get(container) is watch:
            del self._watches[container]
        watch.over.set()
