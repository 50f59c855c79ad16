"""What a project's ``up`` and ``down`` would do: the same code, in simulation, under the virtual clock."""

from __future__ import annotations

from datetime import timedelta

import anyio

from boathook.clock import LoopClock, run_virtual
from boathook.compose.embedded.place import EmbeddedPlace
from boathook.compose.model import Project
from boathook.compose.options import UpOptions
from boathook.compose.project import ProjectWorker
from boathook.errors import BoathookError
from boathook.events import EventStream, RunFinished, RunStarted, Stamped
from boathook.journal.context import Context
from boathook.journal.memory import MemoryObligations
from boathook.runtimes.assumptions import RUN, Assumptions
from boathook.runtimes.simulated import SimulatedRuntime


def plan_project(
    project: Project,
    assumptions: Assumptions,
    services: tuple[str, ...] = (),
    *,
    lasting: timedelta | None = None,
) -> tuple[Stamped, ...]:
    """The events of bringing the project up, letting it run, and taking it down.

    ``services``: only these are asked for, and what they need; empty: all. ``lasting``: for how long it runs; None:
    until the last main process that is assumed to end by itself has ended.
    """
    return run_virtual(_simulate, project, assumptions, services, lasting)


async def _simulate(
    project: Project, assumptions: Assumptions, services: tuple[str, ...], lasting: timedelta | None
) -> tuple[Stamped, ...]:
    stamped: list[Stamped] = []
    events = EventStream(clock=LoopClock())
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    with events.listening(stamped.append):
        async with SimulatedRuntime(assumptions) as runtime, anyio.create_task_group() as tasks:
            events.emit(
                RunStarted(title=project.name, command="compose up, compose down", place=runtime.name, facts=())
            )
            place = EmbeddedPlace(runtime, tasks=tasks, host_paths=False, refusing=False, clock=LoopClock())
            worker = ProjectWorker(project=project, place=place, context=context)
            try:
                await worker.up(UpOptions(services=services))
                running = _running_time(assumptions) if lasting is None else lasting
                await anyio.sleep(running.total_seconds())
                await _tell_ended(worker)
                await worker.down()
            except BoathookError as error:
                events.emit(RunFinished(succeeded=False, message=str(error)))
            else:
                events.emit(RunFinished(succeeded=True, message=""))
            tasks.cancel_scope.cancel()
    return tuple(stamped)


def _running_time(assumptions: Assumptions) -> timedelta:
    """Until the last service that is assumed to end by itself has ended."""
    return max((one.duration for one in assumptions.given if one.point == RUN), default=timedelta(0))


async def _tell_ended(worker: ProjectWorker) -> None:
    for member in await worker.members():
        if member.exit is not None:
            worker.tell_exit(member, member.exit)
