"""The writing thread: in order, together, errors to whoever waits, and nothing left when it is closed."""

from __future__ import annotations

import sqlite3
import threading
from functools import partial

import anyio
import pytest

from boathook.errors import JournalError
from boathook.home import Home
from boathook.journal.writer import BATCH, Writer

pytestmark = pytest.mark.anyio


def note(text: str, connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO runs (id, command, title, began, owner) VALUES (?, '', '', ?, '{}')", (text, f"{len(text):05}")
    )


def noted(connection: sqlite3.Connection) -> int:
    count: int = connection.execute("SELECT count(*) FROM runs").fetchone()[0]
    return count


async def test_what_was_put_before_is_written_before(home: Home) -> None:
    writer = Writer(home)
    await writer.open()
    for number in range(BATCH + 500):
        writer.put(partial(note, f"run {number}"))

    assert await writer.submit(noted) == BATCH + 500
    await writer.close()


async def test_closing_writes_what_still_waits_and_ends_the_thread(home: Home) -> None:
    before = threading.active_count()
    writer = Writer(home)
    await writer.open()
    for number in range(100):
        writer.put(partial(note, f"run {number}"))
    await writer.close()

    connection = sqlite3.connect(home.journal)
    assert noted(connection) == 100
    connection.close()
    assert threading.active_count() == before


async def test_who_waits_for_a_write_that_fails_is_told_and_the_others_are_written(home: Home) -> None:
    writer = Writer(home)
    await writer.open()
    writer.put(partial(note, "one"))
    with pytest.raises(JournalError, match=r"cannot write to the journal .*: UNIQUE constraint failed"):
        await writer.submit(partial(note, "one"))
    writer.put(partial(note, "two"))

    assert await writer.submit(noted) == 2
    await writer.close()


async def test_a_cancelled_write_is_still_waited_for(home: Home) -> None:
    writer = Writer(home)
    await writer.open()
    written = False
    with anyio.CancelScope() as scope:
        scope.cancel()
        await writer.submit(partial(note, "one"))
        written = True

    assert written
    await writer.close()


async def test_where_no_journal_can_be_made_opening_says_why(home: Home) -> None:
    home.journal.mkdir()

    with pytest.raises(JournalError, match=r"cannot open the journal .*: unable to open database file"):
        await Writer(home).open()
