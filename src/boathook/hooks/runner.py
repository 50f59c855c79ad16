"""The one place that runs a hook: deadline, capture, outcome, events.

It never looks at what a failure leads to; that is the dialect's decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from anyio.abc import TaskGroup

from boathook.clock import Clock
from boathook.events import EventStream
from boathook.hooks.target import HookTarget
from boathook.model import Hook, HookResult, Target


class OnDeadline(Enum):
    """What happens to a hook that is still running at its deadline."""

    KILL = "kill"
    """Everything in its process group is ended (backup hooks)."""
    ABANDON = "abandon"
    """We stop waiting; it runs on until its container ends (preStop)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    after: timedelta
    then: OnDeadline


async def run_hook(
    hook: Hook,
    target: Target,
    against: HookTarget,
    *,
    deadline: Deadline | None,
    events: EventStream,
    clock: Clock,
    abandoned: TaskGroup | None = None,
) -> HookResult:
    """Run ``hook`` once against ``against`` and say how it ended.

    Emits ``HookStarted``, ``HookOutput`` and ``HookFinished``. A failure of the hook is a result; an exception here
    means that the machinery failed. On cancellation everything it started is ended, its event is emitted, and the
    cancellation goes on. ``abandoned`` is where the watch over a hook that outlives an ``ABANDON`` deadline lives; it
    emits ``AbandonedHookEnded``.
    """
    raise NotImplementedError
