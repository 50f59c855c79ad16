"""Pods in the foreground: started, let run, stopped gracefully, and what became of them. No cluster is needed."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import anyio

from boathook.clock import LoopClock, run_virtual
from boathook.errors import BoathookError, ManifestError
from boathook.events import EventStream, RunFinished, RunStarted, Stamped
from boathook.journal import Context, MemoryObligations
from boathook.model import Finding, HookResult, JsonObject
from boathook.pods.lifecycle import PodWorker
from boathook.pods.model import Phase, Pod, PodFile
from boathook.pods.resources import FileResources, VolumeResolver
from boathook.pods.summary import closing_line
from boathook.report import words
from boathook.runtimes.assumptions import RUN, Assumptions
from boathook.runtimes.base import ContainerRuntime, NetworkMode

INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRun:
    """What became of one pod."""

    pod: Pod
    phase: Phase
    asked_to_stop: bool
    """It ran until it was told to stop; otherwise it ended by itself."""
    results: tuple[HookResult, ...]
    exit_codes: dict[str, int | None]
    status: JsonObject

    @property
    def succeeded(self) -> bool:
        """Asked to stop, and every hook succeeded; or ended by itself, in phase Succeeded."""
        if self.asked_to_stop:
            return all(result.succeeded for result in self.results)
        return self.phase is Phase.SUCCEEDED


async def run_pod(
    pod_file: PodFile,
    runtime: ContainerRuntime,
    context: Context,
    *,
    network: NetworkMode = NetworkMode.POD,
    lasting: timedelta | None = None,
    stop: anyio.Event | None = None,
    resolver: VolumeResolver | None = None,
) -> tuple[PodRun, ...]:
    """Run every pod of the file until it ends by itself, has run for ``lasting``, or ``stop`` is set.

    What is wrong with a file, an image or a user is raised before anything starts. A cancellation ends everything at
    once; ``stop`` ends it gracefully, with hooks.
    """
    resources = resolver or FileResources(pod_file.objects, runtime)
    workers = [
        PodWorker(pod, runtime, context, uid=pod.uid or str(uuid.uuid4()), network=network, resolver=resources)
        for pod in pod_file.pods
    ]
    await prepare_all(workers)
    runs: dict[str, PodRun] = {}

    async def one(worker: PodWorker) -> None:
        runs[worker.uid] = await _run_one(worker, lasting, stop)

    async with anyio.create_task_group() as group:
        for worker in workers:
            group.start_soon(one, worker)
    return tuple(runs[worker.uid] for worker in workers)


async def prepare_all(workers: list[PodWorker]) -> None:
    """Look at every pod before the first one starts. Raises one ``ManifestError`` with the problems of all."""
    problems: list[Finding] = []
    for worker in workers:
        try:
            await worker.prepare()
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(tuple(problems))


async def _run_one(worker: PodWorker, lasting: timedelta | None, stop: anyio.Event | None) -> PodRun:
    async with anyio.create_task_group() as group:
        group.start_soon(worker.run)
        asked = await why_over(
            ended=lambda: worker.wait_until(_has_ended),
            started_or_ended=lambda: _has_ended_when(worker, lambda pod: pod.all_started or pod.has_restarted),
            lasting=lasting,
            stop=stop,
        )
        # What has ended by itself is removed without a word: nothing in it is left to stop.
        worker.request_stop(cause=asked or "ended")
    return PodRun(
        pod=worker.pod,
        phase=worker.phase,
        asked_to_stop=bool(asked),
        results=tuple(worker.results),
        exit_codes=worker.exit_codes,
        status=worker.status,
    )


def _has_ended(worker: PodWorker) -> bool:
    """It has ended by itself, or waits for what nobody will bring."""
    return worker.phase.terminal or worker.cannot_start


async def _has_ended_when(worker: PodWorker, condition: Callable[[PodWorker], bool]) -> bool:
    """Wait for the condition, or its end: True when it has ended."""
    await worker.wait_until(lambda pod: _has_ended(pod) or condition(pod))
    return _has_ended(worker)


async def why_over(
    *,
    ended: Callable[[], Awaitable[object]],
    started_or_ended: Callable[[], Awaitable[bool]],
    lasting: timedelta | None,
    stop: anyio.Event | None,
) -> str:
    """Why a pod is to be stopped; empty when it ended by itself, or cannot start. ``lasting`` counts from now on.

    ``started_or_ended`` says whether it has ended. ``stop`` None: nobody will interrupt it.
    """
    if stop is None:
        return await _why_over_by_itself(ended, started_or_ended, lasting)
    why = INTERRUPTED
    async with anyio.create_task_group() as waiting:

        async def by_itself() -> None:
            nonlocal why
            why = await _why_over_by_itself(ended, started_or_ended, lasting)
            waiting.cancel_scope.cancel()

        waiting.start_soon(by_itself)
        await stop.wait()
        waiting.cancel_scope.cancel()
    return why


async def _why_over_by_itself(
    ended: Callable[[], Awaitable[object]],
    started_or_ended: Callable[[], Awaitable[bool]],
    lasting: timedelta | None,
) -> str:
    """One after the other, in no tasks of their own: ten thousand simulated lives feel the difference."""
    if lasting is None:
        await ended()
        return ""
    began = anyio.current_time()
    if await started_or_ended():
        return ""
    left = began + lasting.total_seconds() - anyio.current_time()
    if left > 0:
        with anyio.move_on_after(left):
            await ended()
            return ""
    return f"after {words.span(lasting)}" if lasting else "deleted"


def simulate_pod(
    pod_file: PodFile, assumptions: Assumptions, *, lasting: timedelta | None = None, network: NetworkMode | None = None
) -> tuple[Stamped, ...]:
    """The events of running the file's pods and stopping them, from the same code in virtual time.

    ``lasting`` None: until the last main process that is assumed to end has ended, else until all have started.
    """
    return run_virtual(_simulate, pod_file, assumptions, lasting, network or NetworkMode.POD)


async def _simulate(
    pod_file: PodFile, assumptions: Assumptions, lasting: timedelta | None, network: NetworkMode
) -> tuple[Stamped, ...]:
    from boathook.runtimes.simulated import SimulatedRuntime

    stamped: list[Stamped] = []
    events = EventStream(clock=LoopClock())
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    if lasting is None:
        lasting = max((one.duration for one in assumptions.given if one.point == RUN), default=timedelta(0))
    with events.listening(stamped.append):
        async with SimulatedRuntime(assumptions) as runtime:
            events.emit(run_started(pod_file, runtime, "pod run, pod delete"))
            try:
                runs = await run_pod(_identified(pod_file), runtime, context, network=network, lasting=lasting)
            except BoathookError as error:
                events.emit(RunFinished(succeeded=False, message=str(error)))
            else:
                events.emit(run_finished(runs))
    return tuple(stamped)


def _identified(pod_file: PodFile) -> PodFile:
    """Fixed identities, so that a plan is the same text each time."""
    pods = tuple(replace(pod, uid=f"simulated-{number}") for number, pod in enumerate(pod_file.pods, 1))
    return replace(pod_file, pods=pods)


def run_started(pod_file: PodFile, runtime: ContainerRuntime, command: str) -> RunStarted:
    """The heading: which pods, where, and the grace period that they have."""
    graces = dict.fromkeys(words.span(pod.grace) for pod in pod_file.pods)
    return RunStarted(
        title=", ".join(pod.name for pod in pod_file.pods),
        command=command,
        place=runtime.name,
        facts=(f"grace {', '.join(graces)}",),
    )


def run_finished(runs: tuple[PodRun, ...]) -> RunFinished:
    """Whether all went well, and the closing line."""
    lines = {
        run.pod.name: closing_line(run.pod, run.results, run.phase, asked_to_stop=run.asked_to_stop) for run in runs
    }
    told = [f"{name}: {line}" if len(runs) > 1 else line for name, line in lines.items() if line]
    return RunFinished(succeeded=all(run.succeeded for run in runs), message="; ".join(told))
