"""What a pod object and the events about it say, read. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from boathook.model import JsonObject
from boathook.objects import mapping, mappings, text

GROUPS = ("initContainerStatuses", "containerStatuses")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSeen:
    """A container as its pod's status shows it."""

    name: str
    state: str
    """``waiting``, ``running`` or ``terminated``."""
    reason: str
    message: str
    exit_code: int | None
    restarts: int
    ready: bool

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        code = "" if self.exit_code is None else f" with {self.exit_code}"
        return f"{self.name} {self.state}{code}{why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSeen:
    """An event about a pod."""

    type: str
    reason: str
    message: str
    count: int
    field: str
    last: str
    """When it was last seen, as the API writes times."""

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


def containers_of(pod: JsonObject | None, *groups: str) -> tuple[ContainerSeen, ...]:
    """All containers of the status, or those of some groups of it."""
    status = mapping(pod, "status")
    return tuple(_container(one) for group in groups or GROUPS for one in mappings(status.get(group)))


def container_of(pod: JsonObject | None, name: str) -> ContainerSeen | None:
    """None while the status does not have it."""
    return next((one for one in containers_of(pod) if one.name == name), None)


def phase_of(pod: JsonObject | None) -> str:
    return text(pod or {}, "status", "phase")


def is_ready(pod: JsonObject | None) -> bool:
    conditions = mappings(mapping(pod, "status").get("conditions"))
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def event_of(obj: JsonObject) -> EventSeen:
    count = obj.get("count")
    return EventSeen(
        type=text(obj, "type"),
        reason=text(obj, "reason"),
        message=text(obj, "message"),
        count=count if isinstance(count, int) else 1,
        field=text(obj, "involvedObject", "fieldPath"),
        last=text(obj, "lastTimestamp") or text(obj, "eventTime"),
    )


def shown(pod: JsonObject | None) -> str:
    """A pod in one line, for a reader who wonders why something did not happen."""
    if pod is None:
        return "no pod"
    containers = ", ".join(str(one) for one in containers_of(pod))
    deleting = ", being deleted" if text(pod, "metadata", "deletionTimestamp") else ""
    return f"phase {phase_of(pod) or 'unknown'}{deleting}: {containers or 'no container yet'}"


def _container(status: JsonObject) -> ContainerSeen:
    states = mapping(status, "state")
    state = next(iter(states), "waiting")
    details = mapping(states, state)
    code, restarts = details.get("exitCode"), status.get("restartCount")
    return ContainerSeen(
        name=text(status, "name"),
        state=state,
        reason=text(details, "reason"),
        message=text(details, "message"),
        exit_code=code if isinstance(code, int) else None,
        restarts=restarts if isinstance(restarts, int) else 0,
        ready=status.get("ready") is True,
    )
