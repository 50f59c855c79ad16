"""A runtime that runs nothing: containers are records, and programs take as long as was assumed.

It lives under the virtual event loop, in memory alone: no threads, no files, no processes. What is not assumed takes no
time and succeeds; a main process runs until it is signalled, unless its container is labelled to end by itself.
"""

from __future__ import annotations

import asyncio
import itertools
import signal as signals
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from boathook.clock import Clock, LoopClock
from boathook.errors import NotFound, NotRunning, RequestFailed
from boathook.model import Stream
from boathook.runtimes.assumptions import COPY, PROBES, RUN, STOP, Assumption, Assumptions
from boathook.runtimes.base import (
    Container,
    ContainerId,
    ContainerRuntime,
    ContainerSpec,
    ContainerState,
    ExecSpec,
    Execution,
    Exit,
    GrpcHealthCheck,
    HttpRequest,
    Image,
    ImageConfig,
    LogLine,
    OutputSink,
    PullPolicy,
    Request,
    Response,
    RuntimeEvent,
    SandboxId,
    SandboxSpec,
    Volume,
)

__all__ = ["ENDS_BY_ITSELF", "Assumption", "Assumptions", "SimulatedRuntime"]

ENDS_BY_ITSELF = "boathook.io/ends"
"""Label of a container whose main process is meant to end: a Job's, or of a pod that is not always restarted."""

SOMEBODY = 65534
"""The uid that a user name other than root is taken to have: there is no image to look it up in."""


@dataclass(slots=True)
class _Process:
    """A program that lasts until a moment, or until it is ended from outside."""

    ends_at: float
    code: int
    stopped_at: float | None = None
    """When it was ended from outside: killed, or its container has ended."""
    _gone: anyio.Event | None = None
    """Made by who waits: an event is large, and most programs take no time."""

    def end(self) -> None:
        if self.stopped_at is None:
            self.stopped_at = anyio.current_time()
            if self._gone is not None:
                self._gone.set()

    async def wait(self) -> Exit:
        left = self.ends_at - anyio.current_time()
        if self.stopped_at is None and left > 0:
            self._gone = self._gone or anyio.Event()
            with anyio.move_on_after(left):
                await self._gone.wait()
        if self.stopped_at is not None and self.stopped_at < self.ends_at:
            return Exit(code=128 + signals.SIGKILL, signal=signals.SIGKILL)
        return Exit(code=self.code, signal=None)

    async def kill(self) -> None:
        self.end()


@dataclass(slots=True)
class _Container:
    id: ContainerId
    spec: ContainerSpec
    created: datetime
    ended: anyio.Event = field(default_factory=anyio.Event)
    started: datetime | None = None
    finished: datetime | None = None
    exit: Exit | None = None
    timer: asyncio.TimerHandle | None = None
    processes: list[_Process] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return self.started is not None and self.exit is None

    @property
    def state(self) -> ContainerState:
        if self.exit is not None:
            return ContainerState.EXITED
        return ContainerState.CREATED if self.started is None else ContainerState.RUNNING


