"""``run_hook``: every way in which a hook can end becomes the right outcome, and nothing of it is left behind."""

from __future__ import annotations

from datetime import timedelta

import anyio
import pytest

from boathook.clock import LoopClock
from boathook.errors import CouldNotStart, NotRunning, PlaceError, UnsupportedHere
from boathook.events import AbandonedHookEnded, EventStream, HookFinished, HookOutput, HookStarted
from boathook.hooks import Deadline, HookTarget, run_hook
from boathook.model import Handler, HookResult, Outcome, Output, SeenBy, Stream
from boathook.runtimes.base import Exit
from tests.hooks.build import (
    TARGET,
    FakeTarget,
    a_hook,
    a_sleep,
    abandon_after,
    an_exec,
    kill_after,
    simulated,
)

MISSING = CouldNotStart('cannot start "nope": not found')


async def ran(
    events: EventStream,
    against: HookTarget,
    *,
    handler: Handler | None = None,
    deadline: Deadline | None = None,
) -> HookResult:
    return await run_hook(a_hook(handler), TARGET, against, deadline=deadline, events=events, clock=LoopClock())


@pytest.mark.parametrize(
    ("target", "outcome", "code", "reason"),
    [
        (FakeTarget(), Outcome.SUCCEEDED, 0, None),
        (FakeTarget(exit=Exit(code=1, signal=None)), Outcome.FAILED, 1, "exited with code 1"),
        (FakeTarget(exit=Exit(code=137, signal=9)), Outcome.FAILED, 137, "killed by SIGKILL"),
        (FakeTarget(refuses=MISSING), Outcome.COULD_NOT_START, None, 'cannot start "nope": not found'),
        (FakeTarget(refuses=NotRunning("it has ended")), Outcome.COULD_NOT_START, None, "it has ended"),
        (FakeTarget(refuses=UnsupportedHere("no such user")), Outcome.COULD_NOT_START, None, "no such user"),
        (FakeTarget(seconds=5), Outcome.TIMED_OUT, None, "timed out after 2s"),
        (
            FakeTarget(exit=Exit(code=None, signal=None)),
            Outcome.UNKNOWN,
            None,
            "the connection broke before a status came",
        ),
        (FakeTarget(refuses=PlaceError("the spawner is gone")), Outcome.UNKNOWN, None, "the spawner is gone"),
    ],
)
def test_each_way_to_end_is_the_right_outcome(
    target: FakeTarget, outcome: Outcome, code: int | None, reason: str | None
) -> None:
    result, _ = simulated(lambda events: ran(events, target, deadline=kill_after(2)))

    assert (result.outcome, result.exit_code, result.reason) == (outcome, code, reason)


def test_a_cancelled_hook_is_ended_emits_its_event_and_the_cancellation_goes_on() -> None:
    target = FakeTarget(seconds=60)

    async def act(events: EventStream) -> bool:
        with anyio.move_on_after(1) as scope:
            await ran(events, target)
        return scope.cancelled_caught

    cancelled, events = simulated(act)

    assert cancelled
    assert target.executions[0].killed
    assert [event.result.outcome for event in events if isinstance(event, HookFinished)] == [Outcome.CANCELLED]


@pytest.mark.behaviour("deps:8")
def test_at_its_deadline_a_hook_is_killed_and_what_it_wrote_so_far_is_kept() -> None:
    target = FakeTarget(seconds=5, output=((Stream.STDOUT, b"half way"),))

    result, _ = simulated(lambda events: ran(events, target, deadline=kill_after(1)))

    assert target.executions[0].killed
    assert result.stdout == Output(text="half way", total_bytes=8, omitted_bytes=0)
    assert result.duration == timedelta(seconds=1)


def test_an_abandoned_hook_runs_on_and_its_end_is_told_later() -> None:
    target = FakeTarget(seconds=5)

    async def act(events: EventStream) -> HookResult:
        results: list[HookResult] = []
        async with anyio.create_task_group() as abandoned:
            results.append(
                await run_hook(
                    a_hook(),
                    TARGET,
                    target,
                    deadline=abandon_after(2),
                    events=events,
                    clock=LoopClock(),
                    abandoned=abandoned,
                )
            )
        return results[0]

    result, events = simulated(act)

    assert result.outcome is Outcome.TIMED_OUT
    assert result.duration == timedelta(seconds=2)
    assert not target.executions[0].killed
    assert events[-1] == AbandonedHookEnded(target=TARGET, hook=a_hook(), exit_code=0, signal=None)


def test_what_is_left_of_the_budget_is_in_the_result() -> None:
    result, events = simulated(lambda events: ran(events, FakeTarget(seconds=10), deadline=abandon_after(60)))

    assert result.budget_left == timedelta(seconds=50)
    assert isinstance(events[0], HookStarted)
    assert events[0].budget == timedelta(seconds=60)


def test_without_a_deadline_nothing_counts() -> None:
    result, _ = simulated(lambda events: ran(events, FakeTarget(seconds=3600)))

    assert result.succeeded
    assert result.budget_left is None


def test_a_sleep_needs_no_target_and_is_cut_at_its_deadline() -> None:
    whole, _ = simulated(lambda events: ran(events, None, handler=a_sleep(3)))
    cut, _ = simulated(lambda events: ran(events, None, handler=a_sleep(30), deadline=kill_after(2)))

    assert (whole.outcome, whole.duration) == (Outcome.SUCCEEDED, timedelta(seconds=3))
    assert (cut.outcome, cut.duration) == (Outcome.TIMED_OUT, timedelta(seconds=2))


def test_output_comes_as_events_between_start_and_end() -> None:
    target = FakeTarget(output=((Stream.STDOUT, b"one\n"), (Stream.STDERR, b"two\n")))

    result, events = simulated(lambda events: ran(events, target))

    assert [type(event) for event in events] == [HookStarted, HookOutput, HookOutput, HookFinished]
    assert [(e.stream, e.text) for e in events if isinstance(e, HookOutput)] == [
        (Stream.STDOUT, "one\n"),
        (Stream.STDERR, "two\n"),
    ]
    assert result.seen_by is SeenBy.RUN


def test_a_target_without_the_ability_is_a_bug_and_still_ends_in_the_record() -> None:
    heard: list[object] = []

    async def act(events: EventStream) -> None:
        with events.listening(lambda stamped: heard.append(stamped.event)), pytest.raises(TypeError):
            await ran(events, None, handler=an_exec("true"))

    simulated(act)

    assert [type(event) for event in heard] == [HookStarted, HookFinished]


def test_a_place_that_cannot_kill_is_said_in_the_reason() -> None:
    target = FakeTarget(seconds=9, cannot_kill=PlaceError("the spawner is gone"))

    result, _ = simulated(lambda events: ran(events, target, deadline=kill_after(1)))

    assert result.reason == "timed out after 1s, and it could not be ended: the spawner is gone"
