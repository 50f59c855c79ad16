"""What every run of a case has: what it did, what it looked at, and what its programs have said. It ends at the first
thing that is not as expected."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio

from boathook.clock import SystemClock
from boathook.conformance.model import Observation
from boathook.conformance.trace import TraceLine, parse_trace, times

POLL_SECONDS = 0.02


class Unexpected(Exception):
    """Something was not as expected; the case ends here."""


class Noting:
    """Everything that is asked of it is noted; what is not as expected ends the case with ``Unexpected``."""

    def __init__(self, *, shared: Path, slack: float) -> None:
        self.shared = shared
        """A directory of this machine that the case's containers see and write to."""
        self.logged: list[str] = []
        self.observations: list[Observation] = []
        self.began = uptime()
        self.began_wall: datetime = SystemClock().now()
        self.done: list[tuple[float, str]] = []
        """What the case did, in seconds since it began."""
        self._slack = slack

    # What it waits for.

    async def traced(self, what: str, *, within: float = 20.0, count: int = 1) -> float:
        """Until a program has said so (the ``count``-th time); when it did."""
        with anyio.move_on_after(within + self._slack):
            while len(times(self.trace(), what)) < count:  # noqa: ASYNC110  a file of the node tells nobody
                await anyio.sleep(POLL_SECONDS)
        found = times(self.trace(), what)
        again = "" if count == 1 else f" ({count} times)"
        self.expect(f"{what}{again} was said", f"{count}", str(min(len(found), count)))
        return found[count - 1]

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    # What it sees.

    def trace(self) -> tuple[TraceLine, ...]:
        return parse_trace(self.read("trace"))

    def when(self, what: str) -> float:
        """When a program said so first; it must have."""
        found = times(self.trace(), what)
        self.expect(f"{what} was said", "at least once", "at least once" if found else "never")
        return found[0]

    def said(self, what: str) -> int:
        """How often."""
        return len(times(self.trace(), what))

    def read(self, name: str) -> str:
        """A file of the shared directory; empty while there is none."""
        with suppress(FileNotFoundError):
            return (self.shared / name).read_text(errors="replace")
        return ""

    # What it expects.

    def expect(self, what: str, expected: Any, observed: Any, *, ok: bool | None = None) -> None:
        """Note what was looked at. Not as expected (not equal, where ``ok`` does not say): the case ends."""
        ok = expected == observed if ok is None else ok
        self.observations.append(Observation(what=what, expected=str(expected), observed=str(observed), ok=ok))
        if not ok:
            raise Unexpected(f"{what}: expected {expected}, observed {observed}")

    def expect_between(self, what: str, seconds: float, low: float, high: float) -> None:
        """A time: the lower bound is exact, the upper one has the place's slack."""
        ok = low <= round(seconds, 3) <= high + self._slack
        self.expect(what, f"{low:g} s to {high:g} s", f"{seconds:.2f} s", ok=ok)

    def expect_order(self, *whats: str) -> None:
        """These things were said one after another."""
        at = [self.when(what) for what in whats]
        observed = [what for _, what in sorted(zip(at, whats, strict=True), key=lambda pair: pair[0])]
        self.expect("the order", ", ".join(whats), ", ".join(observed))

    def expect_file(self, name: str, content: str) -> None:
        """A file that a program left in the shared directory."""
        self.expect(f"the file {name}", content, self.read(name).strip())

    def log(self, line: str) -> None:
        """Say what was seen, in words that are the same each time."""
        self.logged.append(line)

    def _did(self, what: str) -> None:
        self.done.append((uptime() - self.began, f"> {what}"))


def uptime() -> float:
    """The clock that containers read, as exactly as they read it."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * 100) / 100
