"""A project in the foreground, in virtual time: interrupts, exit codes, and what is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest

from boathook.clock import run_virtual
from boathook.compose.attached import Attached
from boathook.compose.lines import HookLines, PrefixedLines
from boathook.compose.project import ProjectWorker
from boathook.runtimes.assumptions import Assumption
from tests.compose.build import Lived, live, live_async, takes

ONE = "services: {app: {image: a, post_start: [{command: hello}], pre_stop: [{command: bye}]}}"


@dataclass
class Foreground:
    """How an attached project ended."""

    lived: Lived
    code: int | None = None
    said: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)


def foreground(text: str, *assume: Assumption, interrupts: tuple[float, ...] = ()) -> Foreground:
    """Run a project attached; interrupt it at these seconds."""
    return run_virtual(_foreground, text, assume, interrupts)


async def _foreground(text: str, assume: tuple[Assumption, ...], interrupts: tuple[float, ...]) -> Foreground:
    result = Foreground(Lived([]))

    async def attach(worker: ProjectWorker) -> None:
        lines = PrefixedLines(result.shown.append)
        attached = Attached(
            worker=worker,
            lines=lines,
            say=result.said.append,
            interrupted=anyio.Event(),
            holding=unheld,
        )
        with worker.context.events.listening(HookLines(lines)), anyio.CancelScope() as scope:
            async with anyio.create_task_group() as running:
                running.start_soon(_interrupt, attached.interrupted, scope, interrupts)
                result.code = await attached.run()
                running.cancel_scope.cancel()

    result.lived = await live_async(text, (attach,), assume)
    return result


@asynccontextmanager
async def unheld() -> AsyncIterator[None]:
    """No other command is there that could hold the project."""
    yield


async def _interrupt(first: anyio.Event, scope: anyio.CancelScope, interrupts: tuple[float, ...]) -> None:
    """As the command does it: the first one asks, the second one cancels."""
    for number, at in enumerate(interrupts):
        await anyio.sleep(at - anyio.current_time())
        if number == 0:
            first.set()
        else:
            scope.cancel()


def test_it_ends_with_0_when_its_containers_have_ended_by_themselves() -> None:
    ended = foreground(ONE, takes("run", "app", 3, exit_code=7))

    assert ended.code == 0
    assert ended.said == ["app-1 exited with code 7"]
    assert not ended.lived.has("pre_stop")


@pytest.mark.behaviour("compose:33")
def test_an_interrupt_runs_pre_stop_and_then_signals() -> None:
    ended = foreground(ONE, takes("pre_stop", "app", 2), interrupts=(5,))

    assert ended.code == 130
    assert ended.said[0] == "Gracefully Stopping... press Ctrl+C again to force"
    assert [line for line in ended.lived.lines if not line.startswith("0s")] == [
        "5s app-1 pre_stop[0] begins",
        "7s app-1 pre_stop[0] succeeded",
        "7s app-1 SIGTERM",
        "7s app-1 exited 143",
        "7s app-1 Stopped",
    ]


@pytest.mark.behaviour("compose:34")
def test_a_second_interrupt_kills_at_once() -> None:
    ended = foreground(ONE, takes("pre_stop", "app", 60), interrupts=(5, 6))

    assert ended.code is None, "the command was cancelled"
    assert ended.lived.at("app-1 pre_stop[0] cancelled") == 6
    assert ended.lived.at("app-1 SIGKILL") == 6
    assert ended.lived.at("app-1 exited 137") == 6


@pytest.mark.behaviour("compose:35")
def test_a_failing_pre_stop_is_told_after_an_interrupt() -> None:
    ended = foreground(ONE, takes("pre_stop", "app", 1, exit_code=4), interrupts=(5,))

    assert ended.code == 130
    assert "app hook exited with status 4" in ended.said
    assert ended.lived.at("app-1 SIGKILL") == 6, "nothing of it outlives this process"


def test_an_interrupt_during_post_start_stops_what_runs_and_leaves_what_does_not() -> None:
    text = ONE.removesuffix("}") + ", b: {image: b, depends_on: [app]}}"
    ended = foreground(text, takes("post_start", "app", 60), interrupts=(5,))

    assert ended.code == 130
    assert ended.lived.at("app-1 post_start[0] cancelled") == 5
    assert ended.lived.at("app-1 pre_stop[0] succeeded") == 5
    assert not ended.lived.has("b-1 running")


@pytest.mark.behaviour("compose:7", "compose:57")
def test_a_failing_post_start_ends_it_with_1_and_stops_the_rest_gracefully() -> None:
    ended = foreground(ONE, takes("post_start", "app", 0, exit_code=3))

    assert ended.code == 1
    assert ended.said[0] == "app hook exited with status 3"
    assert ended.lived.has("app-1 pre_stop[0] succeeded")


def test_what_is_refused_before_anything_starts_is_raised() -> None:
    async def attach(worker: ProjectWorker) -> None:
        attached = Attached(
            worker=worker,
            lines=PrefixedLines(said.append),
            say=said.append,
            interrupted=anyio.Event(),
            holding=unheld,
        )
        await attached.run(["zzz"])

    said: list[str] = []
    lived = live(ONE, attach)

    assert str(lived.error) == "no such service: zzz"
    assert said == []


@pytest.mark.behaviour("compose:47")
def test_hook_output_is_shown_line_by_line_with_an_arrow() -> None:
    output = Assumption(
        point="post_start", name="app", duration=takes("", "", 0).duration, output="one\n\ntwo\rthree\nno end"
    )
    ended = foreground(ONE, output, takes("run", "app", 1))

    assert ended.shown == [
        "app-1 ->  | one",
        "app-1 ->  | ",
        "app-1 ->  | two\rthree",
        "app-1 ->  | no end",
    ]


def test_columns_grow_with_the_longest_name() -> None:
    shown: list[str] = []
    lines = PrefixedLines(shown.append, ("ab-1",))

    lines.line("ab-1", "x")
    lines.line("longer-1", "y")
    lines.line("ab-1", "z")

    assert shown == ["ab-1  | x", "longer-1  | y", "ab-1      | z"]
