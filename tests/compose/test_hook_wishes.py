"""Time limits of hooks, failures that are gone on after, hooks that are left out, and failures that are remembered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from boathook.clock import LoopClock, run_virtual
from boathook.compose.options import HookWishes
from boathook.compose.place import Status
from boathook.compose.remembered import HeardPast, unfinished
from boathook.events import ContainerStarted, EventStream, Stamped
from boathook.hooks import run_hook
from boathook.model import Hook, HookPoint, OnFailure
from boathook.runtimes.base import ContainerId, Exit
from tests.compose.build import (
    after,
    down_with,
    failing,
    live,
    restart_with,
    stop,
    stop_with,
    takes,
    up,
    up_with,
    within,
)
from tests.hooks.build import FakeTarget, a_hook
from tests.journal.build import TARGET

ONE = "services: {app: {image: app, %s: [{command: x%s}, {command: y}]}}"


def one(point: str, wish: str = "") -> str:
    return ONE % (point, f", x-boathook: {{{wish}}}" if wish else "")


def test_a_hook_that_outlasts_its_limit_is_killed_and_has_failed() -> None:
    lived = live(one("post_start", "timeout: 5s"), up, assume=(takes("post_start", "app", 60),))

    assert str(lived.error) == "app hook timed out after 5s"
    assert lived.at("app-1 post_start[0] timed_out") == 5
    assert lived.left == {"app-1": Status.RUNNING}


def test_the_commands_limit_counts_where_the_file_sets_none() -> None:
    wish = HookWishes(timeout=timedelta(seconds=2))

    lived = live(one("post_start"), up_with(hooks=wish), assume=(takes("post_start", "app", 60),))

    assert str(lived.error) == "app hook timed out after 2s"

    lived = live(one("post_start", "timeout: 5s"), up_with(hooks=wish), assume=(takes("post_start", "app", 4),))

    assert lived.at("app-1 post_start[1] timed_out") == 6


@pytest.mark.parametrize("point", ["post_start", "pre_start"])
def test_a_failure_that_is_gone_on_after_is_said_and_the_next_hook_runs(point: str) -> None:
    lived = live(
        one(point, "on_failure: continue"), up_with(hooks=HookWishes()), assume=(takes(point, "app", 0, exit_code=3),)
    )

    assert lived.only(f"{point}[1] begins") == [f"app-1 {point}[1] begins"]
    assert "exited with" in lived.notes[0]
    assert lived.notes[0].endswith("; it is set to go on")


def test_a_hanging_pre_stop_need_not_hang_down() -> None:
    lived = live(
        one("pre_stop"),
        up,
        down_with(hooks=HookWishes(timeout=timedelta(seconds=30), on_failure=OnFailure.CONTINUE)),
        assume=(takes("pre_stop", "app", 86400),),
    )

    assert (lived.error, lived.left) == (None, {})
    assert lived.at("app-1 SIGTERM") == 60
    assert len(lived.notes) == 2


def test_what_the_file_says_of_a_hook_counts_more_than_what_the_command_wishes() -> None:
    wish = HookWishes(on_failure=OnFailure.CONTINUE)

    lived = live(
        one("pre_stop", "on_failure: abort"),
        up,
        stop_with(hooks=wish),
        assume=(takes("pre_stop", "app", 0, exit_code=3),),
    )

    assert str(lived.error) == "app hook exited with status 3"
    assert lived.left == {"app-1": Status.RUNNING}

    wish = HookWishes(on_failure=OnFailure.STOP)
    lived = live(
        one("pre_stop", "on_failure: continue"),
        up,
        stop_with(hooks=wish),
        assume=(takes("pre_stop", "app", 0, exit_code=3),),
    )

    assert lived.only("pre_stop[1] begins") == ["app-1 pre_stop[1] begins"]
    assert str(lived.error) == "app hook exited with status 3", "the second hook says nothing of its own"


def test_a_container_that_has_ended_meanwhile_is_stopped_whatever_a_failure_means() -> None:
    lived = live(
        one("pre_stop", "on_failure: continue"), up, stop, assume=(takes("pre_stop", "app", 5), takes("run", "app", 2))
    )

    assert lived.left == {"app-1": Status.EXITED}


def test_hooks_that_are_left_out_are_said_one_by_one() -> None:
    skip = HookWishes(skip=True)

    lived = live(
        "services: {app: {image: a, post_start: [{command: x}], pre_stop: [{command: y}, {command: z}]}}",
        up_with(hooks=skip),
        restart_with(hooks=skip),
        stop_with(hooks=skip),
    )

    assert not lived.has("begins")
    assert lived.left == {"app-1": Status.EXITED}
    assert lived.notes == [
        "post_start[0] of demo-app-1 was not run: --no-hooks",
        "pre_stop[0] of demo-app-1 was not run: --no-hooks",
        "pre_stop[1] of demo-app-1 was not run: --no-hooks",
        "post_start[0] of demo-app-1 was not run: --no-hooks",
        "pre_stop[0] of demo-app-1 was not run: --no-hooks",
        "pre_stop[1] of demo-app-1 was not run: --no-hooks",
    ]


THREE = "services: {app: {image: a, post_start: [{command: x}, {command: y}, {command: z}]}}"
UNFINISHED = "post_start[0], post_start[1], post_start[2] of demo-app-1 did not end well when it was started"
FAILS = (takes("post_start", "app", 1, exit_code=3),)


@pytest.mark.behaviour("compose:8")
def test_a_failed_post_start_is_remembered_and_said_but_not_run_again_unless_wished() -> None:
    lived = live(THREE, failing(up), up, assume=FAILS)

    assert (lived.error, lived.notes) == (None, [UNFINISHED])
    assert len(lived.times("app-1 post_start[0] begins")) == 1

    lived = live(THREE, failing(up), up_with(rerun_hooks=True), assume=FAILS)

    assert str(lived.error) == "app hook exited with status 3"
    assert len(lived.times("app-1 post_start[0] begins")) == 2


def test_an_interrupted_post_start_is_remembered_until_it_has_ended_well() -> None:
    lived = live(
        THREE, within(3, up), up, up_with(rerun_hooks=True), up, after(1), assume=(takes("post_start", "app", 2),)
    )

    assert lived.error is None
    assert lived.notes == ["post_start[1], post_start[2] of demo-app-1 did not end well when it was started"]
    assert len(lived.times("app-1 post_start[0] begins")) == 1
    assert len(lived.times("app-1 post_start[1] begins")) == 2


async def turn(hooks: tuple[Hook, ...], codes: tuple[int, ...], events: EventStream) -> None:
    for hook, code in zip(hooks, codes, strict=True):
        ends = FakeTarget(exit=Exit(code=code, signal=None))
        await run_hook(hook, TARGET, ends, deadline=None, events=events, clock=LoopClock())


@pytest.mark.parametrize(
    ("first", "again", "left"),
    [
        ((3, 0), (0,), ()),
        ((3, 0), (3,), ("first",)),
        ((0, 0), (3,), ()),
        ((0, 3), (0,), ("second",)),
    ],
)
def test_a_hook_that_is_run_again_by_itself_changes_nothing_for_the_others(
    first: tuple[int, ...], again: tuple[int, ...], left: tuple[str, ...]
) -> None:
    hooks = tuple(replace(a_hook(), point=HookPoint.POST_START, name=name) for name in ("first", "second"))
    heard: list[Stamped] = []

    async def lives() -> tuple[Hook, ...]:
        events = EventStream(clock=LoopClock())
        with events.listening(heard.append):
            events.emit(ContainerStarted(target=TARGET))
            await turn(hooks, first, events)
            await turn(hooks[:1], again, events)
        runs = await HeardPast(heard).runs([ContainerId(TARGET.instance)])
        return unfinished(hooks, runs[ContainerId(TARGET.instance)])

    assert tuple(hook.name for hook in run_virtual(lives)) == left


def test_a_failure_of_an_earlier_life_is_forgotten_with_it() -> None:
    lived = live(THREE, within(3, up), stop, up, up, assume=(takes("post_start", "app", 2),))

    assert (lived.error, lived.notes) == (None, [])
