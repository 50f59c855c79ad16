"""A hook that the dead owe runs in a fresh container of the same specification, of which nothing is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from boathook.clock import LoopClock, run_virtual
from boathook.errors import NotFound
from boathook.events import EventStream
from boathook.hooks import run_owed_hook
from boathook.hooks.owed import OWED_LABEL
from boathook.journal import Context, MemoryObligations
from boathook.model import HookResult, Outcome
from boathook.runtimes.base import (
    ContainerId,
    ContainerSpec,
    Image,
    ImageConfig,
    Mount,
    NetworkMode,
    SandboxId,
    SandboxSpec,
)
from boathook.runtimes.simulated import Assumptions, SimulatedRuntime
from tests.hooks.build import TARGET, a_hook, kill_after

SANDBOX = SandboxSpec(name="db", hostname="db", network=NetworkMode.POD, labels={"app": "db"})
CONTAINER = ContainerSpec(
    name="app",
    labels={"app": "db"},
    sandbox=SandboxId("gone-with-its-owner"),
    image=Image(
        reference="busybox", origin="simulated", stand_in=False, layers=(), host_system=False, config=ImageConfig()
    ),
    command=("sh", "-c", "serve"),
    environment=(("A", "1"),),
    working_dir="/srv",
    user="1000",
    mounts=(Mount(source=str(Path("/volumes/data")), target="/data"),),
)


@dataclass
class Watched(SimulatedRuntime):
    """Remembers what it was asked to make; with ``refuses``, making a container fails."""

    refuses: bool = False
    assumed: Assumptions | None = None
    made: list[ContainerSpec] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.assumed)

    async def create(self, spec: ContainerSpec) -> ContainerId:
        if self.refuses:
            raise NotFound('cannot mount "/volumes/data": it does not exist')
        self.made.append(spec)
        return await super().create(spec)

    @property
    def left(self) -> int:
        return len(self._containers) + len(self._sandboxes)


def settled(runtime: Watched, *, seconds: float = 60) -> HookResult:
    async def scene() -> HookResult:
        context = Context(events=EventStream(clock=LoopClock()), clock=LoopClock(), obligations=MemoryObligations())
        return await run_owed_hook(runtime, CONTAINER, SANDBOX, a_hook(), TARGET, context, kill_after(seconds))

    return run_virtual(scene)


def test_the_fresh_container_is_the_old_one_that_only_waits_and_is_removed() -> None:
    runtime = Watched()

    result = settled(runtime)

    (made,) = runtime.made
    assert result.succeeded
    assert (made.mounts, made.user, made.environment) == (CONTAINER.mounts, "1000", (("A", "1"),))
    assert made.command == ()
    assert made.labels == {OWED_LABEL: "uid/0"}
    assert runtime.left == 0


def test_a_container_that_cannot_be_made_is_a_hook_that_could_not_start() -> None:
    runtime = Watched(refuses=True)

    result = settled(runtime)

    assert (result.outcome, result.reason) == (
        Outcome.COULD_NOT_START,
        'cannot mount "/volumes/data": it does not exist',
    )
    assert runtime.left == 0


def test_at_its_deadline_it_is_removed_all_the_same() -> None:
    runtime = Watched(assumed=Assumptions.parse(("preStop:app=40s",)))

    result = settled(runtime, seconds=2)

    assert (result.outcome, result.duration) == (Outcome.TIMED_OUT, timedelta(seconds=2))
    assert runtime.left == 0


def test_interrupted_it_leaves_nothing_either() -> None:
    runtime = Watched(assumed=Assumptions.parse(("preStop:app=40s",)))

    async def scene() -> None:
        context = Context(events=EventStream(clock=LoopClock()), clock=LoopClock(), obligations=MemoryObligations())
        with anyio.move_on_after(1):
            await run_owed_hook(runtime, CONTAINER, SANDBOX, a_hook(), TARGET, context, None)
        assert runtime.left == 0

    run_virtual(scene)


@pytest.mark.parametrize("refuses", [True, False])
def test_it_is_told_as_any_other_hook(refuses: bool) -> None:
    heard: list[str] = []

    async def scene() -> None:
        context = Context(events=EventStream(clock=LoopClock()), clock=LoopClock(), obligations=MemoryObligations())
        with context.events.listening(lambda stamped: heard.append(type(stamped.event).__name__)):
            await run_owed_hook(Watched(refuses=refuses), CONTAINER, SANDBOX, a_hook(), TARGET, context, None)

    run_virtual(scene)

    assert heard == ["HookStarted", "HookFinished"]
