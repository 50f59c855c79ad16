"""``boathook history`` lists past runs, ``boathook show`` one of them, with the output of its hooks."""

from __future__ import annotations

import json
import os
import re
import signal

import anyio
import pytest
from click.testing import CliRunner, Result

from boathook.cli.main import main
from boathook.events import EventStream, HookOutput, HookStarted, RunFinished, RunStarted
from boathook.home import Home
from boathook.hooks import HookTarget, run_hook
from boathook.journal.history import past_runs
from boathook.model import Stream
from tests.hooks.build import FakeTarget, a_hook, an_exec
from tests.journal.build import TARGET, a_child, a_context, ended

HALF_A_HOOK = """
import anyio
from tests.cli.test_history import half_a_hook

anyio.run(half_a_hook, home)
"""


def boathook(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def a_past_run(home: Home, *, against: HookTarget | None = None, command: str = "pod run pod.yaml") -> str:
    """A run with one hook in the journal; its id."""

    async def scene() -> None:
        async with a_context(home, command=command) as context:
            events: EventStream = context.events
            events.emit(RunStarted(title="prestop-pod", command=command, place="local/bwrap", facts=("grace 60s",)))
            hook = a_hook(an_exec("sh", "-c", "date"))
            await run_hook(hook, TARGET, against or FakeTarget(), deadline=None, events=events, clock=context.clock)
            events.emit(RunFinished(succeeded=True, message="PreStop hook executed successfully"))

    anyio.run(scene)
    return past_runs(home, limit=1)[0].id


async def half_a_hook(home: Home) -> None:
    """Dies while a hook runs."""
    async with a_context(home, command="backup create daily") as context:
        context.events.emit(HookStarted(target=TARGET, hook=a_hook(), budget=None))
        context.events.emit(HookOutput(target=TARGET, hook=a_hook(), stream=Stream.STDOUT, text="freezing\n"))
        await context.obligations.owed()
        os.kill(os.getpid(), signal.SIGKILL)


def test_history_is_a_table_of_runs(home: Home) -> None:
    run = a_past_run(home)

    shown = boathook("history")

    assert shown.exit_code == 0
    heading, row = shown.stdout.splitlines()
    assert heading.split() == ["RUN", "WHEN", "COMMAND", "TITLE", "RESULT", "DURATION", "HOOKS"]
    assert re.fullmatch(
        rf"{run}   \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d   pod run pod\.yaml   a test   succeeded   \d\.\d+s +1", row
    )


def test_history_without_any_run_is_the_heading_only(home: Home) -> None:
    assert boathook("history").stdout.split() == ["RUN", "WHEN", "COMMAND", "TITLE", "RESULT", "DURATION", "HOOKS"]
    assert json.loads(boathook("history", "-o", "json").stdout) == []


def test_history_as_json_has_the_same_facts(home: Home) -> None:
    run = a_past_run(home)

    (shown,) = json.loads(boathook("history", "-o", "json", "--limit", "1").stdout)

    assert (shown["run"], shown["result"], shown["hooks"]) == (run, "succeeded", 1)


def test_show_is_the_timeline_with_the_whole_output(home: Home) -> None:
    lines = "".join(f"line {number}\n" for number in range(40))
    run = a_past_run(home, against=FakeTarget(output=((Stream.STDOUT, lines.encode()),)))

    shown = boathook("show", run[:5])

    assert shown.exit_code == 0
    assert f"run {run}, pod run pod.yaml" in shown.stdout
    assert "prestop-pod  local/bwrap  grace 60s\n" in shown.stdout
    assert "exit 0 after" in shown.stdout
    assert "| line 39\n" in shown.stdout


def test_show_as_json_has_every_event(home: Home) -> None:
    run = a_past_run(home)

    shown = json.loads(boathook("show", run, "-o", "json").stdout)

    assert [one["event"]["type"] for one in shown["events"]] == [
        "RunStarted",
        "HookStarted",
        "HookFinished",
        "RunFinished",
    ]


def test_of_a_killed_run_what_its_hook_had_written_is_shown(home: Home) -> None:
    assert ended(a_child(HALF_A_HOOK, home)) == -9

    (run,) = past_runs(home, limit=None)
    shown = boathook("show", run.id)

    assert "interrupted (killed)" in boathook("history").stdout
    assert "preStop of default/db/app: started, and nobody saw it end\n  | freezing\n" in shown.stdout


@pytest.mark.parametrize("wanted", ["nope", ""])
def test_an_unknown_run_is_said_and_how_to_find_one(home: Home, wanted: str) -> None:
    shown = boathook("show", wanted)

    assert shown.exit_code == 1
    assert shown.stderr == f'error: no run "{wanted}"\nhint: boathook history lists them\n'
