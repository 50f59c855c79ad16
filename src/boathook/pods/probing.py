"""Probes: the questions that are asked of a running container again and again, and what their answers come to.

The rules are the kubelet's (``prober/worker.go``, ``prober/prober.go``). Two things of it are left out: the random wait
before the first question, and its ticks, which begin before the container does; here they begin with its initial delay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anyio

from boathook.durations import format_go_duration
from boathook.errors import NotFound, NotRunning, RequestFailed, TargetError
from boathook.hooks import ContainerExec
from boathook.hooks.handlers import Held, run_exec
from boathook.journal import Context
from boathook.model import Exec, HttpGet, Stream, Target, TcpSocket
from boathook.pods.model import GrpcCheck, PodContainer, Probe, ProbeKind
from boathook.runtimes.base import ContainerId, ContainerRuntime, GrpcHealthCheck, Response, TcpConnect

UNHEALTHY = "Unhealthy"
WARNING = "ProbeWarning"
OUTPUT_BYTES = 10 * 1024
"""How much of an answer is kept (``pkg/probe/exec``, ``pkg/probe/http``)."""
SERVING = 1
REDIAL_SECONDS = 0.2
NOT_CONNECTED = ("connect: connection refused", "code = Unavailable desc = connection error")
UNIMPLEMENTED = "rpc error: code = Unimplemented desc = "
TRIES = 3
"""How often a question that could not even be asked is asked at once (``maxProbeRetries``)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one question came to. ``ok`` None: it could not be asked, which counts neither way."""

    ok: bool | None
    output: str
    warning: str = ""
    """What is to be said of it although it is good."""


class Prober:
    """Asks one instance of a container its probes. ``run`` lasts until it is cancelled."""

    def __init__(
        self,
        container: PodContainer,
        id: ContainerId,
        target: Target,
        runtime: ContainerRuntime,
        context: Context,
        *,
        started_at: float,
        changed: Callable[[], None],
        tell: Callable[[str, str], None],
    ) -> None:
        """``started_at``: loop time of its start, from which initial delays count. ``tell``: a Warning event."""
        self._container = container
        self._asking = _Asking(container.name, id, runtime)
        self._started_at = started_at
        self._changed = changed
        self._tell = tell
        self._started = anyio.Event()
        if container.startup_probe is None:
            self._started.set()
        self._ready = container.readiness_probe is None
        self._liveness = anyio.CancelScope()
        self._failed: Probe | None = None

    @property
    def started(self) -> bool:
        """Its startup probe has succeeded, or it has none."""
        return self._started.is_set()

    @property
    def ready(self) -> bool:
        """It has started, and its readiness probe says so, if it has one."""
        return self.started and self._ready

    @property
    def failed(self) -> Probe | None:
        """The startup or liveness probe that has failed as often as it may: the container is to be killed."""
        return self._failed

    def stop_liveness(self) -> None:
        """End startup and liveness probes; readiness goes on."""
        self._liveness.cancel()

    async def run(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._live)
            if (readiness := self._container.readiness_probe) is not None:
                tasks.start_soon(self._go_on_asking, readiness)

    async def _live(self) -> None:
        with self._liveness:
            for probe in (self._container.startup_probe, self._container.liveness_probe):
                if probe is not None and self._failed is None:
                    await self._go_on_asking(probe)

    async def _go_on_asking(self, probe: Probe) -> None:
        """Until the container has started, for a startup probe; until it is to be killed, for a liveness probe."""
        if probe.kind is not ProbeKind.STARTUP:
            await self._started.wait()
        tick = max(self._started_at + probe.initial_delay.total_seconds(), anyio.current_time())
        last, run = None, 0
        while True:
            await anyio.sleep_until(tick)
            asked_at = anyio.current_time()
            answer = await self._asked(probe)
            if answer.ok is not None:
                run = run + 1 if answer.ok == last else 1
                last = answer.ok
                if run >= (probe.success_threshold if last else probe.failure_threshold):
                    self._came_to(probe, ok=last)
            if self._failed is probe or (probe.kind is ProbeKind.STARTUP and self.started):
                return
            # A ticker keeps one tick that nobody took: what took longer than its period is followed by the next
            # question at once, and that one by the tick that would have come anyway.
            tick += probe.period.total_seconds()
            while tick <= asked_at:
                tick += probe.period.total_seconds()

    def _came_to(self, probe: Probe, *, ok: bool) -> None:
        """A threshold is reached."""
        match probe.kind:
            case ProbeKind.STARTUP if ok:
                self._started.set()
            case ProbeKind.READINESS:
                if self._ready == ok:
                    return
                self._ready = ok
            case _ if not ok:
                self._failed = probe
            case _:
                return
        self._changed()

    async def _asked(self, probe: Probe) -> Answer:
        """One answer, and the event that a bad one gives."""
        answer = await self._asking.ask(probe)
        for _ in range(TRIES - 1):
            if answer.ok is not None:
                break
            answer = await self._asking.ask(probe)
        word = probe.kind.value.capitalize()
        if answer.ok is None and answer.output:
            self._tell(UNHEALTHY, f"{word} probe errored and resulted in unknown state: {answer.output}")
        elif answer.ok is False:
            self._tell(UNHEALTHY, f"{word} probe failed: {answer.output}")
        elif answer.warning:
            self._tell(WARNING, f"{word} probe warning: {answer.warning}")
        return answer


@dataclass(frozen=True, slots=True)
class _Asking:
    """How each kind of question is asked of one container."""

    name: str
    id: ContainerId
    runtime: ContainerRuntime

    async def ask(self, probe: Probe) -> Answer:
        label = f"{probe.kind.value}:{self.name}"
        if fault := _fault_of_port(probe):
            return Answer(None, fault)
        try:
            match probe.handler:
                case Exec() as handler:
                    return await self._exec(probe, handler, label)
                case HttpGet() as handler:
                    return await self._http(probe, handler, label)
                case TcpSocket() as handler:
                    return await self._tcp(probe, handler, label)
                case GrpcCheck() as handler:
                    return await self._grpc(probe, handler, label)
        except (NotRunning, NotFound):
            # It has just ended: whoever watches it says so.
            return Answer(None, "")
        except RequestFailed as error:
            return Answer(ok=False, output=str(error))
        except TargetError as error:
            return Answer(None, str(error))

    async def _exec(self, probe: Probe, handler: Exec, label: str) -> Answer:
        written = bytearray()

        def keep(stream: Stream, chunk: bytes) -> None:
            written.extend(chunk[: OUTPUT_BYTES - len(written)])

        held = Held(label=label)
        ran = None
        with anyio.move_on_after(probe.timeout.total_seconds()):
            ran = await run_exec(handler, ContainerExec(self.runtime, self.id), keep, held)
        if ran is None:
            if held.execution is not None:
                await held.execution.kill()
            text = (
                f'command timed out: "{" ".join(handler.command)}" timed out after {format_go_duration(probe.timeout)}'
            )
            return Answer(ok=False, output=text)
        if ran.exit_code is None:
            return Answer(None, "")
        return Answer(ok=ran.exit_code == 0, output=written.decode(errors="replace"))

    async def _http(self, probe: Probe, handler: HttpGet, label: str) -> Answer:
        from boathook.hooks.http import PROBE_AGENT, address_of, get, host_header, sent_headers

        headers = sent_headers(handler.headers, agent=PROBE_AGENT, gzip=False)
        address = address_of(handler)
        with anyio.move_on_after(probe.timeout.total_seconds()):
            response = await get(
                address,
                headers,
                lambda request: self.runtime.request(self.id, request, label=label),
                host=host_header(handler.headers),
            )
            if 200 <= response.status < 300:
                return Answer(ok=True, output="")
            if 300 <= response.status < 400:
                body = response.body.decode(errors="replace")
                return Answer(ok=True, output="", warning=f"Probe terminated redirects, Response body: {body}")
            return Answer(ok=False, output=f"HTTP probe failed with statuscode: {response.status}")
        exceeded = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return Answer(ok=False, output=f'Get "{address}": {exceeded}')

    async def _tcp(self, probe: Probe, handler: TcpSocket, label: str) -> Answer:
        from boathook.hooks.http import OWN_ADDRESS, port_number

        connect = TcpConnect(host=handler.host, port=port_number(handler.port))
        with anyio.move_on_after(probe.timeout.total_seconds()):
            await self.runtime.request(self.id, connect, label=label)
            return Answer(ok=True, output="")
        return Answer(ok=False, output=f"dial tcp {handler.host or OWN_ADDRESS}:{connect.port}: i/o timeout")

    async def _grpc(self, probe: Probe, handler: GrpcCheck, label: str) -> Answer:
        from boathook.hooks.http import OWN_ADDRESS

        check = GrpcHealthCheck(host="", port=handler.port, service=handler.service)
        late = f'timeout: failed to connect service "{OWN_ADDRESS}:{handler.port}"'
        with anyio.move_on_after(probe.timeout.total_seconds()):
            try:
                response = await self._connected(check, label)
            except RequestFailed as error:
                return Answer(ok=False, output=_health_failure(str(error)))
            if response.status == SERVING:
                return Answer(ok=True, output="")
            status = {2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}.get(response.status, "UNKNOWN")
            return Answer(ok=False, output=f'service unhealthy (responded with "{status}")')
        return Answer(ok=False, output=f"{late} within {format_go_duration(probe.timeout)}: context deadline exceeded")

    async def _connected(self, check: GrpcHealthCheck, label: str) -> Response:
        """What cannot be connected to is tried again until the time is over (``pkg/probe/grpc``: WithBlock)."""
        while True:
            try:
                return await self.runtime.request(self.id, check, label=label)
            except RequestFailed as error:
                if not any(one in str(error) for one in NOT_CONNECTED):
                    raise
                await anyio.sleep(REDIAL_SECONDS)


def _health_failure(error: str) -> str:
    if error.startswith(UNIMPLEMENTED):
        what = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        return f"error: {what}: {error.removeprefix(UNIMPLEMENTED)}"
    return f"error: health rpc probe failed: {error}"


def _fault_of_port(probe: Probe) -> str | None:
    """A name that the container does not declare: there is nothing to ask (``probe.ResolveContainerPort``)."""
    from boathook.hooks.http import port_number

    if isinstance(probe.handler, HttpGet | TcpSocket):
        try:
            port_number(probe.handler.port)
        except RequestFailed as error:
            return str(error)
    return None
