"""The journal's file: made whole or not at all, brought to the present schema, opened so that several may write."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from boathook.errors import JournalError
from boathook.home import Home

BUSY_SECONDS = 10.0
"""How long one writer waits for another. A transaction here takes milliseconds."""

MIGRATIONS = (
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        command TEXT NOT NULL,
        title TEXT NOT NULL,
        began TEXT NOT NULL,
        owner TEXT NOT NULL,
        ended TEXT,
        state TEXT,
        message TEXT
    ) WITHOUT ROWID;
    CREATE INDEX runs_began ON runs (began);
    CREATE TABLE events (
        run TEXT NOT NULL REFERENCES runs (id),
        sequence INTEGER NOT NULL,
        at REAL NOT NULL,
        wall TEXT NOT NULL,
        version INTEGER NOT NULL,
        kind TEXT NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (run, sequence)
    ) WITHOUT ROWID;
    CREATE TABLE hook_results (
        run TEXT NOT NULL REFERENCES runs (id),
        sequence INTEGER NOT NULL,
        what TEXT NOT NULL CHECK (what IN ('start', 'end')),
        target TEXT NOT NULL,
        instance TEXT NOT NULL,
        hook TEXT NOT NULL,
        point TEXT NOT NULL,
        wall TEXT NOT NULL,
        outcome TEXT,
        exit_code INTEGER,
        signal INTEGER,
        seconds REAL,
        reason TEXT,
        PRIMARY KEY (run, sequence)
    ) WITHOUT ROWID;
    CREATE TABLE obligations (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        kind TEXT NOT NULL,
        scope TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        run TEXT NOT NULL,
        created TEXT NOT NULL,
        settled TEXT,
        obligation TEXT NOT NULL
    );
    CREATE INDEX obligations_state ON obligations (state);
    """,
)
"""Each brings the schema one version further; a journal's version is how many of them it has seen."""


def connect(home: Home) -> sqlite3.Connection:
    """The journal, made or migrated where needed. Raises ``JournalError``."""
    try:
        if not home.journal.exists():
            with _making(home):
                if not home.journal.exists():
                    _make(home.journal)
        with _closed_on_error(_open(home.journal)) as connection:
            _migrate(connection, home)
    except (sqlite3.Error, OSError) as error:
        raise JournalError(f"cannot open the journal {home.journal}: {error}") from error
    return connection


def _open(path: Path) -> sqlite3.Connection:
    location = f"file:{quote(str(path))}?mode=rw"
    connection = sqlite3.connect(location, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    with _closed_on_error(connection):
        # FULL: a commit that was acknowledged survives a power failure too, not only a killed process.
        connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield connection
    except BaseException:
        connection.close()
        raise


def _make(path: Path) -> None:
    """In a temporary file first, and moved into place: nobody ever sees half a journal."""
    for left_by_a_kill in path.parent.glob(f".{path.name}.*"):
        left_by_a_kill.unlink()
    temporary = path.with_name(f".{path.name}.new")
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    connection = _open(temporary)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        _run_migrations(connection, 0)
    finally:
        connection.close()
    temporary.rename(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _migrate(connection: sqlite3.Connection, home: Home) -> None:
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise JournalError(
            f"cannot read the journal {home.journal}: it was written by a newer version of boathook "
            f"(schema {version}, this one knows {len(MIGRATIONS)})",
            hint="use the newer boathook, or another $BOATHOOK_HOME",
        )
    if version < len(MIGRATIONS):
        with _making(home):
            _run_migrations(connection, _version(connection))


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _run_migrations(connection: sqlite3.Connection, version: int) -> None:
    for number, script in enumerate(MIGRATIONS[version:], version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {script} PRAGMA user_version = {number}; COMMIT;")


@contextmanager
def _making(home: Home) -> Iterator[None]:
    """One process at a time makes or migrates the journal."""
    home.locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(home.locks / "journal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
