"""The journal keeps what it has acknowledged, whoever is killed, and takes several writers at once."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat

import anyio
import pytest

from boathook.clock import VIRTUAL_EPOCH
from boathook.errors import JournalError
from boathook.events import ContainerStarted, EventStream, HookStarted, RunFinished, Stamped
from boathook.home import Home
from boathook.journal import Journal, ObligationState, SqliteObligations
from boathook.journal.database import MIGRATIONS
from boathook.journal.history import KILLED, events_of, past_runs
from boathook.journal.store import Run
from tests.hooks.build import a_hook
from tests.journal.build import TARGET, a_child, a_context, ended

pytestmark = pytest.mark.anyio

APPENDS_UNTIL_KILLED = """
import anyio, sys
from boathook.events import ContainerStarted, EventStream
from boathook.journal import Journal
from tests.journal.build import TARGET

async def main():
    events = EventStream()
    async with Journal.open(home) as journal:
        run = await journal.begin(command="append", title="until killed")
        with events.listening(run.listener):
            for number in range(1, 1001):
                events.emit(ContainerStarted(target=TARGET))
                if number % 20 == 0:
                    await journal.writer.submit(lambda connection: None)
                    print(number, flush=True)
            sys.stdin.read()

anyio.run(main)
"""

APPENDS = """
import anyio
from boathook.events import ContainerStarted, EventStream
from boathook.journal import Journal
from tests.journal.build import TARGET

async def main():
    events = EventStream()
    async with Journal.open(home) as journal:
        run = await journal.begin(command="append", title="at once")
        with events.listening(run.listener):
            for _ in range(300):
                events.emit(ContainerStarted(target=TARGET))
                await journal.writer.submit(lambda connection: None)

