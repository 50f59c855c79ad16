"""Podman's healthchecks where no systemd has them run: whoever waits has them run, at their times.

Podman leaves the times to timers of systemd's. Its own API runs one check when it is asked to, counts what comes out
and knows the start period; so as long as a place is open, each container that it has started or that somebody waits
for is checked on its behalf.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import anyio

from boathook.compose.engine.listing import inspected
from boathook.compose.model import Condition, Service
from boathook.compose.reading.problems import Problems
from boathook.errors import BoathookError, Conflict, NotFound, NotRunning, UnsupportedHere
from boathook.runtimes.base import ContainerId
from boathook.runtimes.docker.engine import Engine, Refused

log = logging.getLogger(__name__)

_NOBODY = "boathook-asks-whether-there-are-checks"
_NO_CONTAINER = "no such container"
_DEFAULT_SECONDS = 30.0
_AHEAD_SECONDS = 0.5
"""What a timer of systemd's is ahead of us, so that its check is seen before we would run one."""
_WHY = "this engine lets nobody run a healthcheck: its socket has nothing below /libpod/containers"
_REMEDY = "let all of Podman's socket through (podman system service), or wait for service_started"


class Checks:
    """Those that one open place has run: at most one at a time for each container."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._offered: bool | None = None

    async def refuse(self, services: Sequence[Service]) -> None:
        """Raises ``ManifestError`` for whoever would wait for ever."""
        waiting = [
            (service, needed.service)
            for service in services
            for needed in service.depends_on
            if needed.condition == Condition.HEALTHY
        ]
        if not waiting or await self._is_offered():
            return
        problems = Problems()
        for service, name in waiting:
            problems.error("healthcheck", service.at(f"depends_on.{name}"), _WHY, remedy=_REMEDY)
        problems.raise_errors()

    async def wanted(self, containers: Sequence[ContainerId]) -> None:
        """Somebody waits for their health. Raises ``UnsupportedHere``."""
        if not self._engine.podman:
            return
        if not await self._is_offered():
            raise UnsupportedHere(_WHY, hint=_REMEDY)
        for container in containers:
            self.keep(container)

    def keep(self, container: ContainerId) -> None:
        """Run them from now on, if it has one."""
        known = self._tasks.get(container)
        if self._engine.podman and (known is None or known.done()):
            self._tasks[container] = asyncio.create_task(self._keep(container))

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    async def _is_offered(self) -> bool:
        """Podman says that there is no such container; whoever knows no such question says something else."""
        if self._engine.podman and self._offered is None:
            try:
                await self._ask(_NOBODY)
            except BoathookError as error:
                self._offered = _NO_CONTAINER in str(error)
        return self._offered is not False

    async def _keep(self, container: ContainerId) -> None:
        try:
            await self._run(container)
        except NotFound:
            pass  # Removed meanwhile.
        except BoathookError as error:
            if _NO_CONTAINER not in str(error):  # Podman says it with 500, too.
                log.warning("healthchecks of container %s are not run any more: %s", container, error)

    async def _run(self, container: ContainerId) -> None:
        """Until it turns out that the engine has them run itself."""
        found = await inspected(self._engine, container)
        if (seconds := interval(found["Config"].get("Healthcheck"))) is None:
            return
        seen = _last(found)
        await anyio.sleep(seconds + _AHEAD_SECONDS)
        while True:
            found = await inspected(self._engine, container)
            if _last(found) not in ("", seen):
                return
            if found["State"].get("Running") and not found["State"].get("Paused"):
                with suppress(NotRunning, Conflict, Refused):  # It has ended meanwhile.
                    await self._ask(container)
                seen = _last(await inspected(self._engine, container))
            await anyio.sleep(seconds)

    async def _ask(self, container: str) -> None:
        await self._engine.call("GET", f"libpod/containers/{container}/healthcheck")


def interval(check: Mapping[str, Any] | None) -> float | None:
    """Seconds between two checks, of a container's ``Healthcheck``; None: there is none."""
    if not check or not check.get("Test") or check["Test"][0] == "NONE":
        return None
    return int(check.get("Interval") or 0) / 1e9 or _DEFAULT_SECONDS


def _last(found: Mapping[str, Any]) -> str:
    """When the last one ended, in the engine's words; empty: there was none."""
    told = (found["State"].get("Health") or {}).get("Log") or ()
    return str(told[-1].get("End") or "") if told else ""
