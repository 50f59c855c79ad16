"""What a process that owns containers has for the operations that are asked of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup

from boathook.clock import SystemClock
from boathook.cluster.local import LocalCluster
from boathook.errors import UsageError
from boathook.events import EventStream, Listener
from boathook.home import Home
from boathook.journal import Context, Journal, SqliteObligations
from boathook.model import JsonObject
from boathook.runtimes.base import ContainerRuntime

if TYPE_CHECKING:
    from boathook.compose.place import ProjectPlace

ANSWER_POLL_SECONDS = 0.02


@dataclass(slots=True, kw_only=True)
class Host:
    """The supervisor, or a command in the foreground. ``cluster`` is None for a command that runs no pods."""

    home: Home
    runtime: ContainerRuntime
    journal: Journal
    tasks: TaskGroup
    cluster: LocalCluster | None
    projects: ProjectPlace | None = None
    """Where the containers of its Compose projects live; None: made when it is first asked for."""
    events: EventStream = field(default_factory=EventStream)
    """What belongs to no run of its own is told here."""
    own_run: str = ""
    """The process's own run in the journal; empty: none."""
    active: int = field(default=0)
    """Operations that are under way."""
    answering: int = field(default=0)
    """Clients that have not heard everything yet."""
    ending: bool = field(default=False)
    """It stops what it has and begins nothing new: who asks for that waits for the next process."""
    brought_up: dict[tuple[str, str], JsonObject] = field(default_factory=dict)
    """What stands here until it is brought down: by the operation that does so, and title, the parameters of the
    last one that brought it up."""

    @property
    def place(self) -> ProjectPlace:
        """The one place of all its projects: its watches over containers last as long as ``tasks``."""
        if self.projects is None:
            from boathook.compose.embedded import EmbeddedPlace

            self.projects = EmbeddedPlace(self.runtime, tasks=self.tasks)
        return self.projects

    async def until_answered(self) -> None:
        """Until nothing is under way and every client has its answer: a command ends only then."""
        while self.active or self.answering:  # noqa: ASYNC110  two counters, changed in several places
            await anyio.sleep(ANSWER_POLL_SECONDS)

    def the_cluster(self) -> LocalCluster:
        """Raises ``UsageError`` where this process runs no pods."""
        if self.cluster is None:
            raise UsageError("this process runs no pods")
        return self.cluster

    @asynccontextmanager
    async def run(self, *, command: str, title: str, listener: Listener | None) -> AsyncIterator[Context]:
        """A journalled run of its own; its events also go to ``listener`` (a client)."""
        events = EventStream()
        run = await self.journal.begin(command=command, title=title)
        context = Context(events=events, clock=SystemClock(), obligations=SqliteObligations(self.journal, run.id))
        with events.listening(run.listener):
            try:
                if listener is None:
                    yield context
                else:
                    with events.listening(listener):
                        yield context
            except BaseException as error:
                self.journal.finish(run, error)
                raise
            self.journal.finish(run)
