"""Builders of projects for tests, and one way to run what a project does in virtual time."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from boathook import events as e
from boathook.clock import LoopClock, run_virtual
from boathook.compose.embedded.place import EmbeddedPlace
from boathook.compose.model import Project, short_name
from boathook.compose.options import DownOptions, RemoveOptions, RestartOptions, StopOptions, UpOptions
from boathook.compose.parse import Parsed, parse_project
from boathook.compose.place import Status
from boathook.compose.project import ProjectWorker
from boathook.compose.remembered import HeardPast
from boathook.errors import BoathookError
from boathook.events import EventStream
from boathook.home import Home
from boathook.images import ImageResolver
from boathook.images.importing import import_source
from boathook.journal import Context, MemoryObligations
from boathook.runtimes.assumptions import Assumption, Assumptions
from boathook.runtimes.base import ContainerRuntime
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
    left: dict[str, Status] = field(default_factory=dict)
    """The containers that were left, by their short names."""

    @property
    def lines(self) -> list[str]:
        return [f"{one.at:g}s {text}" for one in self.stamped if (text := _text(one.event))]

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)

    def at(self, text: str) -> float:
        """When the one line with this text happened."""
        found = self.times(text)
        assert len(found) == 1, f"{text!r} is there {len(found)} times in\n{self}"
        return found[0]

    def times(self, text: str) -> list[float]:
        """When lines with this text happened."""
        return [one.at for one in self.stamped if _text(one.event) == text]

    def has(self, text: str) -> bool:
        return any(text in line for line in self.lines)

    def only(self, *texts: str) -> list[str]:
        """The lines that hold one of these texts, without their times."""
        lines = [line.partition(" ")[2] for line in self.lines]
        return [line for line in lines if any(text in line for text in texts)]

    @property
    def notes(self) -> list[str]:
        """What was said on the way."""
        return [one.event.finding.message for one in self.stamped if isinstance(one.event, e.Noted)]


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
        async with SimulatedRuntime(Assumptions(assume)) as runtime, anyio.create_task_group() as tasks:
            place = EmbeddedPlace(runtime, tasks=tasks, host_paths=False, clock=LoopClock())
            numbers = itertools.count(1)
            worker = ProjectWorker(
                project=project,
                place=place,
                context=context,
                past=HeardPast(lived.stamped),
                slug=lambda: f"{next(numbers):064x}"[::-1],
            )
            try:
                for act in acts:
                    await act(worker)
            except BoathookError as error:
                lived.error = error
            lived.left = {short_name(project.name, one.name): one.status for one in await worker.members()}
            assert await context.obligations.owed() == ()
            tasks.cancel_scope.cancel()
    return lived


def takes(point: str, name: str, seconds: float, *, exit_code: int | None = None, output: str = "") -> Assumption:
    return Assumption(point=point, name=name, duration=timedelta(seconds=seconds), exit_code=exit_code, output=output)


async def up(worker: ProjectWorker) -> None:
    await worker.up()


async def start(worker: ProjectWorker) -> None:
    await worker.start()


async def stop(worker: ProjectWorker) -> None:
    await worker.stop()


async def restart(worker: ProjectWorker) -> None:
    await worker.restart()


async def down(worker: ProjectWorker) -> None:
    await worker.down()


async def kill(worker: ProjectWorker) -> None:
    await worker.kill()


async def pause(worker: ProjectWorker) -> None:
    await worker.pause()


async def unpause(worker: ProjectWorker) -> None:
    await worker.unpause()


def up_with(*services: str, **options: Any) -> Act:
    return lambda worker: worker.up(UpOptions(services=services, **options))


def stop_with(*services: str, **options: Any) -> Act:
    return lambda worker: worker.stop(StopOptions(services=services, **options))


def restart_with(*services: str, **options: Any) -> Act:
    return lambda worker: worker.restart(RestartOptions(services=services, **options))


def down_with(*services: str, **options: Any) -> Act:
    return lambda worker: worker.down(DownOptions(services=services, **options))


def remove_with(*services: str, **options: Any) -> Act:
    return lambda worker: worker.remove(RemoveOptions(services=services, **options))


def changed_to(text: str) -> Act:
    """From now on the file says something else."""

    async def change(worker: ProjectWorker) -> None:
        worker.project = a_project(text)

    return change


def failing(act: Act) -> Callable[[ProjectWorker], Coroutine[Any, Any, None]]:
    """The act, which must fail; life goes on."""

    async def fail(worker: ProjectWorker) -> None:
        with pytest.raises(BoathookError):
            await act(worker)

    return fail


def within(seconds: float, act: Act) -> Act:
    """The act, interrupted after a time."""

    async def interrupt(worker: ProjectWorker) -> None:
        with anyio.move_on_after(seconds):
            await act(worker)

    return interrupt


def runtime_of(worker: ProjectWorker) -> ContainerRuntime:
    """The runtime under a simulated project, to meddle with."""
    assert isinstance(worker.place, EmbeddedPlace)
    return worker.place.runtime


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
