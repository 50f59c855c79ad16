"""A project in the foreground, in virtual time: interrupts, exit codes, and what is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import pytest

from boathook.clock import run_virtual
from boathook.compose.attached import Attached, Cascade, Watch
from boathook.compose.options import UpOptions
from boathook.compose.project import ProjectWorker
from boathook.compose.showing.lines import HookLines, PrefixedLines
from boathook.errors import alone
from boathook.model import Stream
from boathook.runtimes.assumptions import Assumption
from tests.compose.build import Act, Lived, after, live, live_async, stop, takes, up

ONE = "services: {app: {image: a, post_start: [{command: hello}], pre_stop: [{command: bye}]}}"


@dataclass
class Foreground:
    """How an attached project ended."""

    lived: Lived
    code: int | None = None
    said: list[str] = field(default_factory=list)
    """What stands on the standard output: lines of containers and hooks, and what is told beside them."""
    complained: list[str] = field(default_factory=list)


def foreground(
    text: str,
    *assume: Assumption,
    interrupts: tuple[float, ...] = (),
    before: tuple[Act, ...] = (),
    beside: tuple[Act, ...] = (),
    services: tuple[str, ...] = (),
    outlived: bool = False,
    cascade: Cascade = Cascade.NOTHING,
    exit_code_from: str = "",
) -> Foreground:
    """Run a project attached; interrupt it at these seconds. ``beside``: what other commands do meanwhile."""
    result = Foreground(Lived([]))

    async def attach(worker: ProjectWorker) -> None:
        shown = frozenset(services) or worker.project.names
        attached = an_attached(worker, result, services=services, outlived=outlived)
        attached.watch = Watch(shown=shown, awaited=shown, cascade=cascade, exit_code_from=exit_code_from)
        with alone(), worker.context.events.listening(HookLines(attached.lines)), anyio.CancelScope() as scope:
            async with anyio.create_task_group() as running:
                running.start_soon(_interrupt, attached.interrupted, scope, interrupts)
                for act in beside:
                    running.start_soon(_do, act, worker)
                result.code = await attached.run(worker)
                running.cancel_scope.cancel()

    result.lived = run_virtual(live_async, text, (*before, attach), assume)
    return result


async def _do(act: Act, worker: ProjectWorker) -> None:
    await act(worker)


def an_attached(
    worker: ProjectWorker, result: Foreground, *, services: tuple[str, ...] = (), outlived: bool = False
) -> Attached:
    names = worker.project.names
    attached = Attached(
        options=UpOptions(services=services),
        watch=Watch(shown=names, awaited=names),
        lines=PrefixedLines(result.said.append),
        say=result.said.append,
        complain=result.complained.append,
        interrupted=anyio.Event(),
        holding=unheld,
        outlived=outlived,
    )
    worker.starting = attached.attach
    return attached


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
    assert ended.said == ["Attaching to app-1", "app-1 exited with code 7"]
    assert not ended.lived.has("pre_stop")


@pytest.mark.behaviour("compose:33")
def test_an_interrupt_runs_pre_stop_and_then_signals() -> None:
    ended = foreground(ONE, takes("pre_stop", "app", 2), interrupts=(5,))

    assert ended.code == 130
    assert ended.said == [
        "Attaching to app-1",
        "Gracefully Stopping... press Ctrl+C again to force",
        "app-1 exited with code 143",
    ]
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
    assert "app hook exited with status 4" in ended.complained
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
    assert ended.complained[0] == "app hook exited with status 3"
    assert ended.lived.has("app-1 pre_stop[0] succeeded")


def test_what_is_refused_before_anything_starts_is_raised() -> None:
    ended = Foreground(Lived([]))

    async def attach(worker: ProjectWorker) -> None:
        await an_attached(worker, ended, services=("zzz",)).run(worker)

    lived = live(ONE, attach)

    assert str(lived.error) == "no such service: zzz"
    assert ended.said == []


@pytest.mark.behaviour("compose:47")
def test_hook_output_is_shown_line_by_line_with_an_arrow() -> None:
    output = Assumption(
        point="post_start", name="app", duration=takes("", "", 0).duration, output="one\n\ntwo\rthree\nno end"
    )
    ended = foreground(ONE, output, takes("run", "app", 1))

    assert ended.said[1:-1] == [
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


def test_a_line_of_stderr_goes_to_stderr_and_one_of_a_hook_to_stdout() -> None:
    shown: list[str] = []
    complained: list[str] = []
    lines = PrefixedLines(shown.append, write_error=complained.append)

    lines.line("a-1", "x")
    lines.line("a-1", "y", stream=Stream.STDERR)

    assert (shown, complained) == (["a-1  | x"], ["a-1  | y"])


def test_each_container_has_a_colour_which_its_hooks_share() -> None:
    shown: list[str] = []
    lines = PrefixedLines(shown.append, colored=True)

    lines.line("a-1", "x")
    lines.line("b-1", "y")
    lines.line("a-1 ->", "z")
    lines.status("b-1", "exited with code 0")

    assert shown == [
        "\033[36ma-1  | \033[0mx",
        "\033[33mb-1  | \033[0my",
        "\033[36ma-1 ->  | \033[0mz",
        "\033[33mb-1 exited with code 0\033[0m",
    ]


TWO = "services: {app: {image: a, pre_stop: [{command: bye}]}, other: {image: b, pre_stop: [{command: bye}]}}"


@pytest.mark.behaviour("compose:49")
def test_with_abort_the_end_of_one_stops_the_others_with_their_hooks() -> None:
    ended = foreground(TWO, takes("run", "app", 3, exit_code=7), cascade=Cascade.ANY_EXIT, outlived=True)

    assert ended.code == 7
    assert ended.complained == ["Aborting on container exit..."]
    assert ended.lived.at("other-1 pre_stop[0] succeeded") == 3
    assert not ended.lived.has("app-1 pre_stop[0]")


@pytest.mark.behaviour("compose:49")
def test_with_exit_code_from_a_service_the_code_is_its_own_though_another_ended_first() -> None:
    ended = foreground(
        TWO, takes("run", "app", 3, exit_code=7), cascade=Cascade.ANY_EXIT, exit_code_from="other", outlived=True
    )

    assert ended.code == 143


def test_with_abort_on_failure_a_good_end_stops_nothing() -> None:
    ended = foreground(
        TWO,
        takes("run", "app", 3, exit_code=0),
        takes("run", "other", 8, exit_code=2),
        cascade=Cascade.FAILURE,
        outlived=True,
    )

    assert ended.code == 2
    assert not ended.lived.has("pre_stop")
    assert ended.lived.at("other-1 exited 2") == 8


def test_a_container_that_its_policy_starts_again_is_followed_until_it_does_no_more() -> None:
    text = "services: {app: {image: a, restart: 'on-failure:2'}}"

    ended = foreground(text, takes("run", "app", 3, exit_code=2))

    assert ended.code == 0
    assert ended.said == [
        "Attaching to app-1",
        "app-1 exited with code 2 (restarting)",
        "app-1 exited with code 2 (restarting)",
        "app-1 exited with code 2",
    ]


def test_where_containers_outlive_the_command_a_failing_hook_leaves_them_running() -> None:
    ended = foreground(ONE, takes("post_start", "app", 0, exit_code=3), outlived=True)

    assert ended.lived.error is not None
    assert str(ended.lived.error) == "app hook exited with status 3"
    assert {name: status.value for name, status in ended.lived.left.items()} == {"app-1": "running"}


@pytest.mark.behaviour("compose:35")
def test_where_containers_outlive_the_command_one_whose_pre_stop_fails_runs_on() -> None:
    ended = foreground(ONE, takes("pre_stop", "app", 1, exit_code=4), interrupts=(5,), outlived=True)

    assert ended.code == 130
    assert ended.complained == ["app hook exited with status 4"]
    assert {name: status.value for name, status in ended.lived.left.items()} == {"app-1": "running"}


@pytest.mark.behaviour("compose:34")
def test_a_second_interrupt_kills_also_where_containers_outlive_the_command() -> None:
    ended = foreground(ONE, takes("pre_stop", "app", 60), interrupts=(5, 6), outlived=True)

    assert ended.lived.at("app-1 exited 137") == 6


def test_an_interrupt_stops_what_was_named_and_leaves_what_it_needs_where_that_outlives_the_command() -> None:
    text = "services: {web: {image: w, depends_on: [db]}, db: {image: d}}"

    ended = foreground(text, interrupts=(5,), services=("web",), outlived=True)

    assert ended.said[0] == "Attaching to web-1"
    assert {name: status.value for name, status in ended.lived.left.items()} == {"db-1": "running", "web-1": "exited"}


def test_what_it_is_not_attached_to_is_stopped_with_its_hooks_where_nothing_outlives_the_command() -> None:
    text = "services: {web: {image: w, depends_on: [db]}, db: {image: d, pre_stop: [{command: bye}]}}"

    ended = foreground(text, takes("run", "web", 3), services=("web",))

    assert ended.code == 0
    assert ended.lived.at("db-1 pre_stop[0] succeeded") == 3


def test_containers_that_ran_before_are_attached_to_and_those_that_had_ended_start_again() -> None:
    ended = foreground(TWO, takes("run", "app", 3), before=(up, after(5)), interrupts=(9,), outlived=True)

    assert ended.said == [
        "Attaching to app-1, other-1",
        "app-1 exited with code 0",
        "Gracefully Stopping... press Ctrl+C again to force",
        "other-1 exited with code 143",
    ]


def test_a_project_that_another_command_stops_has_ended() -> None:
    async def stop_later(worker: ProjectWorker) -> None:
        await after(5)(worker)
        await stop(worker)

    ended = foreground(TWO, beside=(stop_later,))

    assert ended.code == 0
    assert ended.lived.at("app-1 pre_stop[0] succeeded") == 5


def test_a_container_that_another_command_adds_is_followed_as_well() -> None:
    async def scale_later(worker: ProjectWorker) -> None:
        await after(5)(worker)
        other = ProjectWorker(project=worker.project, place=worker.place, context=worker.context)
        await other.up(UpOptions(scale={"app": 2}))

    ended = foreground("services: {app: {image: a}}", takes("run", "app", 9), beside=(scale_later,))

    assert ended.code == 0
    assert ended.said == ["Attaching to app-1", "app-1 exited with code 0", "app-2 exited with code 0"]


@pytest.mark.behaviour("compose:47")
def test_a_container_with_a_name_of_its_own_is_called_by_it() -> None:
    text = "services: {app: {image: a, container_name: own, post_start: [{command: hello}]}}"

    ended = foreground(text, takes("post_start", "app", 0, output="hi"), takes("run", "app", 1))

    assert ended.said == ["Attaching to own", "own ->  | hi", "own exited with code 0"]


def test_the_output_of_pre_start_is_shown_under_its_service_and_its_number() -> None:
    text = "services: {app: {image: a, pre_start: [{command: a}, {command: b}]}}"

    ended = foreground(text, takes("pre_start", "app", 0, output="hi\n"), takes("run", "app", 1))

    assert ended.said == [
        "Attaching to app-1",
        "app pre_start[0] ->  | hi",
        "app pre_start[1] ->  | hi",
        "app-1 exited with code 0",
    ]
