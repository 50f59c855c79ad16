"""What a project's ``up`` and ``down`` would do: the same code, in simulation, under the virtual clock."""

from __future__ import annotations

from datetime import timedelta

import anyio

from boathook.clock import LoopClock, run_virtual
from boathook.compose.model import Project
from boathook.compose.project import ProjectWorker
from boathook.errors import BoathookError
from boathook.events import EventStream, RunFinished, RunStarted, Stamped
from boathook.journal.context import Context
from boathook.journal.memory import MemoryObligations
from boathook.runtimes.assumptions import RUN, Assumptions
from boathook.runtimes.base import NetworkMode
from boathook.runtimes.simulated import SimulatedRuntime


def plan_project(project: Project, assumptions: Assumptions) -> tuple[Stamped, ...]:
    """The events of bringing the project up, letting the assumed running times pass, and taking it down."""
    return run_virtual(_simulate, project, assumptions)


async def _simulate(project: Project, assumptions: Assumptions) -> tuple[Stamped, ...]:
    stamped: list[Stamped] = []
    events = EventStream(clock=LoopClock())
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    with events.listening(stamped.append):
        async with SimulatedRuntime(assumptions) as runtime:
            events.emit(
                RunStarted(title=project.name, command="compose up, compose down", place=runtime.name, facts=())
            )
            worker = ProjectWorker(
                project=project, runtime=runtime, context=context, network=NetworkMode.POD, host_paths=False
            )
            try:
                await worker.up()
                await anyio.sleep(_running_time(assumptions).total_seconds())
                await _tell_ended(worker)
                await worker.down()
            except BoathookError as error:
                events.emit(RunFinished(succeeded=False, message=str(error)))
            else:
                events.emit(RunFinished(succeeded=True, message=""))
    return tuple(stamped)


def _running_time(assumptions: Assumptions) -> timedelta:
    """Until the last service that is assumed to end by itself has ended."""
    return max((one.duration for one in assumptions.given if one.point == RUN), default=timedelta(0))


async def _tell_ended(worker: ProjectWorker) -> None:
    for container in (await worker.containers()).values():
        if container.exit is not None:
            worker.tell_exit(container, container.exit)
