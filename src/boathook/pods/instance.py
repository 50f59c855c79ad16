"""What the worker of a pod remembers of each container while the pod lives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import anyio

from boathook.events import ContainerExited
from boathook.images import explain_exit
from boathook.model import Target
from boathook.pods.model import ContainerKind, MessagePolicy, PodContainer, Probe
from boathook.pods.restarts import BackOff
from boathook.pods.status import (
    BLOCKED,
    IMAGE_NEVER_PULLED,
    ContainerStatus,
    Running,
    State,
    Terminated,
    Waiting,
    ended_reason,
)
from boathook.runtimes.base import Container, ContainerId, ContainerRuntime, ContainerSpec, Exit, Image

if TYPE_CHECKING:
    from boathook.pods.probing import Prober

MESSAGE_BYTES = 4096
FALLBACK_LINES = 80
FALLBACK_BYTES = 2048
"""How much of a termination message, or of the log in its place, the kubelet keeps."""


@dataclass(slots=True, kw_only=True)
class Instance:
    """One run of a container: it is made, started, and ends once."""

    id: ContainerId
    spec: ContainerSpec
    target: Target
    exit: Exit | None = None
    being_stopped: bool = False
    """Its end is told by whoever stops it, after the signals that led to it."""
    signal_sent: str | None = None
    """The last signal that it was sent."""
    started_at: float = 0.0
    """Loop time of its start, from which the delays of its probes count."""
    told: anyio.Event = field(default_factory=anyio.Event)
    """Set when its end has been told."""


@dataclass(slots=True, kw_only=True)
class Probing:
    """The probes of one instance, and what ends them."""

    prober: Prober
    scope: anyio.CancelScope


@dataclass(slots=True, kw_only=True)
class Slot:
    """A container of the pod over all its instances."""

    container: PodContainer
    status: ContainerStatus
    instance: Instance | None = None
    pending: bool = True
    """It is to be started whatever its policy says: at first, and when it was stopped in order to be restarted."""
    initialized: bool = False
    """An init container that has done its part: a plain one ended with 0, a sidecar has started."""
    changed: bool = False
    """Its image is another one than the running instance's."""
    probing: Probing | None = None
    attempt: int = -1
    """Number of the present instance, from 0."""
    back_off: BackOff = field(default_factory=BackOff)
    pull_back_off: BackOff = field(default_factory=BackOff)
    finished_at: float = 0.0
    """Loop time of the last end, or of the last image that was not to be had."""
    finished_before: float | None = None
    """Loop time of the end before that one."""
    error_shown_seconds: float = 0.0
    """How long after its end why it failed is shown, before the back-off takes its place."""
    backing_off: bool = False
    shown: ContainerStatus | None = None
    """What is shown of it while an end is kept back: those of a pod's end are shown together."""

    @classmethod
    def of(cls, container: PodContainer, waiting: Waiting) -> Slot:
        status = ContainerStatus(
            name=container.name,
            image=container.image,
            image_origin="",
            state=waiting,
            last=None,
            restart_count=0,
            container_id="",
            stop_signal="",
        )
        return cls(container=container, status=status)

    @property
    def name(self) -> str:
        return self.container.name

    @property
    def is_init(self) -> bool:
        return self.container.kind is ContainerKind.INIT

    @property
    def is_sidecar(self) -> bool:
        return self.container.kind is ContainerKind.SIDECAR

    @property
    def has_probes(self) -> bool:
        container = self.container
        return bool(container.startup_probe or container.liveness_probe or container.readiness_probe)

    @property
    def running(self) -> Instance | None:
        """The instance that runs, or whose end is not told yet."""
        return self.instance if self.instance is not None and not self.instance.told.is_set() else None

    @property
    def blocked(self) -> bool:
        """It waits for something that nobody here will bring."""
        return isinstance(self.status.state, Waiting) and self.status.state.reason in BLOCKED and not self.pending

    @property
    def never_pulled(self) -> bool:
        """It waits for an image that only somebody else can bring here."""
        return isinstance(self.status.state, Waiting) and self.status.state.reason == IMAGE_NEVER_PULLED

    @property
    def ended(self) -> Terminated | None:
        """How the present instance ended, once that has been told."""
        if isinstance(self.status.state, Terminated):
            return self.status.state
        return self.status.last if isinstance(self.status.state, Waiting) else None

    @property
    def started(self) -> bool:
        """It runs, its postStart hook has ended, and its startup probe, if it has one, has succeeded."""
        if not isinstance(self.status.state, Running):
            return False
        return self.container.startup_probe is None if self.probing is None else self.probing.prober.started

    @property
    def ready(self) -> bool:
        """What its readiness says; a plain init container is ready when it has succeeded."""
        if self.is_init:
            return isinstance(self.status.state, Terminated) and self.status.state.succeeded
        if not self.started:
            return False
        return self.container.readiness_probe is None if self.probing is None else self.probing.prober.ready

    def next_start(self, *, after_kill: bool) -> float:
        """Loop time from which it may be started. Right after a kill the end before counts, as for a kubelet."""
        ended = self.finished_before if after_kill else self.finished_at
        moment = 0.0 if self.attempt < 0 or ended is None else self.back_off.due(ended)
        return max(moment, self.pull_back_off.due(self.finished_at)) if self.pull_back_off.delay else moment

    def count_start(self, *, after_kill: bool) -> None:
        """It is started now: the next time it waits longer, unless nothing of it had ended before this kill."""
        if self.attempt >= 0 and not (after_kill and self.finished_before is None):
            self.back_off = self.back_off.restarted(anyio.current_time())

    @property
    def failed_probe(self) -> Probe | None:
        """The startup or liveness probe for which it is to be killed."""
        return None if self.probing is None else self.probing.prober.failed

    def show(self, state: State) -> None:
        """Change the state; an end that waits for its restart becomes the last one."""
        last = self.status.last
        if isinstance(self.status.state, Terminated) and not isinstance(state, Terminated):
            last = self.status.state
        self.status = replace(self.status, state=state, last=last)

    @property
    def had_its_turn(self) -> bool:
        """It runs or has run."""
        return not isinstance(self.status.state, Waiting) or self.status.last is not None

    def show_end(self, missing: Terminated) -> None:
        """It waits, and will not be started any more: how it ended before, or that nobody knows."""
        self.status = replace(self.status, state=self.status.last or missing)

    def show_restarting(self, why: tuple[str, str]) -> None:
        """It is gone, and the next one counts already."""
        self.show(Waiting(reason=why[0], message=why[1]))
        self.status = replace(self.status, restart_count=self.attempt + 1)

    def show_new(self, instance: Instance, image: Image, waiting: Waiting) -> None:
        """A new instance exists; it is shown as running only when its postStart hook has ended."""
        self.instance = instance
        self.backing_off, self.error_shown_seconds = False, 0.0
        ended = self.status.state if isinstance(self.status.state, Terminated) else self.status.last
        self.status = replace(
            self.status,
            state=waiting,
            last=ended,
            image=self.container.image,
            image_origin=image.origin,
            restart_count=self.attempt,
            container_id=instance.id,
            stop_signal=instance.spec.stop_signal,
        )

    def show_running(self, started: datetime) -> None:
        self.show(Running(started=started))

    def start_over(self) -> None:
        """Begin again as if nothing of it had run yet, with what is known of its last end."""
        self.pending, self.initialized = True, False

    def stop_probing(self) -> None:
        """End the probes of an instance that has ended."""
        if self.probing is not None:
            self.probing.scope.cancel()
            self.probing = None


