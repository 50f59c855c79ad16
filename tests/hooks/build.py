"""Builders for hooks and the small fake targets that they are run against under virtual time."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import anyio

from boathook.clock import LoopClock, run_virtual
from boathook.events import Event, EventStream, Stamped
from boathook.hooks import Deadline, OnDeadline
from boathook.model import Exec, Handler, Hook, HookPoint, Manifest, OnFailure, Sleep, Source, Stream, Target
from boathook.runtimes.base import ExecSpec, Exit, OutputSink

T = TypeVar("T")

TARGET = Target(kind="container", scope="default/db", name="app", instance="uid/0")
SOURCE = Source(file="pod.yaml", line=12, column=9, path="spec.containers[0].lifecycle.preStop")


def an_exec(*command: str) -> Exec:
    return Exec(command=command or ("true",), user=None, privileged=False, working_dir=None, environment=())


def a_sleep(seconds: float) -> Sleep:
    return Sleep(duration=timedelta(seconds=seconds))


def a_manifest() -> Manifest:
    return Manifest(api_version="batch/v1", kind="Job", namespace="default", name="migrate", text="{}")


def a_hook(handler: Handler | None = None) -> Hook:
    return Hook(
        point=HookPoint.PRE_STOP,
        name="preStop",
        handler=handler or an_exec(),
        timeout=None,
        on_failure=OnFailure.CONTINUE,
        source=SOURCE,
    )


def kill_after(seconds: float) -> Deadline:
    return Deadline(after=timedelta(seconds=seconds), then=OnDeadline.KILL)


def abandon_after(seconds: float) -> Deadline:
    return Deadline(after=timedelta(seconds=seconds), then=OnDeadline.ABANDON)


@dataclass(slots=True)
class FakeExecution:
    """Ends with ``exit`` after ``seconds``; ``kill`` ends it at once with SIGKILL, as a real one would."""

    seconds: float
    exit: Exit
    cannot_kill: Exception | None
    killed: bool = False
    _over: anyio.Event = field(default_factory=anyio.Event)

    async def wait(self) -> Exit:
        with anyio.move_on_after(self.seconds):
            await self._over.wait()
            return Exit.of_status(-signal.SIGKILL)
        return self.exit

    async def kill(self) -> None:
        if self.cannot_kill:
            raise self.cannot_kill
        self.killed = True
        self._over.set()


@dataclass(slots=True, kw_only=True)
class FakeTarget:
    """Something that can exec: writes ``output``, takes ``seconds`` and ends with ``exit``, or refuses to start."""

    seconds: float = 0.0
    exit: Exit = field(default_factory=lambda: Exit(code=0, signal=None))
    output: tuple[tuple[Stream, bytes], ...] = ()
    refuses: Exception | None = None
    cannot_kill: Exception | None = None
    executions: list[FakeExecution] = field(default_factory=list)

    async def exec(self, spec: ExecSpec, output: OutputSink) -> FakeExecution:
        if self.refuses:
            raise self.refuses
        for stream, chunk in self.output:
            output(stream, chunk)
        execution = FakeExecution(self.seconds, self.exit, self.cannot_kill)
        self.executions.append(execution)
        return execution


def simulated(act: Callable[[EventStream], Awaitable[T]]) -> tuple[T, list[Event]]:
    """Run ``act`` under the virtual loop; its result and what it emitted."""
    heard: list[Stamped] = []

    async def scene() -> T:
        events = EventStream(clock=LoopClock())
        with events.listening(heard.append):
            return await act(events)

    result = run_virtual(scene)
    return result, [stamped.event for stamped in heard]
