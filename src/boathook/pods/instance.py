"""What the worker of a pod remembers of each container while the pod lives."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import anyio

from boathook.events import ContainerExited
from boathook.images import explain_exit
from boathook.model import Target
from boathook.pods.model import MessagePolicy, PodContainer
from boathook.pods.restarts import BackOff
from boathook.pods.status import CREATING, ContainerStatus, Running, State, Terminated, Waiting, ended_reason
from boathook.runtimes.base import Container, ContainerId, ContainerRuntime, ContainerSpec, Exit, Image

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
    told: anyio.Event = field(default_factory=anyio.Event)
    """Set when its end has been told."""


@dataclass(slots=True, kw_only=True)
class Slot:
    """A container of the pod over all its instances."""

    container: PodContainer
    status: ContainerStatus
    instance: Instance | None = None
    attempt: int = 0
    back_off: BackOff = field(default_factory=BackOff)
    finished_at: float = 0.0
    """Loop time of the last end."""
    tried: bool = False
    error_shown_seconds: float = 0.0
    """How long after its end why it failed is shown, before the back-off takes its place."""
    backing_off: bool = False

    @classmethod
    def of(cls, container: PodContainer) -> Slot:
        status = ContainerStatus(
            name=container.name,
            image=container.image,
            image_origin="",
            state=CREATING,
            last=None,
            restart_count=0,
            container_id="",
            stop_signal="",
        )
        return cls(container=container, status=status)

    @property
    def running(self) -> Instance | None:
        """The instance that runs, if one does."""
        return self.instance if self.instance is not None and self.instance.exit is None else None

    @property
    def ended(self) -> Terminated | None:
        """How the present instance ended, once that has been told."""
        if isinstance(self.status.state, Terminated):
            return self.status.state
        return self.status.last if isinstance(self.status.state, Waiting) else None

    def show(self, state: State) -> None:
        """Change the state; an end that waits for its restart becomes the last one."""
        last = self.status.last
        if isinstance(self.status.state, Terminated) and not isinstance(state, Terminated):
            last = self.status.state
        self.status = replace(self.status, state=state, last=last)

    def show_new(self, instance: Instance, image: Image) -> None:
        """A new instance exists; it is shown as running only when its postStart hook has ended."""
        self.instance = instance
        self.backing_off, self.error_shown_seconds = False, 0.0
        self.show(CREATING)
        self.status = replace(
            self.status,
            image_origin=image.origin,
            restart_count=self.attempt,
            container_id=instance.id,
            stop_signal=instance.spec.stop_signal,
        )

    def show_running(self, started: datetime) -> None:
        self.show(Running(started=started))


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
    return ContainerExited(
        target=instance.target,
        exit_code=ended.code,
        signal=ended.signal,
        explanation=explain_exit(instance.spec.image.reference, ended.code, instance.signal_sent),
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
