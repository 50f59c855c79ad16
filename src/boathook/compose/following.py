"""The logs of a project's containers, side by side, and those of containers that start later."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import anyio
from anyio.abc import TaskGroup

from boathook.compose.happening import happenings
from boathook.compose.place import Member, PlaceEvent, ProjectPlace
from boathook.errors import NotFound
from boathook.runtimes.base import ContainerId, LogLine

_TICK = timedelta(microseconds=1)
_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogWishes:
    """Which part of each log."""

    since: datetime | None = None
    until: datetime | None = None
    tail: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Who is told of what: a whole line of a container, and that one has ended."""

    line: Callable[[str, LogLine], None]
    ended: Callable[[str, str], None]


async def show_logs(place: ProjectPlace, members: Collection[Member], wishes: LogWishes, shown: Shown) -> None:
    """What was written so far, the containers side by side."""
    async with anyio.create_task_group() as tasks:
        for member in members:
            tasks.start_soon(_show, place, member, wishes, shown)


async def _show(place: ProjectPlace, member: Member, wishes: LogWishes, shown: Shown) -> None:
    with suppress(NotFound):  # Removed meanwhile.
        async for line in whole_lines(_log(place, member.id, wishes, follow=False)):
            shown.line(member.name, line)


def _log(place: ProjectPlace, container: ContainerId, wishes: LogWishes, *, follow: bool) -> AsyncIterator[LogLine]:
    return place.logs(container, follow=follow, since=wishes.since, until=wishes.until, tail=wishes.tail)


async def whole_lines(log: AsyncIterator[LogLine]) -> AsyncIterator[LogLine]:
    """Parts of one line come as one, with the moment of its last part."""
    from dataclasses import replace

    rest: dict[str, str] = {}
    last: dict[str, LogLine] = {}
    async for line in log:
        text = rest.pop(line.stream, "") + line.text
        if line.partial:
            rest[line.stream], last[line.stream] = text, line
        else:
            yield replace(line, text=text)
    for stream, text in rest.items():
        yield replace(last[stream], text=text, partial=False)


async def merged_logs(
    place: ProjectPlace, members: Collection[Member], wishes: LogWishes
) -> AsyncIterator[tuple[str, LogLine]]:
    """What was written so far, in order of time over all containers: each line with its container's name."""
    waiting: list[tuple[LogLine, str, AsyncIterator[LogLine]]] = []
    for member in members:
        lines = aiter(whole_lines(_log(place, member.id, wishes, follow=False)))
        with suppress(StopAsyncIteration, NotFound):
            waiting.append((await anext(lines), member.name, lines))
    while waiting:
        at = min(range(len(waiting)), key=lambda one: waiting[one][0].time)
        line, name, lines = waiting[at]
        yield name, line
        try:
            waiting[at] = (await anext(lines), name, lines)
        except (StopAsyncIteration, NotFound):
            del waiting[at]


@dataclass(slots=True, kw_only=True)
class LogFollower:
    """Follows the containers of these services until all that ran have ended, and those that start meanwhile."""

    place: ProjectPlace
    project: str
    services: Collection[str]
    """Empty: all."""
    wishes: LogWishes
    shown: Shown
    began: datetime
    """Before the containers were looked at: what has happened since is not missed, where the place remembers it."""
    _followed: dict[ContainerId, bool] = field(default_factory=dict)
    """Those that are being followed, and whether they were started again meanwhile."""
    _shown_to: dict[ContainerId, datetime] = field(default_factory=dict)
    """Up to when all of a container's log has been dealt with. Its start is told too late to go by it."""
    _awaited: set[ContainerId] = field(default_factory=set)
    """Of which an end is still to come."""
    _listening: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    async def run(self, members: Collection[Member]) -> None:
        up = {member.id for member in members if member.stoppable}
        self._awaited = up or {member.id for member in members}
        async with anyio.create_task_group() as tasks:
            for member in members:
                self._shown_to[member.id] = self.began
                self._begin(tasks, member.id, member.name, self.wishes)
            if self._awaited:
                await self._listen(tasks)

    async def _listen(self, tasks: TaskGroup) -> None:
        since = self.began if self.place.tells_of_all else None
        with self._listening:
            async for event in happenings(self.place, self.project, since=since, until=self.wishes.until):
                if self._concerns(event):
                    await self._take(tasks, event)
                    self._look()

    def _look(self) -> None:
        """A restart is told as an end first: whether it was the last one shows a little later."""
        goes_on = self._awaited or self._followed
        self._listening.deadline = math.inf if goes_on else anyio.current_time() + _PATIENCE_SECONDS

    def _concerns(self, event: PlaceEvent) -> bool:
        from boathook.compose.model import HASH_LABEL, ONEOFF_LABEL

        is_member = HASH_LABEL in event.attributes and event.attributes.get(ONEOFF_LABEL) != "True"
        return is_member and (not self.services or event.service in self.services)

    async def _take(self, tasks: TaskGroup, event: PlaceEvent) -> None:
        match event.action:
            case "create":
                self._awaited.add(event.container)
            case "start":
                self._awaited.add(event.container)
                if event.container in self._followed:
                    self._followed[event.container] = True
                else:
                    self._begin(tasks, event.container, event.name, self._rest(event.container))
            case "die":
                await self._ended(event)
            case "destroy":
                self._awaited.discard(event.container)
            case _:
                pass

    async def _ended(self, event: PlaceEvent) -> None:
        """A policy may start it again; then its end is none."""
        code = event.attributes.get("exitCode") or event.attributes.get("containerExitCode") or "unknown"
        goes_on = False
        with suppress(NotFound):
            goes_on = (await self.place.inspect(event.container)).stoppable
        self.shown.ended(event.name, f"exited with code {code}{' (restarting)' if goes_on else ''}")
        if not goes_on:
            self._awaited.discard(event.container)

    def _rest(self, container: ContainerId) -> LogWishes:
        """What has not been shown of it."""
        return LogWishes(since=self._shown_to.get(container), until=self.wishes.until)

    def _begin(self, tasks: TaskGroup, container: ContainerId, name: str, wishes: LogWishes) -> None:
        self._followed[container] = False
        tasks.start_soon(self._follow, container, name, wishes)

    async def _follow(self, container: ContainerId, name: str, wishes: LogWishes) -> None:
        again = True
        while again:
            self._followed[container] = False
            with suppress(NotFound):
                async for line in whole_lines(_log(self.place, container, wishes, follow=True)):
                    self._shown_to[container] = line.time + _TICK
                    self.shown.line(name, line)
            again, wishes = self._followed[container], self._rest(container)
        del self._followed[container]
        self._look()
