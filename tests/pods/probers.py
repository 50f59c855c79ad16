"""Probers for tests: of a container in virtual time with given answers, and of any container."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anyio

from boathook.clock import LoopClock, run_virtual
from boathook.errors import CouldNotStart
from boathook.events import EventStream
from boathook.journal import Context, MemoryObligations
from boathook.model import Target
from boathook.pods import Pod
from boathook.pods.model import PodContainer
from boathook.pods.probing import Prober
from boathook.pods.specification import container_spec, sandbox_spec
from boathook.runtimes.assumptions import Assumption, Assumptions
from boathook.runtimes.base import (
    ContainerId,
    ContainerRuntime,
    ExecSpec,
    Execution,
    NetworkMode,
    OutputSink,
    PullPolicy,
    Request,
    Response,
)
from boathook.runtimes.simulated import SimulatedRuntime
from tests.pods.build import a_container, a_pod

GOOD, BAD = 0, 1
IMPOSSIBLE = None
"""The question cannot be asked."""


@dataclass(slots=True)
class Seen:
    """What was seen of a prober, with the seconds since its container started."""

    asked: list[tuple[float, str]] = field(default_factory=list)
    told: list[tuple[float, str, str]] = field(default_factory=list)
    changes: list[tuple[float, str]] = field(default_factory=list)
    alive: int = 0
    """Programs of probes that nobody has ended."""

    def times(self, kind: str) -> list[float]:
        return [at for at, asked in self.asked if asked == kind]

    @property
    def messages(self) -> list[str]:
        return [message for _, _, message in self.told]


class Answering(SimulatedRuntime):
    """Gives each probe its answers in turn, and the last one for ever: an exit code, with seconds and output."""

    def __init__(self, seen: Seen, answers: dict[str, list[Any]]) -> None:
        super().__init__()
        self._seen = seen
        self._answers = {kind: list(given) for kind, given in answers.items()}

    def _next(self, label: str) -> Any:
        kind = label.partition(":")[0]
        self._seen.asked.append((anyio.current_time(), kind))
        given = self._answers.get(kind, [GOOD])
        return given.pop(0) if len(given) > 1 else given[0]

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        answer = self._next(spec.label)
        if answer is IMPOSSIBLE:
            raise CouldNotStart("no such program")
        code, seconds, text = answer if isinstance(answer, tuple) else (answer, 0, "")
        kind, _, name = spec.label.partition(":")
        one = Assumption(point=kind, name=name, duration=timedelta(seconds=seconds), exit_code=code, output=text)
        self.assumptions = Assumptions((one,))
        return _Counted(await super().exec(container, spec, output), self._seen)

    async def request(self, container: ContainerId, request: Request, *, label: str = "") -> Response:
        answer = self._next(label)
        return answer if isinstance(answer, Response) else await super().request(container, request, label=label)


class _Counted:
    """An execution that is counted as alive until it has ended or was killed."""

    def __init__(self, execution: Execution, seen: Seen) -> None:
        self._execution = execution
        self._seen = seen
        seen.alive += 1

    async def wait(self) -> Any:
        ended = await self._execution.wait()
        self._seen.alive -= 1
        return ended

    async def kill(self) -> None:
        self._seen.alive -= 1
        await self._execution.kill()


Then = Callable[[Prober, SimulatedRuntime, ContainerId], Awaitable[None]]


def watch(
    seconds: float,
    answers: dict[str, list[Any]] | None = None,
    *,
    then: Then | None = None,
    starts_after: float = 0,
    **probes: Any,
) -> Seen:
    """What a prober of a container with these probes does for so long, in virtual time."""
    seen = Seen()
    pod = a_pod(a_container(**probes))

    async def whole() -> Seen:
        runtime = Answering(seen, answers or {})
        id = await started(pod, runtime)
        await anyio.sleep(starts_after)
        prober = a_prober(pod.containers[0], id, runtime, seen, started_at=0)
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(prober.run)
                if then is not None:
                    await then(prober, runtime, id)
        return seen

    return run_virtual(whole)


async def started(pod: Pod, runtime: ContainerRuntime) -> ContainerId:
    (container,) = pod.containers
    sandbox = await runtime.create_sandbox(sandbox_spec(pod, "uid-1", NetworkMode.POD, frozenset()))
    image = await runtime.resolve_image(container.image, PullPolicy.IF_NOT_PRESENT)
    spec = container_spec(pod, container, uid="uid-1", sandbox=sandbox, image=image, variables={}, mounts=())
    id = await runtime.create(spec)
    await runtime.start(id)
    return id


def a_prober(
    container: PodContainer, id: ContainerId, runtime: ContainerRuntime, seen: Seen, *, started_at: float
) -> Prober:
    def changed() -> None:
        failed = f" failed={prober.failed.kind}" if prober.failed else ""
        seen.changes.append((anyio.current_time(), f"started={prober.started} ready={prober.ready}{failed}"))

    prober = Prober(
        container,
        id,
        Target(kind="container", scope="default/pod", name=container.name, instance="uid-1/app/0"),
        runtime,
        Context(events=EventStream(clock=LoopClock()), clock=LoopClock(), obligations=MemoryObligations()),
        started_at=started_at,
        changed=changed,
        tell=lambda reason, message: seen.told.append((anyio.current_time(), reason, message)),
    )
    return prober


def asks(**fields: Any) -> dict[str, Any]:
    """A probe that asks each second with a program."""
    return {"exec": {"command": ["ask", "it"]}, "periodSeconds": 1, **fields}
