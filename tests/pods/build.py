"""Builders of pods for tests, and lives of them in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import anyio

from boathook import events as e
from boathook.clock import LoopClock, run_virtual
from boathook.events import EventStream, Stamped
from boathook.journal import Context, MemoryObligations
from boathook.model import HookPoint, JsonObject
from boathook.pods import FileResources, Pod, PodWorker, pod_from_object
from boathook.runtimes.assumptions import RUN, STOP, Assumption, Assumptions
from boathook.runtimes.base import NetworkMode
from boathook.runtimes.simulated import SimulatedRuntime

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

    def __init__(self, pod: Pod, assumed: tuple[Assumption, ...]) -> None:
        self.events: list[Stamped] = []
        self.statuses: list[JsonObject] = []
        stream = EventStream(clock=LoopClock())
        self._listening = contextlib.ExitStack()
        self._listening.enter_context(stream.listening(self.events.append))
        self.obligations = MemoryObligations()
        self.context = Context(events=stream, clock=LoopClock(), obligations=self.obligations)
        self.runtime = SimulatedRuntime(Assumptions(assumed))
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
        return [line for stamped in self.events if (line := _line(stamped))]


def live(pod: Pod, *assumed: Assumption, then: Callable[[PodWorker], Awaitable[None]] | None = None) -> Life:
    """A whole life: started, then ``then`` happens (or it is deleted once everything runs), then removed."""

    async def whole() -> Life:
        life = Life(pod, assumed)
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
