"""Past runs are listed with how they ended, found by the beginning of their id, and read whole."""

from __future__ import annotations

import pytest

from boathook.errors import NotFound, UsageError
from boathook.events import HookStarted
from boathook.home import Home
from boathook.journal import Journal
from boathook.journal.history import KILLED, RUNNING, events_of, find_run, past_runs, without_end
from tests.hooks.build import a_hook
from tests.journal.build import TARGET, a_child, a_context, ended

pytestmark = pytest.mark.anyio

STARTS_A_HOOK_AND_DIES = """
import anyio, os, signal
from boathook.events import HookStarted
from tests.hooks.build import a_hook
from tests.journal.build import TARGET, a_context

async def main():
    async with a_context(home, command="pod run pod.yaml") as context:
        context.events.emit(HookStarted(target=TARGET, hook=a_hook(), budget=None))
        await context.obligations.owed()
        os.kill(os.getpid(), signal.SIGKILL)

anyio.run(main)
"""


async def test_without_a_journal_there_are_no_runs_and_none_is_made(home: Home) -> None:
    assert past_runs(home, limit=None) == ()
    assert not home.journal.exists()


@pytest.mark.behaviour("deps:31")
async def test_a_killed_run_is_interrupted_and_its_hook_has_a_start_without_an_end(home: Home) -> None:
    assert ended(a_child(STARTS_A_HOOK_AND_DIES, home)) == -9

    (run,) = past_runs(home, limit=None)

    assert (run.command, run.result, run.hooks, run.hooks_succeeded) == ("pod run pod.yaml", KILLED, 1, 0)
    assert without_end(events_of(home, run.id)) == (HookStarted(target=TARGET, hook=a_hook(), budget=None),)


async def test_a_run_that_goes_on_is_running(home: Home) -> None:
    async with a_context(home) as context:
        await context.obligations.owed()

        assert past_runs(home, limit=1)[0].result == RUNNING


async def test_the_newest_come_first_and_no_more_than_were_asked_for(home: Home) -> None:
    async with Journal.open(home) as journal:
        for command in ("one", "two", "three"):
            await journal.begin(command=command, title="")

    assert [run.command for run in past_runs(home, limit=2)] == ["three", "two"]


async def test_a_run_is_found_by_the_beginning_of_its_id(home: Home) -> None:
    async with Journal.open(home) as journal:
        runs = [await journal.begin(command="x", title="") for _ in range(40)]

    wanted = runs[0].id
    assert find_run(home, wanted).id == wanted
    assert find_run(home, wanted[:6]).id == wanted
    with pytest.raises(NotFound, match='no run "aaa"'):
        find_run(home, "aaa")
    ambiguous = next(run.id[0] for run in runs if sum(other.id[0] == run.id[0] for other in runs) > 1)
    with pytest.raises(UsageError, match=f'several runs begin with "{ambiguous}"'):
        find_run(home, ambiguous)
