"""Builders of pods for tests, and lives of them in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio

from boathook import events as e
from boathook.clock import LoopClock, run_virtual
from boathook.events import EventStream, Stamped
from boathook.journal import Context, MemoryObligations
from boathook.model import Exec, HookPoint, JsonObject
from boathook.pods import FileResources, Pod, PodWorker, pod_from_object
from boathook.pods.model import ContainerKind, PodContainer, Probe, ProbeKind
from boathook.runtimes.assumptions import RUN, STOP, Assumption, Assumptions
from boathook.runtimes.base import NetworkMode
from boathook.runtimes.simulated import SimulatedRuntime

TOLD_BY_ENGINE = ("Created", "Started", "Pulling", "Pulled")
"""Events of Kubernetes that the engine's own say as well."""

FOR_EVER = timedelta(days=1)


def a_container(name: str = "app", *, post_start: Any = None, pre_stop: Any = None, **fields: Any) -> JsonObject:
    """A container of agnhost pause; hooks are a command, a number of seconds to sleep, or a whole handler."""
    lifecycle: JsonObject = {}
    if post_start is not None:
        lifecycle["postStart"] = _handler(post_start)
    if pre_stop is not None:
        lifecycle["preStop"] = _handler(pre_stop)
    container: JsonObject = {"name": name, "image": "agnhost:2.53", "args": ["pause"], **fields}
    if lifecycle:
        container["lifecycle"] = lifecycle
    return container


def _handler(hook: Any) -> JsonObject:
    if isinstance(hook, dict):
        return hook
    if isinstance(hook, int):
        return {"sleep": {"seconds": hook}}
    return {"exec": {"command": hook if isinstance(hook, list) else [hook]}}


def a_pod_object(*containers: JsonObject, grace: int | None = None, **spec: Any) -> JsonObject:
    pod: JsonObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod", "namespace": "default", "uid": "uid-1"},
        "spec": {"containers": list(containers) or [a_container()], **spec},
    }
    if grace is not None:
        pod["spec"]["terminationGracePeriodSeconds"] = grace  # type: ignore[index,call-overload]
    return pod


def a_pod(*containers: JsonObject, grace: int | None = None, **spec: Any) -> Pod:
    return pod_from_object(a_pod_object(*containers, grace=grace, **spec))


def takes(seconds: float, hook: HookPoint = HookPoint.PRE_STOP, name: str = "app", **how: Any) -> Assumption:
    """A hook that takes so long; ``exit_code`` and ``output`` say how it ends."""
    return Assumption(point=hook, name=name, duration=timedelta(seconds=seconds), **how)


def ignores_stop(name: str = "app") -> Assumption:
    """A main process that its stop signal does not end."""
    return Assumption(point=STOP, name=name, duration=FOR_EVER)


def runs(seconds: float, name: str = "app", exit_code: int = 0) -> Assumption:
    """A main process that ends by itself."""
    return Assumption(point=RUN, name=name, duration=timedelta(seconds=seconds), exit_code=exit_code)


def answers_stop(exit_code: int, name: str = "app") -> Assumption:
    """A main process that handles its stop signal and ends with this code."""
    return Assumption(point=STOP, name=name, duration=timedelta(0), exit_code=exit_code)


class Life:
    """A pod that lives in virtual time, with everything that was told of it."""

    def __init__(self, pod: Pod, assumed: tuple[Assumption, ...], runtime: SimulatedRuntime | None = None) -> None:
        self.events: list[Stamped] = []
        self.statuses: list[JsonObject] = []
        stream = EventStream(clock=LoopClock())
        self._listening = contextlib.ExitStack()
        self._listening.enter_context(stream.listening(self.events.append))
        self.obligations = MemoryObligations()
        self.context = Context(events=stream, clock=LoopClock(), obligations=self.obligations)
        self.runtime = runtime or SimulatedRuntime(Assumptions(assumed))
        self.worker = PodWorker(
            pod,
            self.runtime,
            self.context,
            uid=pod.uid,
            network=NetworkMode.POD,
            resolver=FileResources((), self.runtime),
            on_status=self.statuses.append,
        )

    @property
    def told(self) -> list[str]:
        return [line for stamped in self.events if not _is_told_by_engine(stamped) and (line := _line(stamped))]


