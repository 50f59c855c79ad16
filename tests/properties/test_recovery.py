"""Whatever moment a process is killed at, what it owed is settled afterwards and the journal is whole."""

from __future__ import annotations

import sqlite3

import anyio
import pytest

from boathook.home import Home
from boathook.journal import Obligation, ObligationState, Settled, recover
from boathook.journal.history import KILLED, past_runs
from boathook.runtimes.sweep import sweep
from tests.journal.build import a_context
from tests.properties import containers
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


@pytest.mark.slow
@pytest.mark.runtime
def test_killed_with_its_container_at_every_event_the_volume_is_thawed_and_nothing_is_left(home: Home) -> None:
    moments = []
    for moment in until_it_ends(home, "call", "tests.properties.containers:backup"):
        moments.append(moment)
        results, owed = anyio.run(recovered_in_containers, home)
        sweep(home)

        assert [settled.state for _, settled in results] == [ObligationState.MET] * len(results)
        assert owed == 0
        assert list(containers.the_volume(home).iterdir()) == []
        assert list(home.containers.iterdir()) == []

    # The debt and its end; two hooks with start and end, the second with output.
    assert moments == list(range(1, 8))


async def recovered_in_containers(home: Home) -> tuple[list[tuple[Obligation, Settled]], int]:
    async with a_context(home, command="recover") as context, containers.the_runtime(home) as runtime:
        results = await recover(context, runtime, containers.SETTLERS)
        return results, len(await context.obligations.owed())


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
