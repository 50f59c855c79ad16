"""The one place that runs a hook: deadline, capture, outcome, events.

It never looks at what a failure leads to; that is the dialect's decision.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Protocol

import anyio

from boathook.clock import Clock
from boathook.durations import format_go_duration
from boathook.errors import ManifestError, MissingExtra, PlaceError, TargetError, UnsupportedHere
from boathook.events import AbandonedHookEnded, ClusterEvent, EventStream, HookFinished, HookOutput, HookStarted
from boathook.hooks.handlers import Held, Ran, run_handler
from boathook.hooks.output import HookCapture
from boathook.hooks.target import HookTarget, user_of
from boathook.model import Hook, HookResult, Outcome, SeenBy, Stream, Target
from boathook.runtimes.base import Execution, Exit

log = logging.getLogger(__name__)

KILL_SECONDS = 10.0
"""How long ending what a hook started may take. SIGKILL acts at once; only a broken place needs longer."""


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


class Watches(Protocol):
    """Where the watch over a hook that outlives its deadline is started: a task group, or who makes one later."""

    def start_soon(self, func: Callable[..., Coroutine[Any, Any, object]], /, *args: object) -> object: ...


async def run_hook(
    hook: Hook,
    target: Target,
    against: HookTarget,
    *,
    deadline: Deadline | None,
    events: EventStream,
    clock: Clock,
    abandoned: Watches | None = None,
) -> HookResult:
    """Run ``hook`` once against ``against`` and say how it ended.

    Emits ``HookStarted``, ``HookOutput`` and ``HookFinished``. A failure of the hook is a result; an exception here
    means that the machinery failed. On cancellation everything it started is ended, its event is emitted, and the
    cancellation goes on. ``abandoned`` is where the watch over a hook that outlives an ``ABANDON`` deadline lives; it
    emits ``AbandonedHookEnded``.
    """
    user = await user_of(against)
    run = _HookRun(hook=hook, target=target, deadline=deadline, events=events, clock=clock, user=user)
    async with run.ended_when_interrupted():
        ran = await run.to_its_end(against)
        if ran is None:
            ran = await run.past_its_deadline(abandoned)
    return run.finish(ran)


@dataclass(slots=True, kw_only=True)
class _HookRun:
    """One run of a hook while it lasts."""

    hook: Hook
    target: Target
    deadline: Deadline | None
    events: EventStream
    clock: Clock
    user: str | None
    held: Held = field(init=False)
    capture: HookCapture = field(init=False)
    started: datetime = field(init=False)
    began: float = field(init=False)

    def __post_init__(self) -> None:
        self.held = Held(label=f"{self.hook.point}:{self.target.name}")
        self.capture = HookCapture(self._tell)
        self.started, self.began = self.clock.now(), anyio.current_time()
        budget = self.deadline.after if self.deadline else None
        self.events.emit(HookStarted(target=self.target, hook=self.hook, budget=budget, user=self.user))

    def _tell(self, stream: Stream, text: str) -> None:
        self.events.emit(HookOutput(target=self.target, hook=self.hook, stream=stream, text=text))

    @asynccontextmanager
    async def ended_when_interrupted(self) -> AsyncIterator[None]:
        """When the block is left by cancellation (or a bug), end what runs, tell it, and let it pass."""
        try:
            yield
        except BaseException as error:
            cancelled = isinstance(error, anyio.get_cancelled_exc_class())
            left_over = await self._kill()
            outcome, reason = (Outcome.CANCELLED, "cancelled") if cancelled else (Outcome.UNKNOWN, str(error))
            self.finish(Ran(outcome=outcome, reason=f"{reason}{left_over}"))
            raise

    async def to_its_end(self, against: HookTarget) -> Ran | None:
        """How the hook ended by itself; None when its deadline came first."""
        if self.deadline is None:
            return await self._run(against)
        with anyio.move_on_after(self.deadline.after.total_seconds()):
            return await self._run(against)
        return None

    async def _run(self, against: HookTarget) -> Ran:
        try:
            return await run_handler(self.hook.handler, against, self.capture.sink, self.held)
        except (TargetError, ManifestError, UnsupportedHere, MissingExtra) as error:
            return Ran(outcome=Outcome.COULD_NOT_START, reason=str(error))
        except PlaceError as error:
            # The place broke away while the hook was being started or ran: nobody knows how far it came.
            return Ran(outcome=Outcome.UNKNOWN, reason=str(error))

    async def past_its_deadline(self, abandoned: Watches | None) -> Ran:
        """Kill it, or leave it running with somebody who watches."""
        assert self.deadline is not None
        reason = f"timed out after {format_go_duration(self.deadline.after)}"
        if self.deadline.then is OnDeadline.KILL:
            reason += await self._kill()
        elif self.held.execution is not None and abandoned is not None:
            abandoned.start_soon(_watch, self.held.execution, self.target, self.hook, self.events)
        return Ran(outcome=Outcome.TIMED_OUT, reason=reason)

    async def _kill(self) -> str:
        """End what was started, whoever is cancelled; what to add to the reason when that did not work."""
        execution = self.held.execution
        if execution is None:
            return ""
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + KILL_SECONDS):
            try:
                await execution.kill()
            except (TargetError, PlaceError) as error:
                log.warning("could not end a hook: %s", error)
                return f", and it could not be ended: {error}"
            return ""
        return ", and it could not be ended"

    def finish(self, ran: Ran) -> HookResult:
        """Make the result and tell it."""
        stdout, stderr = self.capture.close()
        duration = timedelta(seconds=anyio.current_time() - self.began)
        left = max(self.deadline.after - duration, timedelta(0)) if self.deadline else None
        result = HookResult(
            hook=self.hook,
            target=self.target,
            outcome=ran.outcome,
            exit_code=ran.exit_code,
            signal=ran.signal,
            stdout=stdout,
            stderr=stderr,
            started=self.started,
            duration=duration,
            budget_left=left,
            reason=ran.reason,
            seen_by=SeenBy.RUN,
        )
        if ran.warning is not None:
            reason, message = ran.warning
            self.events.emit(ClusterEvent(target=self.target, warning=True, reason=reason, message=message))
        self.events.emit(HookFinished(result=result))
        return result


async def _watch(execution: Execution, target: Target, hook: Hook, events: EventStream) -> None:
    try:
        ended = await execution.wait()
    except (TargetError, PlaceError) as error:
        log.info("an abandoned hook was lost sight of: %s", error)
        ended = Exit(code=None, signal=None)
    events.emit(AbandonedHookEnded(target=target, hook=hook, exit_code=ended.code, signal=ended.signal))
