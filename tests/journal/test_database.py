"""The journal's file is whole or not there, and an older one is brought up to date."""

from __future__ import annotations

import sqlite3

import pytest

from boathook.home import Home
from boathook.journal import database
from boathook.journal.database import connect
from tests.journal.build import a_child, ended

CONNECTS = """
from boathook.journal.database import connect
print("ready", flush=True)
input()
connection = connect(home)
print(connection.execute("SELECT count(*) FROM runs").fetchone()[0])
connection.close()
"""


def test_several_processes_that_find_none_make_one(home: Home) -> None:
    children = [a_child(CONNECTS, home) for _ in range(4)]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()

    assert [ended(child) for child in children] == [0, 0, 0, 0]


def test_nothing_but_the_file_is_left_of_making_it(home: Home) -> None:
    connect(home).close()

    assert sorted(path.name for path in home.path.iterdir()) == ["journal.db", "locks"]


def test_what_a_kill_left_of_making_it_is_removed(home: Home) -> None:
    (home.path / ".journal.db.new").write_bytes(b"half")
    (home.path / ".journal.db.new-wal").write_bytes(b"half")

    connect(home).close()

    assert sorted(path.name for path in home.path.iterdir()) == ["journal.db", "locks"]


def test_an_older_schema_is_migrated_and_what_it_holds_stays(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect(home)
    connection.execute("INSERT INTO runs (id, command, title, began, owner) VALUES ('r', 'c', 't', 'b', '{}')")
    connection.close()
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, "ALTER TABLE runs ADD COLUMN note TEXT;"))

    connection = connect(home)

    assert connection.execute("SELECT id, note FROM runs").fetchall() == [("r", None)]
    assert connection.execute("PRAGMA user_version").fetchone() == (len(database.MIGRATIONS),)
    connection.close()


def test_it_is_written_ahead_and_synced_at_every_commit(home: Home) -> None:
    connection: sqlite3.Connection = connect(home)

    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    connection.close()
