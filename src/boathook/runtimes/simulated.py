"""A runtime that runs nothing: containers are records, and programs take as long as was assumed.

It lives under the virtual event loop, in memory alone: no threads, no files, no processes. What is not assumed takes no
time and succeeds; a main process runs until it is signalled, unless its container is labelled to end by itself.
"""

from __future__ import annotations

import asyncio
import itertools
import signal as signals
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import anyio
from anyio.streams.memory import MemoryObjectSendStream

from boathook.clock import Clock, LoopClock
from boathook.errors import Conflict, NotFound, NotRunning, RequestFailed
from boathook.model import Stream
from boathook.runtimes.assumptions import COPY, PROBES, RUN, RUNS_HOOK, STOP, Assumption, Assumptions
from boathook.runtimes.base import (
    Container,
    ContainerId,
    ContainerRuntime,
    ContainerSpec,
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
from boathook.runtimes.simulated_containers import SimulatedContainer, SimulatedProcess

__all__ = ["ENDS_BY_ITSELF", "Assumption", "Assumptions", "SimulatedRuntime"]

ENDS_BY_ITSELF = "boathook.io/ends"
"""Label of a container whose main process is meant to end: a Job's, or of a pod that is not always restarted."""

SOMEBODY = 65534
"""The uid that a user name other than root is taken to have: there is no image to look it up in."""


class SimulatedRuntime:
    """Implements ``ContainerRuntime``. ``assumptions`` says how long things take; see there for what was defaulted."""

    def __init__(self, assumptions: Assumptions | None = None, *, clock: Clock | None = None) -> None:
        self.assumptions = assumptions or Assumptions()
        self._clock = clock or LoopClock()
        self._numbers = itertools.count(1)
        self._containers: dict[ContainerId, SimulatedContainer] = {}
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
        container = SimulatedContainer(
            id=ContainerId(f"simulated-{next(self._numbers)}"), spec=spec, created=self._clock.now()
        )
        self._containers[container.id] = container
        self._tell(container, "created")
        return container.id

    async def start(self, container: ContainerId) -> None:
        found = self._find(container)
        if found.running:
            raise Conflict(f'container "{found.spec.name}" could not be started: it runs')
        if found.exit is not None:
            found.ended, found.exit, found.finished = anyio.Event(), None, None
        found.started = self._clock.now()
        self._tell(found, "started")
        assumed = self._assumed_life(found)
        if assumed is not None:
            if assumed.output:
                lines = assumed.output.splitlines()
                found.output += [_line(self._clock.now(), text) for text in lines]
            self._end_later(found, assumed.duration, Exit(code=assumed.exit_code or 0, signal=None))

    def _assumed_life(self, container: SimulatedContainer) -> Assumption | None:
        """How long its main process runs by itself, and how it ends; None: until it is ended."""
        spec = container.spec
        hook = spec.labels.get(RUNS_HOOK)
        if hook is not None:
            none = Assumption(point=RUN, name=spec.name, duration=timedelta(0))
            return self._assumed(hook, spec) or none
        assumed = self.assumptions.given_for(RUN, *_names(spec))
        if assumed is None and spec.labels.get(ENDS_BY_ITSELF) == "true":
            self.assumptions.find(RUN, *_names(spec))
            assumed = Assumption(point=RUN, name=spec.name, duration=timedelta(0))
        return assumed

    async def exec(self, container: ContainerId, spec: ExecSpec, output: OutputSink) -> Execution:
        found = self._running(container)
        if found.paused:
            raise NotRunning(f'container "{found.spec.name}" is paused')
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
        found = self._running(container)
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
        ended = found.ended
        await ended.wait()
        # One that was started again at once has had this end all the same.
        return found.exit or found.last_exit

    async def pause(self, container: ContainerId) -> None:
        self._running(container).paused = True

    async def unpause(self, container: ContainerId) -> None:
        self._running(container).paused = False

    async def rename(self, container: ContainerId, name: str) -> None:
        found = self._find(container)
        found.spec = replace(found.spec, name=name)

    async def note(self, container: ContainerId, notes: Mapping[str, str]) -> None:
        found = self._containers.get(container)
        if found is not None:
            known = found.notes | dict(notes)
            found.notes = {name: text for name, text in known.items() if text}

    async def add_hosts(self, sandbox: SandboxId, hosts: tuple[tuple[str, str], ...]) -> None:
        spec = await self.sandbox_spec(sandbox)
        self._sandboxes[sandbox] = replace(spec, hosts=(*spec.hosts, *hosts))

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
        """Only what was assumed to be written; ``follow`` lasts until the container ends."""
        found = self._find(container)
        if follow:
            await found.ended.wait()
        for line in tuple(found.output):
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

    def _running(self, container: ContainerId) -> SimulatedContainer:
        found = self._find(container)
        if not found.running:
            raise NotRunning(f'container "{found.spec.name}" does not run')
        return found

    def _find(self, container: ContainerId) -> SimulatedContainer:
        if container not in self._containers:
            raise NotFound(f'no container "{container}"')
        return self._containers[container]

    def _end_later(self, container: SimulatedContainer, after: timedelta, how: Exit) -> None:
        """The one timer that is no task of its own: thousands of containers may be simulated at once."""
        if container.timer is not None:
            container.timer.cancel()
        container.timer = asyncio.get_running_loop().call_later(after.total_seconds(), self._end, container, how)

    def _end(self, container: SimulatedContainer, how: Exit) -> None:
        if container.timer is not None:
            container.timer.cancel()
            container.timer = None
        if container.exit is not None:
            return
        container.exit = container.last_exit = how
        container.paused = False
        container.finished = self._clock.now()
        container.ended.set()
        for process in container.processes:
            process.end()
        if container.started is not None:
            self._tell(container, "exited")

    def _tell(self, container: SimulatedContainer, what: str) -> None:
        event = RuntimeEvent(container=container.id, name=container.spec.name, what=what, exit=container.exit)
        for subscriber in self._subscribers:
            subscriber.send_nowait(event)


def _run(container: SimulatedContainer, assumed: Assumption | None) -> SimulatedProcess:
    """A program of the container, or something that is asked of it: it lasts no longer than the container."""
    seconds = assumed.duration.total_seconds() if assumed else 0.0
    now = anyio.current_time()
    process = SimulatedProcess(ends_at=now + seconds, code=(assumed.exit_code or 0) if assumed else 0)
    container.processes = [one for one in container.processes if one.ends_at > now]
    container.processes.append(process)
    return process


def _line(time: datetime, text: str) -> LogLine:
    return LogLine(time=time, stream=Stream.STDOUT, partial=False, text=text)


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


def _as_seen(container: SimulatedContainer) -> Container:
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
        paused=container.running and container.paused,
        notes=dict(container.notes),
    )
