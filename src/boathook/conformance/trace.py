"""What the programs of a case have said of themselves: lines of the shared directory, read. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLine:
    """One thing that a program said: ``app preStop begin``, when, and with which code."""

    at: float
    """Seconds of the machine's uptime, to the hundredth."""
    what: str
    code: int

    def __str__(self) -> str:
        return self.what if not self.code else f"{self.what} {self.code}"


def parse_trace(text: str) -> tuple[TraceLine, ...]:
    """The lines in order of time. A last line that is still being written is left for the next look."""
    return tuple(sorted(_parsed(text.rpartition("\n")[0].splitlines()), key=lambda line: line.at))


def _parsed(lines: Iterable[str]) -> Iterable[TraceLine]:
    for line in lines:
        when, _, rest = line.partition(" ")
        what, _, code = rest.rpartition(" ")
        try:
            yield TraceLine(at=float(when), what=what, code=int(code))
        except ValueError:
            # Whatever else a container may write there is no line of a trace.
            continue


def times(trace: Iterable[TraceLine], what: str) -> list[float]:
    """When it was said, each time."""
    return [line.at for line in trace if line.what == what]
