"""A pod's state as Kubernetes shows it: container states, phase and the ``status`` object. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from boathook.model import JsonObject
from boathook.pods.model import Phase, RestartPolicy
from boathook.runtimes.base import Exit

POD_IP = "127.0.0.1"
"""Containers of a pod reach each other, and themselves, on loopback: it is the only address that they have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """It is yet to start, or to start again."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Its main process runs."""

    started: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminated:
    """Its main process has ended."""

    exit: Exit
    reason: str
    message: str
    started: datetime | None
    finished: datetime | None
    container_id: str

    @property
    def succeeded(self) -> bool:
        return self.exit.ok


State: TypeAlias = Waiting | Running | Terminated

IMAGE_ERROR = "ErrImagePull"
CONFIG_ERROR = "CreateContainerConfigError"
BLOCKED = (IMAGE_ERROR, CONFIG_ERROR)
"""The reasons of a container that waits for something that nobody here will bring."""

CREATING = Waiting(reason="ContainerCreating", message="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerStatus:
    """One container as it stands."""

    name: str
    image: str
    image_origin: str
    state: State
    last: Terminated | None
    restart_count: int
    container_id: str
    stop_signal: str


def ended_reason(ended: Exit) -> str:
    """``Completed`` for 0, else ``Error``."""
    return "Completed" if ended.ok else "Error"


def phase_of(statuses: Sequence[ContainerStatus], policy: RestartPolicy, *, ended_for_good: bool) -> Phase:
    """The phase, by the first rule that fits (``kubelet_pods.go``: ``getPhase``).

    ``ended_for_good``: the pod is being deleted and nothing in it runs any more.
    """
    states = [status.state for status in statuses]
    ends = [end for status in statuses if (end := _end_of(status)) is not None]
    if any(isinstance(state, Waiting) and status.last is None for state, status in zip(states, statuses, strict=True)):
        # Deleted before everything had started: what never ran cannot have succeeded.
        return Phase.FAILED if ended_for_good else Phase.PENDING
    if any(isinstance(state, Running) for state in states):
        return Phase.RUNNING
    if ended_for_good:
        return Phase.SUCCEEDED if all(end.succeeded for end in ends) else Phase.FAILED
    return _phase_of_ended(ends, policy)


def _phase_of_ended(ends: list[Terminated], policy: RestartPolicy) -> Phase:
    if policy is RestartPolicy.ALWAYS:
        return Phase.RUNNING
    if all(end.succeeded for end in ends):
        return Phase.SUCCEEDED
    return Phase.FAILED if policy is RestartPolicy.NEVER else Phase.RUNNING


def _end_of(status: ContainerStatus) -> Terminated | None:
    return status.state if isinstance(status.state, Terminated) else status.last


def status_object(statuses: Sequence[ContainerStatus], *, phase: Phase, started: datetime | None) -> JsonObject:
    """The ``status`` of the pod object."""
    ready = bool(statuses) and all(isinstance(status.state, Running) for status in statuses)
    result: JsonObject = {
        "phase": phase.value,
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Initialized", "status": "True"},
            {"type": "ContainersReady", "status": str(ready)},
            {"type": "Ready", "status": str(ready)},
        ],
        "hostIP": POD_IP,
        "podIP": POD_IP,
        "podIPs": [{"ip": POD_IP}],
        "containerStatuses": [_container_object(status) for status in statuses],
    }
    if started is not None:
        result["startTime"] = timestamp(started)
    return result


def _container_object(status: ContainerStatus) -> JsonObject:
    running = isinstance(status.state, Running)
    result: JsonObject = {
        "name": status.name,
        "image": status.image,
        "imageID": status.image_origin,
        "ready": running,
        "started": running,
        "restartCount": status.restart_count,
        "state": _state_object(status.state),
        "lastState": _state_object(status.last) if status.last else {},
    }
    if status.container_id:
        result["containerID"] = f"boathook://{status.container_id}"
    if status.stop_signal:
        result["stopSignal"] = status.stop_signal
    return result


def _state_object(state: State) -> JsonObject:
    match state:
        case Waiting():
            return {"waiting": _without_empty({"reason": state.reason, "message": state.message})}
        case Running():
            return {"running": {"startedAt": timestamp(state.started)}}
        case Terminated():
            return {"terminated": _terminated_object(state)}


def _terminated_object(state: Terminated) -> JsonObject:
    # Nobody saw it end: the kubelet reports such a container with 137.
    result: JsonObject = {"exitCode": 137 if state.exit.code is None else state.exit.code}
    if state.exit.signal is not None:
        result["signal"] = state.exit.signal
    result |= _without_empty({"reason": state.reason, "message": state.message})
    if state.started is not None:
        result["startedAt"] = timestamp(state.started)
    if state.finished is not None:
        result["finishedAt"] = timestamp(state.finished)
    if state.container_id:
        result["containerID"] = f"boathook://{state.container_id}"
    return result


def _without_empty(texts: dict[str, str]) -> JsonObject:
    return {key: text for key, text in texts.items() if text}


def timestamp(moment: datetime) -> str:
    """As the API writes times: UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
