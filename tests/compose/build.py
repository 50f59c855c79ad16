"""Builders of projects for tests, and one way to run what a project does in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import anyio

from boathook import events as e
from boathook.clock import LoopClock, run_virtual
from boathook.compose.model import Project
from boathook.compose.parse import Parsed, parse_project
from boathook.compose.project import ProjectWorker
from boathook.errors import BoathookError
from boathook.events import EventStream
from boathook.home import Home
from boathook.images import ImageResolver
from boathook.images.importing import import_source
from boathook.journal import Context, MemoryObligations
from boathook.runtimes.assumptions import Assumption, Assumptions
from boathook.runtimes.base import ContainerState, NetworkMode
from boathook.runtimes.simulated import SimulatedRuntime

FILE = "compose.yaml"
EXAMPLES = Path(__file__).parents[2] / "examples" / "compose"


def parsed(text: str, *, name: str | None = "demo", variables: Mapping[str, str] | None = None) -> Parsed:
    """What a Compose file with this text means; no other file exists."""
    return parse_project(
        text,
        file=FILE,
        directory=Path("/project"),
        name=name,
        variables=variables or {},
        read=lambda path: None,
    )


def a_project(text: str, *, variables: Mapping[str, str] | None = None) -> Project:
    return parsed(text, variables=variables).project


@dataclass(slots=True)
class Lived:
    """What a simulated project did: one line an event, and what was raised, if anything."""

    stamped: list[e.Stamped]
    error: BoathookError | None = None
    left: dict[str, ContainerState] = field(default_factory=dict)
    """The containers that were left, by service."""

    @property
    def lines(self) -> list[str]:
        return [f"{one.at:g}s {text}" for one in self.stamped if (text := _text(one.event))]

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    def at(self, text: str) -> float:
        """When the one line with this text happened."""
        found = [one.at for one in self.stamped if _text(one.event) == text]
        assert len(found) == 1, f"{text!r} is there {len(found)} times in\n{self}"
        return found[0]

    def has(self, text: str) -> bool:
        return any(text in line for line in self.lines)


Act = Callable[[ProjectWorker], Awaitable[object]]


def live(project: Project | str, *acts: Act, assume: tuple[Assumption, ...] = ()) -> Lived:
    """Let a project live through ``acts`` in virtual time; the first error ends it."""
    return run_virtual(live_async, project, acts, assume)


async def live_async(project: Project | str, acts: tuple[Act, ...], assume: tuple[Assumption, ...]) -> Lived:
    """The same for a caller that is in virtual time already."""
    project = project if isinstance(project, Project) else a_project(project)
    lived = Lived([])
    events = EventStream(clock=LoopClock())
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    with events.listening(lived.stamped.append):
        async with SimulatedRuntime(Assumptions(assume)) as runtime:
            worker = ProjectWorker(
                project=project, runtime=runtime, context=context, network=NetworkMode.POD, host_paths=False
            )
            try:
                for act in acts:
                    await act(worker)
            except BoathookError as error:
                lived.error = error
            lived.left = {name: one.state for name, one in (await worker.containers()).items()}
            assert await context.obligations.owed() == ()
    return lived


def takes(point: str, name: str, seconds: float, *, exit_code: int | None = None) -> Assumption:
    return Assumption(point=point, name=name, duration=timedelta(seconds=seconds), exit_code=exit_code)


async def up(worker: ProjectWorker) -> None:
    await worker.up()


async def stop(worker: ProjectWorker) -> None:
    await worker.stop(cause="stop")


async def down(worker: ProjectWorker) -> None:
    await worker.down()


async def kill(worker: ProjectWorker) -> None:
    await worker.kill()


def after(seconds: float) -> Act:
    async def wait(worker: ProjectWorker) -> None:
        await anyio.sleep(seconds)

    return wait


def _text(event: e.Event) -> str:
    match event:
        case e.ContainerCreated(target=target):
            return f"{target.name} created"
        case e.ContainerStarted(target=target):
            return f"{target.name} running"
        case e.PhaseChanged(target=target, phase=phase):
            return f"{target.name} {phase}"
        case e.HookStarted(target=target, hook=hook):
            return f"{target.name} {hook.name} begins"
        case e.HookFinished(result=result):
            return f"{result.target.name} {result.hook.name} {result.outcome.value}"
        case e.SignalSent(target=target, signal=signal):
            return f"{target.name} {signal}"
        case e.ContainerExited(target=target, exit_code=code):
            return f"{target.name} exited {code}"
        case e.ContainerRemoved(target=target):
            return f"{target.name} removed"
        case _:
            return ""


def backend_images(home: Home) -> ImageResolver:
    """Images of a home in which the examples' set-up has made theirs."""
    import_source(
        home,
        str(EXAMPLES / "post-start" / "backend"),
        "backend",
        base="busybox",
        changes=('CMD ["/opt/backend/serve.sh"]',),
    )
    return ImageResolver(home, {}, offline=True)
