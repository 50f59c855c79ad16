"""Whether a container is healthy: its check is run at its times, and what comes out is counted.

moby ``daemon/health.go``: the interval counts from the end of the last probe (from the start for the first one); a
failure within the start period counts only once the container has been healthy.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import anyio

from boathook.compose.model import Healthcheck
from boathook.compose.place import Health
from boathook.errors import PlaceError, TargetError
from boathook.model import Stream
from boathook.runtimes.assumptions import HEALTHCHECK
from boathook.runtimes.base import ContainerId, ContainerRuntime, ExecSpec, Execution

KILL_SECONDS = 5.0


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What all probes of one start say together. Pure."""

    check: Healthcheck
    health: Health = Health.STARTING
    streak: int = 0

    def interval(self, since_start: timedelta) -> timedelta:
        """Until the next probe."""
        starting = self.health is Health.STARTING and since_start < self.check.start_period
        return self.check.start_interval if starting else self.check.interval

    def hear(self, *, ok: bool, begun: timedelta) -> Health:
        """One probe's result; ``begun``: how long after the start it was begun."""
        if ok:
            self.streak, self.health = 0, Health.HEALTHY
        elif self.health is not Health.STARTING or begun >= self.check.start_period:
            self.streak += 1
            if self.streak >= self.check.retries:
                self.health = Health.UNHEALTHY
        return self.health


@dataclass(frozen=True, slots=True, kw_only=True)
class Prober:
    """Probes one container for as long as it runs."""

    runtime: ContainerRuntime
    container: ContainerId
    name: str
    check: Healthcheck
    shell: tuple[str, ...]
    changed: Callable[[Health], Awaitable[None]]
    paused: Callable[[], Awaitable[bool]]

    async def run(self) -> None:
        """Until it is cancelled. Each change is told; a container that stands still is not asked."""
        verdict, began = Verdict(check=self.check), anyio.current_time()
        while True:
            await anyio.sleep(verdict.interval(_since(began)).total_seconds())
            if await self.paused():
                continue
            before, begun = verdict.health, _since(began)
            if verdict.hear(ok=await self.probe(), begun=begun) is not before:
                await self.changed(verdict.health)

    async def probe(self) -> bool:
        """One question, killed at its time-out. What cannot be asked is not healthy."""
        execution: Execution | None = None
        try:
            with anyio.move_on_after(self.check.timeout.total_seconds()):
                execution = await self.runtime.exec(self.container, self._program(), _dropped)
                return (await execution.wait()).ok
        except (TargetError, PlaceError):
            return False
        except BaseException:
            await _kill(execution)
            raise
        await _kill(execution)
        return False

    def _program(self) -> ExecSpec:
        kind, *words = self.check.test
        command = (*self.shell, *words) if kind == "CMD-SHELL" else tuple(words)
        return ExecSpec(command=command, label=f"{HEALTHCHECK}:{self.name}")


def _since(began: float) -> timedelta:
    return timedelta(seconds=anyio.current_time() - began)


async def _kill(execution: Execution | None) -> None:
    if execution is not None:
        with anyio.move_on_after(KILL_SECONDS, shield=True):
            await execution.kill()


def _dropped(stream: Stream, chunk: bytes) -> None:
    """Nobody asks for what probes say."""
