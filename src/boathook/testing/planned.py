"""A pod's whole life in virtual time: the same code as a run, in no time, with exact times."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeAlias

from boathook.errors import UsageError
from boathook.events import Stamped
from boathook.pods.run import simulate_pod
from boathook.runtimes.assumptions import Assumption, Assumptions
from boathook.testing.files import read_pod
from boathook.testing.record import PodRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """How a program is assumed to run."""

    duration: str | float
    """``40s``, ``1m30s``, or seconds."""
    exit_code: int | None = None
    """None: 0, or 128 + n for a main process that a signal ends."""
    output: str = ""


Assume: TypeAlias = Mapping[str, "str | float | Assumed"]
"""``POINT:NAME`` of what is assumed: ``preStop:app``, ``postStart:app``; ``run:app``: how long its main process runs by
itself; ``stop:app``: how long it takes to end after its stop signal."""


class PlannedPod(PodRecord):
    """What would happen to a pod. Its times are exact."""


class SimulatePod(Protocol):
    """The fixture ``simulate_pod``."""

    def __call__(
        self,
        path: str | Path,
        *,
        assume: Assume | None = None,
        stop_after: float | None = None,
        name: str | None = None,
    ) -> PlannedPod: ...


def simulate(
    path: str | Path,
    *,
    directories: tuple[Path, ...],
    assume: Assume | None,
    stop_after: float | None,
    name: str | None,
) -> PlannedPod:
    """Plan the pod's start and stop. Raises ``UsageError`` for an assumption that nothing asked for."""
    pod_file, pod = read_pod(path, name, directories)
    lasting = None if stop_after is None else timedelta(seconds=stop_after)
    stamped = assuming(
        assume,
        f'pod "{pod.name}"',
        lambda assumptions: simulate_pod(pod_file, assumptions, lasting=lasting),
    )
    return PlannedPod(pod, stamped)


def assuming(
    assume: Assume | None, what: str, plan: Callable[[Assumptions], tuple[Stamped, ...]]
) -> tuple[Stamped, ...]:
    """What a plan gives under these assumptions. Raises ``UsageError`` for one that nothing asked for."""
    assumptions = Assumptions(tuple(_assumption(what, value) for what, value in (assume or {}).items()))
    stamped = _outside_of_loops(lambda: plan(assumptions))
    if assumptions.unused:
        needless = ", ".join(f'"{one}"' for one in assumptions.unused)
        raise UsageError(f"assumed of what {what} never asked for: {needless}")
    return stamped


def _assumption(what: str, value: str | float | Assumed) -> Assumption:
    assumed = value if isinstance(value, Assumed) else Assumed(duration=value)
    duration = assumed.duration if isinstance(assumed.duration, str) else f"{assumed.duration:f}s"
    (one,) = Assumptions.parse((f"{what}={duration}",)).given
    return replace(one, exit_code=assumed.exit_code, output=assumed.output)


def _outside_of_loops(plan: Callable[[], tuple[Stamped, ...]]) -> tuple[Stamped, ...]:
    """The virtual loop runs in a thread of its own where this one has a loop already: an async test asks, too."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return plan()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(plan).result()
