"""Timing: several runs after a warm-up, the median counts, and two things are timed in turn so that drift hits both."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """Seconds of several runs."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    @property
    def milliseconds(self) -> str:
        return f"{self.median * 1000:.1f} ms"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: what was measured, ours, the peer's, their ratio, and what it should reach."""

    what: str
    ours: str
    peer: str
    ratio: str
    target: str
    reached: bool | None


def timed(function: Callable[[], Any]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def in_turn(*functions: Callable[[], Any], runs: int, warmups: int = 1) -> tuple[Figure, ...]:
    """Each function ``runs`` times, A B A B …, after ``warmups`` rounds that do not count."""
    for _ in range(warmups):
        for function in functions:
            function()
    seconds: list[list[float]] = [[] for _ in functions]
    for _ in range(runs):
        for kept, function in zip(seconds, functions, strict=True):
            kept.append(timed(function))
    return tuple(Figure(tuple(kept)) for kept in seconds)


async def timed_await(function: Callable[[], Awaitable[Any]]) -> float:
    began = time.perf_counter()
    await function()
    return time.perf_counter() - began


async def in_turn_with(
    ours: Callable[[], Awaitable[Any]], peer: Callable[[], Any], *, runs: int, warmups: int = 1
) -> tuple[Figure, Figure]:
    """As ``in_turn``, for something of the library, in the event loop that it lives in, and something that blocks."""
    seconds: tuple[list[float], list[float]] = [], []
    for run in range(-warmups, runs):
        taken = await timed_await(ours), timed(peer)
        if run >= 0:
            for kept, one in zip(seconds, taken, strict=True):
                kept.append(one)
    return Figure(tuple(seconds[0])), Figure(tuple(seconds[1]))


def command(*argv: str, env: dict[str, str] | None = None) -> None:
    """Run a whole process; its failure ends the benchmark with what it printed."""
    ended = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=300)
    if ended.returncode != 0:
        raise SystemExit(f"{' '.join(argv)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")


def ratio(ours: Figure, peer: Figure) -> str:
    return f"{ours.median / peer.median:.2f}"