class SimulatedRuntime:
    """Implements ``ContainerRuntime``. ``assumptions`` says how long things take; see there for what was defaulted."""

    def __init__(self, assumptions: Assumptions | None = None, *, clock: Clock | None = None) -> None:
        self.assumptions = assumptions or Assumptions()
        self._clock = clock or LoopClock()
        self._numbers = itertools.count(1)
        self._containers: dict[ContainerId, _Container] = {}
        self._sandboxes: dict[SandboxId, SandboxSpec] = {}
        self._volumes: dict[str, tuple[Volume, SandboxId | None]] = {}
        self._subscribers: list[MemoryObjectSendStream[RuntimeEvent]] = []

    @property
    def name(self) -> str:
        return "simulated"

    async def __aenter__(self) -> ContainerRuntime:
        return self

    async def __aexit__(self, *exc: object) -> None:
        for container in list(self._containers.values()):
            self._end(container, Exit(code=128 + signals.SIGKILL, signal=signals.SIGKILL))
        for subscriber in self._subscribers:
            subscriber.close()

    async def resolve_image(self, reference: str, policy: PullPolicy) -> Image:
        """Every reference is taken to exist."""
        return Image(
            reference=reference,
            origin="simulated",
            stand_in=False,
            layers=(),
            host_system=False,
            config=ImageConfig(),
        )

    async def resolve_user(self, image: Image, user: str) -> tuple[int, int]:
        """Numbers are themselves, root is 0; any other name is taken to be somebody who is not root."""
        name, _, group = (user or image.config.user or "0").partition(":")
        uid = _number(name)
        return uid, _number(group) if group else (uid if uid == SOMEBODY else 0)

    def can_be(self, uids: frozenset[int]) -> str | None:
        return None

    def not_enforced(self, spec: ContainerSpec) -> tuple[str, ...]:
        return ()

    async def create_sandbox(self, spec: SandboxSpec) -> SandboxId:
        sandbox = SandboxId(f"sandbox-{next(self._numbers)}")
        self._sandboxes[sandbox] = spec
        return sandbox

    async def sandbox_spec(self, sandbox: SandboxId) -> SandboxSpec:
        if sandbox not in self._sandboxes:
            raise NotFound(f"no sandbox {sandbox!r}")
        return self._sandboxes[sandbox]

    async def remove_sandbox(self, sandbox: SandboxId) -> None:
        self._sandboxes.pop(sandbox, None)
        for name in [name for name, (_, owner) in self._volumes.items() if owner == sandbox]:
            del self._volumes[name]

    async def create(self, spec: ContainerSpec) -> ContainerId:
        if spec.sandbox not in self._sandboxes:
            raise NotFound(f'cannot create container "{spec.name}": no sandbox "{spec.sandbox}"')
        container = _Container(id=ContainerId(f"simulated-{next(self._numbers)}"), spec=spec, created=self._clock.now())
        self._containers[container.id] = container
        self._tell(container, "created")
        return container.id

    async def start(self, container: ContainerId) -> None:
        found = self._find(container)
        found.started = self._clock.now()
        self._tell(found, "started")
        assumed = self.assumptions.given_for(RUN, *_names(found.spec))
        if assumed is None and found.spec.labels.get(ENDS_BY_ITSELF) == "true":
            self.assumptions.find(RUN, *_names(found.spec))
            assumed = Assumption(point=RUN, name=found.spec.name, duration=timedelta(0))
        if assumed is not None:
            self._end_later(found, assumed.duration, Exit(code=assumed.exit_code or 0, signal=None))

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        found = self._find(container)
        if not found.running:
            raise NotRunning(f'container "{found.spec.name}" does not run')
        assumed = self._assumed(spec.label, found.spec)
        if assumed is not None and assumed.output:
            output(Stream.STDOUT, assumed.output.encode())
        return _run(found, assumed)

    async def request(self, container: ContainerId, request: Request, *, label: str = "") -> Response:
        """Answered after the assumed time; an assumed exit code other than 0 is a connection that breaks."""
        found = self._find(container)
        if not found.running and not request.host:
            raise NotRunning(f'container "{found.spec.name}" does not run')
        assumed = self._assumed(label, found.spec)
        if not (await _run(found, assumed).wait()).ok:
            raise RequestFailed("EOF")
        body = assumed.output.encode() if assumed else b""
        return Response(status=_status(request), body=body)

    def _assumed(self, label: str, spec: ContainerSpec) -> Assumption | None:
        """What was assumed of a hook or probe. Without a label it is neither (an exec by hand): it takes no time.

        Probes are asked so often that nobody need be told what was not assumed of them.
        """
        point, _, name = label.partition(":")
        names = dict.fromkeys((name, *_names(spec)))
        if not point:
            return None
        return (
            self.assumptions.find(point, *names) if point not in PROBES else self.assumptions.given_for(point, *names)
        )

    async def signal(self, container: ContainerId, signal: str) -> None:
        found = self._find(container)
        if not found.running:
            raise NotRunning(f'container "{found.spec.name}" does not run')
        number = signals.Signals[signal if signal.startswith("SIG") else f"SIG{signal}"]
        by_signal = Exit(code=128 + number, signal=number)
        assumed = self.assumptions.given_for(STOP, *_names(found.spec)) if number != signals.SIGKILL else None
        if assumed is None:
            self._end(found, by_signal)
            return
        ended = by_signal if assumed.exit_code is None else Exit(code=assumed.exit_code, signal=None)
        self._end_later(found, assumed.duration, ended)

    async def wait(self, container: ContainerId) -> Exit:
        found = self._find(container)
        await found.ended.wait()
        assert found.exit is not None
        return found.exit

    async def remove(self, container: ContainerId) -> None:
        found = self._containers.get(container)
        if found is None:
            return
        self._end(found, Exit(code=128 + signals.SIGKILL, signal=signals.SIGKILL))
        del self._containers[container]
        self._tell(found, "removed")

    async def inspect(self, container: ContainerId) -> Container:
        return _as_seen(self._find(container))

    async def list(self, labels: Mapping[str, str]) -> tuple[Container, ...]:
        return tuple(_as_seen(one) for one in self._containers.values() if labels.items() <= one.spec.labels.items())

    async def logs(self, container: ContainerId, *, follow: bool = False) -> AsyncIterator[LogLine]:
        """Nothing runs, so nothing is written; ``follow`` lasts until the container ends."""
        found = self._find(container)
        if follow:
            await found.ended.wait()
        nothing: tuple[LogLine, ...] = ()
        for line in nothing:
            yield line

    async def events(self) -> AsyncIterator[RuntimeEvent]:
        send, receive = anyio.create_memory_object_stream[RuntimeEvent](float("inf"))
        self._subscribers.append(send)
        try:
            async with receive:
                async for event in receive:
                    yield event
        finally:
            self._subscribers.remove(send)
            send.close()

    async def create_volume(
        self, name: str, labels: Mapping[str, str], *, mode: int, sandbox: SandboxId | None = None
    ) -> Volume:
        key = f"{sandbox}/{name}" if sandbox else name
        if key in self._volumes:
            return self._volumes[key][0]
        self._volumes[key] = (Volume(name=name, path=None, labels=labels, fresh=False), sandbox)
        return Volume(name=name, path=None, labels=labels, fresh=True)

    async def remove_volume(self, name: str) -> None:
        self._volumes.pop(name, None)

    async def list_volumes(self, labels: Mapping[str, str]) -> tuple[Volume, ...]:
        return tuple(volume for volume, _ in self._volumes.values() if labels.items() <= volume.labels.items())

    async def copy_volume(self, name: str) -> None:
        """Takes as long as copying the volume was assumed to take."""
        assumed = self.assumptions.find(COPY, name)
        if assumed is not None:
            await anyio.sleep(assumed.duration.total_seconds())

    def _find(self, container: ContainerId) -> _Container:
        if container not in self._containers:
            raise NotFound(f'no container "{container}"')
        return self._containers[container]

    def _end_later(self, container: _Container, after: timedelta, how: Exit) -> None:
        """The one timer that is no task of its own: thousands of containers may be simulated at once."""
        if container.timer is not None:
            container.timer.cancel()
        container.timer = asyncio.get_running_loop().call_later(after.total_seconds(), self._end, container, how)

    def _end(self, container: _Container, how: Exit) -> None:
        if container.timer is not None:
            container.timer.cancel()
            container.timer = None
        if container.exit is not None:
            return
        container.exit = how
        container.finished = self._clock.now()
        container.ended.set()
        for process in container.processes:
            process.end()
        if container.started is not None:
            self._tell(container, "exited")

    def _tell(self, container: _Container, what: str) -> None:
        event = RuntimeEvent(container=container.id, name=container.spec.name, what=what, exit=container.exit)
        for subscriber in self._subscribers:
            subscriber.send_nowait(event)


