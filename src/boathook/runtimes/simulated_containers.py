"""The containers and programs of a simulation, and how they end."""

from __future__ import annotations

import asyncio
import signal as signals
from dataclasses import dataclass, field
from datetime import datetime

import anyio

from boathook.runtimes.base import ContainerId, ContainerSpec, ContainerState, Exit, LogLine


@dataclass(slots=True)
class SimulatedProcess:
    """A program that lasts until a moment, or until it is ended from outside."""

    ends_at: float
    code: int
    stopped_at: float | None = None
    """When it was ended from outside: killed, or its container has ended."""
    _gone: anyio.Event | None = None
    """Made by who waits: an event is large, and most programs take no time."""

    def end(self) -> None:
        if self.stopped_at is None:
            self.stopped_at = anyio.current_time()
            if self._gone is not None:
                self._gone.set()

    async def wait(self) -> Exit:
        left = self.ends_at - anyio.current_time()
        if self.stopped_at is None and left > 0:
            self._gone = self._gone or anyio.Event()
            with anyio.move_on_after(left):
                await self._gone.wait()
        if self.stopped_at is not None and self.stopped_at < self.ends_at:
            return Exit(code=128 + signals.SIGKILL, signal=signals.SIGKILL)
        return Exit(code=self.code, signal=None)

    async def kill(self) -> None:
        self.end()


@dataclass(slots=True)
class SimulatedContainer:
    id: ContainerId
    spec: ContainerSpec
    created: datetime
    ended: anyio.Event = field(default_factory=anyio.Event)
    """Of its present life: another start makes a new one."""
    started: datetime | None = None
    finished: datetime | None = None
    exit: Exit | None = None
    last_exit: Exit = field(default_factory=lambda: Exit(code=None, signal=None))
    timer: asyncio.TimerHandle | None = None
    processes: list[SimulatedProcess] = field(default_factory=list)
    paused: bool = False
    notes: dict[str, str] = field(default_factory=dict)
    output: list[LogLine] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return self.started is not None and self.exit is None

    @property
    def state(self) -> ContainerState:
        if self.exit is not None:
            return ContainerState.EXITED
        return ContainerState.CREATED if self.started is None else ContainerState.RUNNING