def live(
    pod: Pod,
    *assumed: Assumption,
    then: Callable[[PodWorker], Awaitable[None]] | None = None,
    runtime: SimulatedRuntime | None = None,
) -> Life:
    """A whole life: started, then ``then`` happens (or it is deleted once everything runs), then removed."""

    async def whole() -> Life:
        life = Life(pod, assumed, runtime)
        async with anyio.create_task_group() as group:
            group.start_soon(life.worker.run)
            if then is None:
                await life.worker.wait_until(lambda worker: worker.all_started)
                life.worker.request_stop()
            else:
                await then(life.worker)
                life.worker.request_stop()
        return life

    return run_virtual(whole)


def _is_told_by_engine(stamped: Stamped) -> bool:
    return isinstance(stamped.event, e.ClusterEvent) and stamped.event.reason in TOLD_BY_ENGINE


def _line(stamped: Stamped) -> str:
    """One event as a short line: ``5 SIGTERM app 25s left``."""
    at, event = f"{stamped.at:g}", stamped.event
    match event:
        case e.ContainerStarted():
            return f"{at} started {event.target.name}"
        case e.ContainerExited():
            return f"{at} exited {event.target.name} {event.exit_code}"
        case e.ClusterEvent():
            return f"{at} {event.reason} {event.target.name}: {event.message}"
        case e.HookStarted():
            return f"{at} {event.hook.name} {event.target.name}"
        case e.HookFinished():
            return f"{at} {event.result.hook.name} {event.result.target.name} {event.result.outcome}"
        case e.SignalSent():
            left = f" {event.left.total_seconds():g}s left" if event.left is not None else ""
            return f"{at} {event.signal} {event.target.name}{left}"
        case e.StopRequested():
            return f"{at} stop requested"
        case e.PhaseChanged():
            return f"{at} phase {event.phase}"
        case e.AbandonedHookEnded():
            return f"{at} {event.hook.name} {event.target.name} ended at last {event.exit_code}"
        case _:
            return ""


def a_staged_pod(
    *containers: PodContainer, init: tuple[PodContainer, ...] = (), grace: int | None = None, **fields: Any
) -> Pod:
    """A pod of containers as the model has them; ``fields`` are the model's."""
    return replace(a_pod(grace=grace), containers=containers, init_containers=init, **fields)


def one(name: str = "app", *, kind: ContainerKind = ContainerKind.REGULAR, **fields: Any) -> PodContainer:
    """A container as the model has it: hooks as :func:`a_container` takes them, other fields are the model's."""
    hooks = {key: fields.pop(key) for key in ("post_start", "pre_stop") if key in fields}
    return replace(a_pod(a_container(name, **hooks)).containers[0], kind=kind, **fields)


def plain(name: str = "init", **fields: Any) -> PodContainer:
    """A plain init container."""
    return one(name, kind=ContainerKind.INIT, **fields)


def sidecar(name: str = "side", **fields: Any) -> PodContainer:
    return one(name, kind=ContainerKind.SIDECAR, **fields)


async def until_ended(worker: PodWorker) -> None:
    """What happens to a pod that is not deleted before it has ended by itself."""
    await worker.wait_until(lambda pod: pod.phase.terminal)


def times(told: list[str], what: str) -> list[float]:
    """The moments of all lines that end so."""
    return [float(line.split()[0]) for line in told if line.endswith(what)]


def a_probe(
    kind: ProbeKind, *, delay: float = 0, period: float = 1, failures: int = 1, grace: float | None = None
) -> Probe:
    """An exec probe; how it answers is assumed, under its kind."""
    command = one("app", pre_stop="ask").pre_stop
    assert command is not None
    assert isinstance(command.handler, Exec)
    return Probe(
        kind=kind,
        handler=command.handler,
        initial_delay=timedelta(seconds=delay),
        timeout=timedelta(seconds=1),
        period=timedelta(seconds=period),
        success_threshold=1,
        failure_threshold=failures,
        grace=None if grace is None else timedelta(seconds=grace),
        source=command.source,
    )


def answers(kind: ProbeKind, name: str = "app", *, exit_code: int = 0) -> Assumption:
    """How every question of a probe is answered."""
    return Assumption(point=kind, name=name, duration=timedelta(0), exit_code=exit_code)