def _run(container: _Container, assumed: Assumption | None) -> _Process:
    """A program of the container, or something that is asked of it: it lasts no longer than the container."""
    seconds = assumed.duration.total_seconds() if assumed else 0.0
    now = anyio.current_time()
    process = _Process(ends_at=now + seconds, code=(assumed.exit_code or 0) if assumed else 0)
    container.processes = [one for one in container.processes if one.ends_at > now]
    container.processes.append(process)
    return process


def _status(request: Request) -> int:
    match request:
        case HttpRequest():
            return 200
        case GrpcHealthCheck():
            return 1
        case _:
            return 0


def _names(spec: ContainerSpec) -> tuple[str, ...]:
    """What a user may call it: the container's own name, its Compose service, its Job."""
    labels = (spec.labels.get("com.docker.compose.service"), spec.labels.get("job-name"))
    return (spec.name, *(label for label in labels if label))


def _number(name: str) -> int:
    if name.isdigit():
        return int(name)
    return 0 if name == "root" else SOMEBODY


def _as_seen(container: _Container) -> Container:
    name, _, group = (container.spec.user or container.spec.image.config.user or "0").partition(":")
    return Container(
        id=container.id,
        spec=container.spec,
        state=container.state,
        user=f"{name}:{group or '0'}",
        pid=None,
        created=container.created,
        started=container.started,
        finished=container.finished,
        exit=container.exit,
        termination_message="",
        owner_alive=True,
    )
