"""The terminal as a listener: prints the timeline while the run goes on, or keeps it until the end."""

from __future__ import annotations

import errno
import sys
from typing import TextIO

from boathook import events as e
from boathook.report.timeline import Timeline, render_timeline

__all__ = ["KeptTimeline", "LiveTimeline", "render_timeline"]


class LiveTimeline:
    """Prints each event's lines as they come, as long as anybody reads them: what runs goes on to its end."""

    def __init__(self, stream: TextIO | None = None, *, timeline: Timeline | None = None) -> None:
        self._stream = stream or sys.stdout
        self._timeline = timeline or Timeline()
        self._is_over = False

    def __call__(self, stamped: e.Stamped) -> None:
        lines = self._timeline.lines(stamped)
        if self._is_over:
            return
        try:
            for line in lines:
                self._stream.write(line + "\n")
            self._stream.flush()
        except OSError as error:
            # The pipe's reader has gone, or the terminal was closed.
            if error.errno not in (errno.EPIPE, errno.EIO):
                raise
            self._is_over = True


class KeptTimeline:
    """Keeps the events; ``text()`` gives the timeline when the run is over."""

    def __init__(self) -> None:
        self.events: list[e.Stamped] = []

    def __call__(self, stamped: e.Stamped) -> None:
        if not isinstance(stamped.event, e.HookOutput):
            self.events.append(stamped)

    @property
    def saw_hooks(self) -> bool:
        return any(isinstance(stamped.event, e.HookStarted | e.HookFinished) for stamped in self.events)

    def text(self) -> str:
        return render_timeline(self.events)
