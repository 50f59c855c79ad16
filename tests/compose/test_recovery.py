"""Killed at any moment, a project leaves nothing owed and nothing running once ``recover`` has been there."""

from __future__ import annotations

import anyio
import pytest

from boathook.clock import SystemClock
from boathook.compose.embedded.place import EmbeddedPlace
from boathook.compose.recovery import SETTLERS, settle_project
from boathook.events import EventStream
from boathook.home import Home
from boathook.journal import Context, Journal, SqliteObligations, recover
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from boathook.runtimes.sweep import sweep
from tests.compose.build import backend_images
from tests.compose.crash import VOLUME
from tests.properties.killed import until_it_ends

pytestmark = [pytest.mark.runtime, pytest.mark.slow]


def test_killed_at_every_event_nothing_stays_owed_and_nothing_is_left(home: Home) -> None:
    backup = home.volumes / VOLUME / "data" / "app.db.bak"
    owed = []
    for _moment in until_it_ends(home, "call", "tests.compose.crash:up_and_down"):
        backup.unlink(missing_ok=True)

        settled = anyio.run(settle_all, home)
        sweep(home)

        owed.append(settled)
        assert anyio.run(still_owed, home) == 0
        assert list(home.containers.iterdir()) == []
        assert backup.exists() == (settled > 0), "an owed pre_stop is run again, and nothing else is"

    # From the debt's being opened to the hook's end: the opening itself, the hook's start, and its end.
    assert sum(owed) == 3


async def settle_all(home: Home) -> int:
    async with Journal.open(home) as journal, BubblewrapRuntime(home, images=backend_images(home)) as runtime:
        run = await journal.begin(command="recover", title="recover")
        context = Context(events=EventStream(), clock=SystemClock(), obligations=SqliteObligations(journal, run.id))
        before = len(await context.obligations.owed())
        await recover(context, runtime, SETTLERS)
        await settle_project("demo", context, EmbeddedPlace(runtime))
        return before


async def still_owed(home: Home) -> int:
    async with Journal.open(home) as journal:
        return len(await SqliteObligations(journal, "none").owed())
