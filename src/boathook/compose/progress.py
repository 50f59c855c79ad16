"""A project's events as Compose's progress lines (spec 13.5), with a line of its own for every hook. Pure text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from boathook import events as e
from boathook.model import Exec, HookResult, Target
from boathook.report import words

PHASES = {"Started", "Running", "Stopped", "Killed"}
STATUSES: Mapping[type, str] = {
    e.ContainerCreated: "Created",
    e.ContainerStarted: "Starting",
    e.StopRequested: "Stopping",
    e.ContainerRemoved: "Removed",
    e.ObjectApplied: "Created",
    e.ObjectDeleted: "Removed",
}
"""What the peer says at the same moment; "Started" comes when the post_start hooks have ended, as a phase."""


class Progress:
    """Turns each event into lines and hands them to ``write``. ``names``: full container names by their short ones."""

    def __init__(self, write: Callable[[str], None], names: Mapping[str, str]) -> None:
        self._write = write
        self._names = names

    def __call__(self, stamped: e.Stamped) -> None:
        for line in self.lines(stamped.event):
            self._write(line)

    def lines(self, event: e.Event) -> list[str]:
        """The progress lines of one event; none for most."""
        match event:
            case e.ContainerCreated() | e.ContainerStarted() | e.StopRequested() | e.ContainerRemoved():
                return [self._container(event.target, STATUSES[type(event)])]
            case e.PhaseChanged(target=target, phase=phase) if phase in PHASES:
                return [self._container(target, phase)]
            case e.HookStarted(target=target, hook=hook):
                command = hook.handler.command if isinstance(hook.handler, Exec) else ()
                return [self._container(target, f"{hook.name} running: {words.command(command)}")]
            case e.HookFinished(result=result):
                return [self._container(result.target, f"{result.hook.name} {_outcome(result)}")]
            case e.ObjectApplied() | e.ObjectDeleted() if event.target.kind == "volume":
                return [f" Volume {event.target.name}  {STATUSES[type(event)]}"]
            case e.Noted(finding=finding):
                return [f"{finding.severity}: {finding}"]
            case _:
                return []

    def _container(self, target: Target, status: str) -> str:
        return f" Container {self._names.get(target.name, f'{target.scope}-{target.name}')}  {status}"


def _outcome(result: HookResult) -> str:
    ended = "ended well" if result.succeeded else f"failed: {result.reason or result.outcome.value}"
    return ended if result.duration is None else f"{ended} after {words.duration(result.duration)}"
