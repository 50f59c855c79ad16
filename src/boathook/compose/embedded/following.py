"""A container's log over all its lives: since, until, the last lines, and what is still to come."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import anyio

from boathook.compose.embedded.facts import is_watched
from boathook.errors import NotFound
from boathook.runtimes.base import (
    Container,
    ContainerId,
    ContainerRuntime,
    ContainerState,
    Exit,
    LogLine,
    OutputSink,
)

_POLL_SECONDS = 0.05
"""How often a container is looked at that is about to be started again."""


@dataclass(slots=True, kw_only=True)
class Follower:
    runtime: ContainerRuntime
    container: ContainerId
    since: datetime | None
    until: datetime | None
    _last: datetime | None = None
    """Of the last line that was met: what comes in a later life of the container is younger."""

    async def lines(self, *, follow: bool, tail: int | None) -> AsyncIterator[LogLine]:
        """With ``follow`` until it has ended and nobody starts it again."""
        if tail is not None or not follow:
            found = [line async for line in self._life(follow=False)]
            for line in found if tail is None else deque(found, maxlen=tail):
                yield line
        while follow:
            async for line in self._life(follow=True):
                yield line
            follow = await self._lives_again()

    async def _life(self, *, follow: bool) -> AsyncIterator[LogLine]:
        """What is younger than all that was met, within the given times."""
        known = self._last
        async for line in self.runtime.logs(self.container, follow=follow):
            if known is not None and line.time <= known:
                continue
            self._last = line.time
            if self.until is not None and line.time > self.until:
                return
            if self.since is None or line.time >= self.since:
                yield line

    async def _lives_again(self) -> bool:
        """Whether somebody starts it again, in which case that has happened; at once when nobody does."""
        try:
            while _waits(found := await self.runtime.inspect(self.container)):  # noqa: ASYNC110  its owner may be another
                await anyio.sleep(_POLL_SECONDS)
        except NotFound:
            return False
        return found.state is not ContainerState.EXITED


@dataclass(slots=True, kw_only=True)
class AttachedLog:
    """A container's output as it comes, which is its log; implements ``boathook.compose.place.Attached``."""

    lines: AsyncIterator[LogLine]
    output: OutputSink
    ended: Callable[[], Awaitable[Exit]]

    async def wait(self) -> Exit:
        async for line in self.lines:
            self.output(line.stream, line.text.encode() + (b"" if line.partial else b"\n"))
        return await self.ended()

    async def resize(self, rows: int, columns: int) -> None:
        """There is no terminal."""

    async def close(self) -> None:
        """Nothing is held."""


def _waits(container: Container) -> bool:
    return container.state is ContainerState.EXITED and is_watched(container)
