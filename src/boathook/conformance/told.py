"""What the embedded runtime tells of the pods of each namespace, for a reader of a failed case."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from boathook.events import HookFinished, Stamped
from boathook.report.timeline import Timeline


class ToldByEvents:
    """Listens to a place. What was told of a namespace is given out once, and then forgotten."""

    def __init__(self) -> None:
        self._heard: dict[str, list[Stamped]] = defaultdict(list)

    def hear(self, stamped: Stamped) -> None:
        event = stamped.event
        target = event.result.target if isinstance(event, HookFinished) else getattr(event, "target", None)
        if target is not None:
            self._heard[target.scope.partition("/")[0]].append(stamped)

    def of(self, namespace: str, since: datetime) -> list[tuple[float, str]]:
        """The lines of the timeline, with the seconds since ``since``."""
        return told_lines(self._heard.pop(namespace, []), since)


def told_lines(heard: Iterable[Stamped], since: datetime) -> list[tuple[float, str]]:
    """The lines of the timeline of these events, with the seconds since ``since``."""
    timeline = Timeline()
    lines: list[tuple[float, str]] = []
    for stamped in heard:
        at = (stamped.wall - since).total_seconds()
        # The timeline writes seven characters of time before each line.
        lines += [(at, line[7:].strip()) for line in timeline.lines(replace(stamped, at=at))]
    return lines