def terminated(instance: Instance, ended: Exit, record: Container, message: str, *, reason: str) -> Terminated:
    """The state of a container that has ended. ``reason`` empty: what its exit code says."""
    return Terminated(
        exit=ended,
        reason=reason or ended_reason(ended),
        message=message,
        started=record.started,
        finished=record.finished,
        container_id=instance.id,
    )


def exited(instance: Instance, ended: Exit) -> ContainerExited:
    """The event of its end, with what a reader may wonder about."""
    spec = instance.spec
    return ContainerExited(
        target=instance.target,
        exit_code=ended.code,
        signal=ended.signal,
        explanation=explain_exit(spec.image.reference, spec.command, ended.code, instance.signal_sent),
    )


async def termination_message(
    runtime: ContainerRuntime, instance: Instance, record: Container, policy: MessagePolicy
) -> str:
    """What the container wrote to its message file; with the fallback, the end of its log when it failed."""
    message = record.termination_message
    if message or policy is not MessagePolicy.FALLBACK_TO_LOGS or instance.exit is None or instance.exit.ok:
        return message.encode()[:MESSAGE_BYTES].decode(errors="ignore")
    lines = [line.text async for line in runtime.logs(instance.id)]
    text = "\n".join(lines[-FALLBACK_LINES:]).encode()[-FALLBACK_BYTES:].decode(errors="ignore")
    return f"{text}\n" if text else ""
