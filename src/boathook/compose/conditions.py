"""Waits until containers are as others depend on them being: healthy, ended well, or just running."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import anyio

from boathook.compose.model import Condition, Dependency, Service
from boathook.compose.place import Health, Member, Status
from boathook.compose.scene import Scene
from boathook.compose.turns import Once, until_a_failure
from boathook.errors import BoathookError, OperationFailed

RUNNING_OR_HEALTHY = "running_or_healthy"
"""What ``--wait`` waits for: healthy where there is a healthcheck."""

SHORTEST, LONGEST, GROWTH = 0.05, 0.5, 1.5
"""Seconds between two looks: soon at first, then as seldom as the peer's."""

Members = Mapping[str, Sequence[Member]]
"""The containers of each service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the containers of a service say about a condition."""

    reached: bool = False
    failure: str = ""
    """Why it will never be reached; empty: it may be."""


def judge(condition: str, service: str, members: Iterable[Member]) -> Verdict:
    """Whether a service has reached a condition, by its containers as they stand. Texts are the peer's (spec 8)."""
    if condition == Condition.COMPLETED:
        return _completed(service, members)
    found = tuple(members)
    verdicts = [_healthy(member, or_running=condition == RUNNING_OR_HEALTHY) for member in found]
    failure = next((one.failure for one in verdicts if one.failure), "")
    return Verdict(reached=not failure and all(one.reached for one in verdicts), failure=failure)


def _completed(service: str, members: Iterable[Member]) -> Verdict:
    ended = [one for one in members if one.status in (Status.EXITED, Status.DEAD) and one.exit is not None]
    codes = [one.exit.code for one in ended if one.exit is not None]
    if not codes:
        return Verdict()
    if 0 in codes:
        return Verdict(reached=True)
    return Verdict(failure=f'service "{service}" didn\'t complete successfully: exit {codes[0]}')


def _healthy(member: Member, *, or_running: bool) -> Verdict:
    if member.status in (Status.EXITED, Status.DEAD) or not member.owner_alive:
        code = member.exit.code if member.exit is not None else None
        return Verdict(failure=f"container {member.name} exited ({code if code is not None else 'unseen'})")
    if member.health is None:
        if or_running:
            return Verdict(reached=member.status is Status.RUNNING)
        return Verdict(failure=f"container {member.name} has no healthcheck configured")
    if member.health is Health.UNHEALTHY:
        return Verdict(failure=f"container {member.name} is unhealthy")
    return Verdict(reached=member.health is Health.HEALTHY)


@dataclass(slots=True, kw_only=True)
class Conditions:
    """The waits of one command. Hooks are never bounded by ``timeout``."""

    scene: Scene
    timeout: timedelta | None
    _waits: dict[tuple[str, str], Once] = field(default_factory=dict)
    """Those of all who depend on the same thing are one."""

    async def of(self, service: Service, standing: Members, scales: Mapping[str, int]) -> None:
        """Until everything that it depends on is as it is to be; ``scales`` names what takes part.

        ``service_started`` needs no wait: turns are taken only after the hooks of those before have ended.
        """
        await until_a_failure(
            partial(self._until, service.name, needed, standing.get(needed.service, ()))
            for needed in service.depends_on
            if needed.condition != Condition.STARTED and scales.get(needed.service)
        )

    async def all_of(self, standing: Members, completed: frozenset[str]) -> None:
        """What ``--wait`` waits for: every service runs or is healthy; those of ``completed`` have ended well."""
        await until_a_failure(
            partial(self._look, name, Condition.COMPLETED if name in completed else RUNNING_OR_HEALTHY, members)
            for name, members in standing.items()
        )

    async def _until(self, dependant: str, needed: Dependency, members: Sequence[Member]) -> None:
        if not members:
            message = f"{dependant} is missing dependency {needed.service}"
            if needed.required:
                raise OperationFailed(message)
            self.scene.warn("missing-dependency", message)
            return
        wait = self._waits.setdefault((needed.service, needed.condition), Once())
        try:
            await wait.do(partial(self._look, needed.service, needed.condition, members))
        except BoathookError as failure:
            if needed.required:
                raise
            why = str(failure).removeprefix("dependency failed to start: ")
            self.scene.warn("optional-dependency", f'optional dependency "{needed.service}" failed to start: {why}')

    async def _look(self, service: str, condition: str, members: Sequence[Member]) -> None:
        """Look until it is decided. Raises ``OperationFailed`` when it will not be reached, or not in time."""
        for member in members:
            self.scene.phase(member, "Waiting")
        limit = None if self.timeout is None else self.timeout.total_seconds()
        with anyio.move_on_after(limit) as within:
            failure = await self._decided(service, condition, members)
        if within.cancelled_caught:
            assert self.timeout is not None
            from boathook.durations import format_go_duration

            failure = f"application not healthy after {format_go_duration(self.timeout)}"
        reached = "Exited" if condition == Condition.COMPLETED else "Healthy"
        for member in members:
            self.scene.phase(member, "Error" if failure else reached, failure or None)
        if failure:
            raise OperationFailed(failure)

    async def _decided(self, service: str, condition: str, members: Sequence[Member]) -> str:
        """Why it will never be reached; empty: it is."""
        if condition != Condition.COMPLETED:
            await self.scene.place.check_health([one.id for one in members])
        delay = SHORTEST
        while True:
            verdict = judge(condition, service, [await self.scene.place.inspect(one.id) for one in members])
            if verdict.failure:
                prefix = "dependency failed to start: " if condition == Condition.HEALTHY else ""
                return prefix + verdict.failure
            if verdict.reached:
                return ""
            await anyio.sleep(delay)
            delay = min(delay * GROWTH, LONGEST)
