"""What the hooks of a project have written, as lines, from the journal. Containers' logs have nothing of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from boathook.compose.showing.lines import service_of, source_of
from boathook.home import Home
from boathook.journal.hook_runs import Written, hook_output
from boathook.model import Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class HookLine:
    at: datetime
    source: str
    """``app-1 ->``."""
    text: str


@dataclass(slots=True, kw_only=True)
class HookLog:
    """Each call of ``past`` has what was written since the last one."""

    home: Home
    project: str
    services: Collection[str]
    """Empty: all."""
    since: datetime | None
    until: datetime | None
    _seen: set[tuple[str, int]] = field(default_factory=set)
    _last: datetime | None = None
    """What may still come is not older than this."""
    _rest: dict[tuple[str, str, Stream], HookLine] = field(default_factory=dict)
    """Lines that have not ended: by run, source and stream."""

    def past(self, *, all_of_it: bool) -> list[HookLine]:
        """In order of time. A line without an end waits for the next call, unless ``all_of_it`` is wanted now."""
        waiting = set(self._rest)
        lines: list[HookLine] = []
        for one in hook_output(self.home, self.project, since=self._last or self.since):
            place = (one.run, one.sequence)
            if place not in self._seen and self._is_wanted(one):
                lines += self._take(one)
            self._seen.add(place)
            self._last = one.at
        for key in tuple(self._rest):
            if all_of_it or key in waiting:
                lines.append(self._rest.pop(key))
        return sorted(lines, key=lambda line: line.at)

    def _is_wanted(self, written: Written) -> bool:
        late = self.until is not None and written.at > self.until
        return not late and (not self.services or service_of(written.output.hook) in self.services)

    def _take(self, written: Written) -> list[HookLine]:
        source = source_of(written.output.target, written.output.hook)
        key = (written.run, source, written.output.stream)
        before = self._rest.pop(key, None)
        *whole, rest = ((before.text if before else "") + written.output.text).split("\n")
        if rest:
            self._rest[key] = HookLine(at=written.at, source=source, text=rest)
        return [HookLine(at=written.at, source=source, text=text) for text in whole]