anyio.run(main)
"""


def rows(home: Home, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(home.journal)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def test_events_come_back_in_order_with_their_times(home: Home) -> None:
    async with a_context(home) as context:
        heard: list[Stamped] = []
        with context.events.listening(heard.append):
            context.events.emit(ContainerStarted(target=TARGET))
            context.events.emit(HookStarted(target=TARGET, hook=a_hook(), budget=None))

    assert list(events_of(home, past_runs(home, limit=1)[0].id)) == heard


async def test_the_file_is_for_its_owner_only(home: Home) -> None:
    async with a_context(home):
        for path in home.path.glob("journal.db*"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


async def test_a_run_that_finished_says_how_and_one_that_did_not_is_done(home: Home) -> None:
    async with a_context(home, command="first") as context:
        context.events.emit(RunFinished(succeeded=True, message="executed"))
    async with a_context(home, command="second"):
        pass

    assert [(run.command, run.result, run.message) for run in past_runs(home, limit=None)] == [
        ("second", "done", ""),
        ("first", "succeeded", "executed"),
    ]


async def test_a_run_that_failed_or_was_interrupted_says_so(home: Home) -> None:
    with pytest.raises(JournalError):
        async with a_context(home):
            raise JournalError("no space")
    with anyio.move_on_after(0):
        async with a_context(home):
            await anyio.sleep_forever()

    assert [(run.result, run.message) for run in past_runs(home, limit=None)] == [
        ("interrupted", "interrupted"),
        ("failed", "no space"),
    ]


@pytest.mark.behaviour("deps:31")
async def test_killed_during_a_thousand_appends_every_acknowledged_one_is_stored(home: Home) -> None:
    child = a_child(APPENDS_UNTIL_KILLED, home)
    assert child.stdout is not None
    acknowledged = 0
    while acknowledged < 500:
        acknowledged = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    rest, _ = child.communicate(timeout=60)
    acknowledged = int(rest.split()[-1]) if rest.split() else acknowledged

    (run,) = past_runs(home, limit=None)
    stored = events_of(home, run.id)

    assert child.returncode == -signal.SIGKILL
    assert run.result == KILLED
    assert len(stored) >= acknowledged
    assert [one.sequence for one in stored] == list(range(1, len(stored) + 1))
    assert rows(home, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.behaviour("deps:32")
async def test_two_processes_append_at_once(home: Home) -> None:
    first, second = a_child(APPENDS, home), a_child(APPENDS, home)

    assert (ended(first), ended(second)) == (0, 0)
    assert [len(events_of(home, run.id)) for run in past_runs(home, limit=None)] == [300, 300]


async def test_a_hook_without_an_end_has_a_start_row_only(home: Home) -> None:
    async with a_context(home) as context:
        context.events.emit(HookStarted(target=TARGET, hook=a_hook(), budget=None))

    assert rows(home, "SELECT what, target, hook, point, outcome FROM hook_results") == [
        ("start", "default/db/app", "preStop", "pre_stop", None)
    ]


async def test_a_newer_journal_is_refused_with_what_to_do(home: Home) -> None:
    async with a_context(home):
        pass
    rows(home, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")

    with pytest.raises(JournalError, match="written by a newer version") as refused:
        async with a_context(home):
            pass
    assert refused.value.hint == "use the newer boathook, or another $BOATHOOK_HOME"


async def test_a_damaged_journal_is_refused(home: Home) -> None:
    home.journal.write_bytes(b"this is no database, whatever its name says" * 100)

    with pytest.raises(JournalError, match="file is not a database"):
        async with a_context(home):
            pass


async def test_a_write_that_cannot_be_made_harms_no_other(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    events = EventStream()
    async with Journal.open(home) as journal:
        run = await journal.begin(command="x", title="y")
        twice = Run(id=run.id, _writer=journal.writer)
        with events.listening(run.listener):
            events.emit(ContainerStarted(target=TARGET))
        twice.listener(Stamped(sequence=1, at=0.0, wall=VIRTUAL_EPOCH, event=ContainerStarted(target=TARGET)))
        with events.listening(run.listener):
            events.emit(ContainerStarted(target=TARGET))

    assert len(events_of(home, run.id)) == 2
    assert "cannot write to the journal" in caplog.text


async def test_text_that_is_no_unicode_is_kept_as_far_as_it_goes(home: Home) -> None:
    async with a_context(home, command=os.fsdecode(b"pod run \xff.yaml")):
        pass

    assert past_runs(home, limit=1)[0].command == "pod run ?.yaml"


async def test_an_obligation_is_on_the_disk_when_open_returns(home: Home) -> None:
    async with a_context(home) as context:
        debt = await context.obligations.open(kind="k", target=TARGET, description="run it", payload={"a": [1, None]})

        assert rows(home, "SELECT id, state FROM obligations") == [(debt.id, "open")]
        assert await context.obligations.owed() == (debt,)


async def test_what_is_settled_is_owed_no_more_and_what_failed_still_is(home: Home) -> None:
    async with a_context(home) as context:
        store = context.obligations
        met = await store.open(kind="k", target=TARGET, description="one", payload={})
        failed = await store.open(kind="k", target=TARGET, description="two", payload={})
        await store.settle(met.id, ObligationState.MET, "done")
        await store.settle(met.id, ObligationState.FAILED, "too late")
        await store.settle(failed.id, ObligationState.FAILED, "exit 1")

        owed = await store.owed()

    assert [(one.id, one.state, one.reason) for one in owed] == [(failed.id, ObligationState.FAILED, "exit 1")]


async def test_debts_are_found_by_kind_and_by_scope_whoever_owes_them(home: Home) -> None:
    async with a_context(home) as first, a_context(home) as second:
        await first.obligations.open(kind="a", target=TARGET, description="one", payload={})
        await second.obligations.open(kind="b", target=TARGET, description="two", payload={})

        assert [one.description for one in await second.obligations.owed()] == ["one", "two"]
        assert [one.description for one in await second.obligations.owed(kind="a")] == ["one"]
        assert await first.obligations.owed(scope="default/other") == ()


async def test_a_debt_is_orphaned_only_when_its_owner_is_gone(home: Home) -> None:
    async with a_context(home) as survivor:
        async with a_context(home) as other:
            debt = await other.obligations.open(kind="k", target=TARGET, description="run it", payload={})
            alive = survivor.obligations.is_orphaned(debt)

        assert (alive, survivor.obligations.is_orphaned(debt)) == (False, True)


async def test_what_its_owner_could_not_pay_is_for_anybody_to_settle(home: Home) -> None:
    async with a_context(home) as context:
        debt = await context.obligations.open(kind="k", target=TARGET, description="run it", payload={})
        await context.obligations.settle(debt.id, ObligationState.FAILED, "exited with code 1")

        (failed,) = await context.obligations.owed()
        assert context.obligations.is_orphaned(failed)


async def test_a_run_of_a_process_that_serves_many_is_finished_by_itself(home: Home) -> None:
    async with Journal.open(home) as journal:
        run = await journal.begin(command="pod stop", title="app")
        obligations = SqliteObligations(journal, run.id)
        await obligations.owed()
        before = past_runs(home, limit=1)[0].result
        journal.finish(run)
        await obligations.owed()

        assert (before, past_runs(home, limit=1)[0].result) == ("running", "done")
