"""Whatever moment a process is killed at, what it owed is settled afterwards and the journal is whole."""

from __future__ import annotations

import sqlite3

import anyio
import pytest

from boathook.home import Home
from boathook.journal import recover
from boathook.journal.history import KILLED, past_runs
from tests.journal.build import a_context
from tests.properties.freezing import KIND, FileTarget, settle
from tests.properties.killed import until_it_ends


@pytest.mark.slow
@pytest.mark.behaviour("deps:31")
def test_killed_at_every_event_nothing_stays_owed_after_recover(home: Home) -> None:
    moments = []
    for moment in until_it_ends(home, "call", "tests.properties.freezing:backup"):
        moments.append(moment)
        # What was queued last may be lost with the process, at the first event the run itself; a debt never is.
        assert all(run.result == KILLED for run in past_runs(home, limit=1))

        assert anyio.run(owed_after_recovery, home) == 0
        assert not FileTarget(home).frozen.exists()
        assert is_whole(home)

    # Two freezes and two thaws with their starts, outputs and ends, two debts and their ends, and the run's own two.
    assert moments == list(range(1, 19))


async def owed_after_recovery(home: Home) -> int:
    async with a_context(home, command="recover") as context:
        await recover(context, home, {KIND: settle})
        return len(await context.obligations.owed())


def is_whole(home: Home) -> bool:
    connection = sqlite3.connect(home.journal)
    try:
        return list(connection.execute("PRAGMA integrity_check")) == [("ok",)]
    finally:
        connection.close()
