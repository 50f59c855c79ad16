"""What happened to a pod or project, as moments with names that a test can ask for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from boathook import events as e
from boathook.model import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that happened, and when."""

    at: float
    """Seconds since the pod was created, or since the first thing that happened to the project."""
    name: str
    """``app started``, ``app.preStop started``, ``app.preStop ended``, ``app SIGTERM``, ``app exited`` …; of a project
    ``app-1 started``, ``app-1.pre_stop[0] started`` …"""
    detail: str
    """Its exit code, cause, outcome or message."""

    def __str__(self) -> str:
        return f"{self.at:9.3f}  {self.name}{f' ({self.detail})' if self.detail else ''}"


def moment_of(stamped: e.Stamped, *, began: float) -> Moment | None:
    """The moment of an event; None for one that no test asks for."""
    name, detail = _named(stamped.event)
    return Moment(at=round(stamped.at - began, 6), name=name, detail=detail) if name else None


def target_of(event: e.Event) -> Target | None:
    """Which container or pod an event is about."""
    if isinstance(event, e.HookFinished):
        return event.result.target
    return getattr(event, "target", None)


def _named(event: e.Event) -> tuple[str, str]:
    match event:
        case e.HookStarted(target=target):
            return f"{target.name}.{event.hook.name} started", ""
        case e.HookFinished(result=result):
            code = "" if result.exit_code is None else f", exit code {result.exit_code}"
            return f"{result.target.name}.{result.hook.name} ended", f"{result.outcome}{code}"
        case e.AbandonedHookEnded(target=target):
            return f"{target.name}.{event.hook.name} ended at last", ""
        case e.SignalSent(target=target, signal=signal):
            return f"{target.name} {signal}", ""
        case e.StopRequested(target=target, cause=cause):
            return ("stop requested" if target.kind == "pod" else f"{target.name} stop requested"), cause
        case e.ClusterEvent(target=target):
            return f"{target.name} event {event.reason}", event.message
        case e.PhaseChanged(target=target, phase=phase) if target.kind == "pod":
            return f"phase {phase}", event.reason or ""
        case _:
            return _of_container(event)


def _of_container(event: e.Event) -> tuple[str, str]:
    match event:
        case e.ContainerCreated(target=target):
            return f"{target.name} created", event.image
        case e.ContainerStarted(target=target):
            return f"{target.name} started", ""
        case e.ContainerExited(target=target):
            return f"{target.name} exited", "nobody saw how" if event.exit_code is None else str(event.exit_code)
        case e.ContainerRemoved(target=target):
            return f"{target.name} removed", ""
        case _:
            return "", ""
