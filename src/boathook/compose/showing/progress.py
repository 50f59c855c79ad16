"""A project's events as Compose's progress lines (spec 13.5), with a line of its own for every hook. Pure text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from boathook import events as e
from boathook.model import HookResult, Target
from boathook.report import words

PHASES = frozenset(
    {
        "Creating",
        "Recreate",
        "Recreated",
        "Running",
        "Started",
        "Waiting",
        "Healthy",
        "Exited",
        "Restarting",
        "Restarted",
        "Stopped",
        "Removing",
        "Killing",
        "Killed",
        "Paused",
        "Unpaused",
        "Error",
        "Error while Stopping",
    }
)
"""The peer's statuses that no event of ours has a class for. "Started": its post_start hooks have ended."""

SHOWN_AS = {"Restarted": "Started"}
"""The peer has one word for both."""

STILL_USED = re.compile(r"(?P<id>\w+ \S+)  (?P<status>Resource is still in use)")
"""What is kept by ``down`` because others use it."""

STATUSES: Mapping[type, str] = {
    e.ContainerCreated: "Created",
    e.ContainerStarted: "Starting",
    e.StopRequested: "Stopping",
    e.ContainerRemoved: "Removed",
    e.ObjectApplied: "Created",
    e.ObjectDeleted: "Removed",
}
"""What the peer says at the same moment."""

KINDS = {"container": "Container", "network": "Network", "volume": "Volume", "image": "Image"}


class Progress:
    """Turns each event into lines and hands them to ``write``.

    ``names``: full names of containers by their short ones, where these are not the project's name and theirs.
    ``as_json``: one JSON object a line, as the peer's ``--progress json``. ``quiet``: of ``build`` and ``pull``, what
    an engine tells while it does so is left out.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        names: Mapping[str, str],
        *,
        as_json: bool = False,
        quiet: frozenset[str] = frozenset(),
    ) -> None:
        self._write = write
        self._names = names
        self._as_json = as_json
        self._quiet = quiet
        self._rest = ""

    def __call__(self, stamped: e.Stamped) -> None:
        for line in self.lines(stamped.event):
            self._write(line)

    def lines(self, event: e.Event) -> list[str]:
        """The progress lines of one event; none for most."""
        match event:
            case e.ContainerCreated() | e.ContainerStarted() | e.StopRequested() | e.ContainerRemoved():
                return [self._status(event.target, STATUSES[type(event)])]
            case e.PhaseChanged(target=target, phase=phase) if phase in PHASES and target.kind in KINDS:
                return [self._status(target, SHOWN_AS.get(phase, phase))]
            case e.ImageProgress(act=act, text=text) if act not in self._quiet:
                return self._whole_lines(text)
            case e.Noted(finding=finding) if (used := STILL_USED.fullmatch(finding.message)) is not None:
                return [self._line(used["id"], used["status"])]
            case e.HookStarted(target=target, hook=hook):
                return [self._status(target, f"{hook.name} running: {words.handler(hook.handler)}")]
            case e.HookFinished(result=result):
                return [self._status(result.target, f"{result.hook.name} {_outcome(result)}")]
            case e.ObjectApplied() | e.ObjectDeleted() if event.target.kind in KINDS:
                return [self._status(event.target, STATUSES[type(event)])]
            case e.Noted(finding=finding):
                return [self._said(f"{finding.severity}: {finding}")]
            case _:
                return []

    def _status(self, target: Target, status: str) -> str:
        kind = KINDS.get(target.kind, "Container")
        name = self._full_name(target) if kind == "Container" else target.name
        return self._line(f"{kind} {name}", status)

    def _line(self, who: str, status: str) -> str:
        return _json({"id": who, "status": status}) if self._as_json else f" {who}  {status}"

    def _whole_lines(self, text: str) -> list[str]:
        *whole, self._rest = (self._rest + text).split("\n")
        return [_json({"text": line}) if self._as_json else line for line in whole]

    def _full_name(self, target: Target) -> str:
        return self._names.get(target.name, f"{target.scope}-{target.name}")

    def _said(self, text: str) -> str:
        return _json({"text": text}) if self._as_json else text


def _json(said: Mapping[str, str]) -> str:
    """As Go writes it."""
    return json.dumps(said, separators=(",", ":"), ensure_ascii=False)


def _outcome(result: HookResult) -> str:
    ended = "ended well" if result.succeeded else f"failed: {result.reason or result.outcome.value}"
    return ended if result.duration is None else f"{ended} after {words.duration(result.duration)}"
