"""Old runs are deleted, and never one that somebody still needs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.clock import SystemClock
from boathook.events import EventStream, RunFinished
from boathook.home import Home
from boathook.hooks import run_hook
from boathook.journal import Journal, SqliteObligations
from boathook.journal import retention as r
from boathook.journal.database import connect
from boathook.journal.history import events_of, past_runs
from boathook.journal.obligations import ObligationState
from tests.hooks.build import FakeTarget, a_hook
from tests.journal.build import TARGET

pytestmark = pytest.mark.anyio

NOW = SystemClock().now()
"""A run that begins looks at the true time."""


async def a_run(
    home: Home, *, age: timedelta, command: str = "pod run x.yaml", debt: ObligationState | None = None
) -> str:
    """A run with a hook that began so long before NOW; its id. ``debt``: of one that it has made."""
    async with Journal.open(home) as journal:
        run = await journal.begin(command=command, title="x")
        events = EventStream()
        with events.listening(run.listener):
            await run_hook(a_hook(), TARGET, FakeTarget(), deadline=None, events=events, clock=SystemClock())
            events.emit(RunFinished(succeeded=True, message=""))
        if debt is not None:
            obligations = SqliteObligations(journal, run.id)
            owed = await obligations.open(kind="pods.stop", target=TARGET, description="stop it", payload={})
            if debt is not ObligationState.OPEN:
                await obligations.settle(owed.id, debt, "done")
    connection = connect(home)
    connection.execute("UPDATE runs SET began = ? WHERE id = ?", ((NOW - age).isoformat(), run.id))
    connection.close()
    return run.id


def rows(home: Home, table: str) -> int:
    connection = connect(home)
    try:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def kept(home: Home) -> list[str]:
    return [run.id for run in past_runs(home, limit=None)]


async def test_runs_past_an_age_go_with_their_events_and_results(home: Home) -> None:
    young = await a_run(home, age=timedelta(days=29))
    await a_run(home, age=timedelta(days=31))
    of_one = rows(home, "events") // 2

    pruned = r.prune_runs(home, r.Retention(age=timedelta(days=30), count=None), NOW)

    assert kept(home) == [young]
    assert (len(pruned.runs), pruned.events, pruned.hook_results, pruned.needed) == (1, of_one, 2, 0)
    assert rows(home, "events") == len(events_of(home, young)) == of_one
    assert rows(home, "hook_results") == 2


async def test_the_newest_are_kept(home: Home) -> None:
    runs = [await a_run(home, age=timedelta(hours=hours)) for hours in (4, 1, 3, 2)]

    r.prune_runs(home, r.Retention(age=None, count=2), NOW)

    assert kept(home) == [runs[1], runs[3]]


async def test_a_dry_run_deletes_nothing(home: Home) -> None:
    old = await a_run(home, age=timedelta(days=99))

    pruned = r.prune_runs(home, r.DEFAULT, NOW, dry_run=True)

    assert pruned.runs == (old,)
    assert kept(home) == [old]


@pytest.mark.parametrize("state", [ObligationState.OPEN, ObligationState.FAILED])
async def test_a_run_of_which_something_is_owed_stays(home: Home, state: ObligationState) -> None:
    old = await a_run(home, age=timedelta(days=99), debt=state)

    pruned = r.prune_runs(home, r.Retention(age=None, count=0), NOW)

    assert kept(home) == [old]
    assert (pruned.runs, pruned.needed) == ((), 1)
    assert rows(home, "obligations") == 1


async def test_what_is_settled_goes_with_its_run(home: Home) -> None:
    await a_run(home, age=timedelta(days=99), debt=ObligationState.MET)

    r.prune_runs(home, r.DEFAULT, NOW)

    assert rows(home, "obligations") == 0


async def test_a_run_that_goes_on_stays(home: Home) -> None:
    async with Journal.open(home) as journal:
        run = await journal.begin(command="pod run -d x.yaml", title="x")
        await SqliteObligations(journal, run.id).owed()

        pruned = r.prune_runs(home, r.Retention(age=None, count=0), SystemClock().now() + timedelta(days=1))

        assert (pruned.runs, pruned.needed) == ((), 1)
        assert kept(home) == [run.id]


async def test_without_a_journal_nothing_is_made(home: Home) -> None:
    assert r.prune_runs(home, r.DEFAULT, NOW).runs == ()
    assert not home.journal.exists()


async def test_a_run_that_begins_deletes_what_is_past_the_default(home: Home) -> None:
    old = await a_run(home, age=timedelta(days=3650))

    async with Journal.open(home) as journal:
        new = await journal.begin(command="pod run x.yaml", title="x")

    assert old not in kept(home)
    assert new.id in kept(home)


async def test_the_default_is_passed_a_little_before_anything_is_done(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(r, "DEFAULT", r.Retention(age=timedelta(days=30), count=2))
    monkeypatch.setattr(r, "SLACK_COUNT", 2)
    for hours in (4, 3, 2, 1):
        await a_run(home, age=timedelta(hours=hours))
    connection = connect(home)

    r.prune_by_default(NOW, connection)
    before = len(kept(home))
    connection.execute(
        "INSERT INTO runs SELECT 'x', command, title, began, owner, ended, state, message FROM runs LIMIT 1"
    )
    r.prune_by_default(NOW, connection)
    connection.close()

    assert (before, len(kept(home))) == (4, 2)


async def test_the_file_gets_smaller(home: Home) -> None:
    await a_run(home, age=timedelta(days=99))
    connection = connect(home)
    connection.execute("UPDATE events SET event = ?", ("x" * 2_000_000,))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    before = home.journal.stat().st_size

    r.prune_runs(home, r.DEFAULT, NOW)

    assert home.journal.stat().st_size < before / 4


async def test_the_supervisors_own_run_is_kept_without_a_word(home: Home) -> None:
    async with Journal.open(home) as journal:
        run = await journal.begin(command="supervisor", title="")
        await SqliteObligations(journal, run.id).owed()

        pruned = r.prune_runs(home, r.Retention(age=None, count=0), SystemClock().now() + timedelta(days=1))

        assert (pruned.runs, pruned.needed) == ((), 0)
        assert kept(home) == [run.id]
