"""A pod's state as Kubernetes shows it: container states and the ``status`` object. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from boathook.model import JsonObject
from boathook.pods.model import ContainerKind, Phase
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
IMAGE_BACK_OFF = "ImagePullBackOff"
CONFIG_ERROR = "CreateContainerConfigError"
IMAGE_NEVER_PULLED = "ErrImageNeverPull"
IMAGE_NAME_INVALID = "InvalidImageName"
BLOCKED = (IMAGE_ERROR, IMAGE_NEVER_PULLED, IMAGE_NAME_INVALID, CONFIG_ERROR)
"""The reasons of a container that waits for something that nobody here will bring."""

UNKNOWN = Terminated(
    exit=Exit(code=None, signal=None),
    reason="ContainerStatusUnknown",
    message="The container could not be located when the pod was terminated",
    started=None,
    finished=None,
    container_id="",
)
"""How a container that was never made is shown when its pod has been deleted."""

CREATING = Waiting(reason="ContainerCreating", message="")
INITIALIZING = Waiting(reason="PodInitializing", message="")
"""What every container of a pod with init containers waits for until it has started."""


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
    kind: ContainerKind = ContainerKind.REGULAR
    ready: bool = False
    started: bool = False


def ended_reason(ended: Exit) -> str:
    """``Completed`` for 0, else ``Error``."""
    return "Completed" if ended.ok else "Error"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """What of a pod's status is not about one container."""

    phase: Phase
    started: datetime | None = None
    has_sandbox: bool = True
    """What its containers share has been made."""
    initialized: bool = True
    failing: bool = False
    """It has failed, whatever of it still runs."""
    qos_class: str = ""
    reason: str = ""
    message: str = ""
    """Why it was ended, where it was not deleted."""


def status_object(statuses: Sequence[ContainerStatus], facts: PodFacts) -> JsonObject:
    """The ``status`` of the pod object."""
    by_part: dict[bool, list[JsonObject]] = {True: [], False: []}
    for status in statuses:
        by_part[status.kind is ContainerKind.REGULAR].append(_container_object(status))
    result: JsonObject = {
        "phase": facts.phase.value,
        "conditions": [*conditions(statuses, facts)],
        "hostIP": POD_IP,
        "hostIPs": [{"ip": POD_IP}],
        "podIP": POD_IP,
        "podIPs": [{"ip": POD_IP}],
        "containerStatuses": [*by_part[True]],
    }
    if by_part[False]:
        result["initContainerStatuses"] = [*by_part[False]]
    if facts.started is not None:
        result["startTime"] = timestamp(facts.started)
    return result | _without_empty({"qosClass": facts.qos_class, "reason": facts.reason, "message": facts.message})


def conditions(statuses: Sequence[ContainerStatus], facts: PodFacts) -> list[JsonObject]:
    """The kubelet's conditions, in its order (``status/generate.go``)."""
    waiting = [one.name for one in statuses if one.kind is not ContainerKind.REGULAR and not _is_initialized(one)]
    unready = [one.name for one in statuses if one.kind is not ContainerKind.INIT and not one.ready]
    initialized = facts.initialized or facts.phase is Phase.SUCCEEDED
    ready = bool(statuses) and not unready and facts.phase is Phase.RUNNING and not facts.failing
    why_not = _not_ready(facts, unready)
    incomplete = f"containers with incomplete status: [{' '.join(waiting)}]"
    return [
        {"type": "PodReadyToStartContainers", "status": str(facts.has_sandbox and not facts.phase.terminal)},
        _condition("Initialized", initialized, "ContainersNotInitialized", incomplete)
        | _without_empty({"reason": COMPLETED if facts.phase is Phase.SUCCEEDED else ""} if initialized else {}),
        _condition("Ready", ready, *why_not),
        _condition("ContainersReady", ready, *why_not),
        {"type": "PodScheduled", "status": "True"},
    ]


COMPLETED = "PodCompleted"


def _not_ready(facts: PodFacts, unready: list[str]) -> tuple[str, str]:
    if facts.phase is Phase.SUCCEEDED:
        return COMPLETED, ""
    if facts.phase is Phase.FAILED or facts.failing:
        return "PodFailed", ""
    return "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"


def _condition(kind: str, holds: bool, reason: str, message: str) -> JsonObject:
    condition: JsonObject = {"type": kind, "status": str(holds)}
    return condition if holds else condition | _without_empty({"reason": reason, "message": message})


def _is_initialized(status: ContainerStatus) -> bool:
    """A plain init container has succeeded, a sidecar has started."""
    return status.ready if status.kind is ContainerKind.INIT else status.started


def _container_object(status: ContainerStatus) -> JsonObject:
    result: JsonObject = {
        "name": status.name,
        "image": status.image,
        "imageID": status.image_origin,
        "ready": status.ready,
        "started": status.started,
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
