"""How long past runs are kept: what is too old, or too many, goes with its events and the output of its hooks.

A run that somebody still needs is never deleted: one that goes on, and one of which something is owed.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from boathook.codec import from_json
from boathook.errors import JournalError
from boathook.home import Home
from boathook.journal.database import connect
from boathook.journal.obligations import Owner
from boathook.journal.owners import is_alive

SUPERVISOR = "supervisor"
"""The command of a run that only kept others' containers alive: nobody asked for it, and ``history`` hides it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """A run stays while it is younger than ``age`` and among the ``count`` newest. None: whatever it is."""

    age: timedelta | None
    count: int | None


DEFAULT = Retention(age=timedelta(days=30), count=1000)
"""What is kept where nobody says otherwise, looked at whenever a run begins."""

SLACK_AGE = timedelta(days=1)
SLACK_COUNT = 50
"""How far the default may be passed before a run that begins does something about it: not each time one run's worth."""

RUNS_AT_ONCE = 50
"""Most runs that a beginning run deletes, so that none waits long for the others' sake; the next one goes on."""

SHRINK_FREE_SHARE = 0.2
"""From this free share on the file is made smaller: that copies the whole of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was deleted, or would be."""

    runs: tuple[str, ...]
    events: int
    hook_results: int
    needed: int
    """Runs that are past the limits and stay: they go on, or something is owed of them. Not the supervisor's own."""


def prune_runs(home: Home, retention: Retention, now: datetime, *, dry_run: bool = False) -> Pruned:
    """Delete what is past the limits (``dry_run``: only say so). Raises ``JournalError``."""
    if not home.journal.exists():
        return Pruned(runs=(), events=0, hook_results=0, needed=0)
    connection = connect(home)
    try:
        connection.execute("BEGIN IMMEDIATE")
        past = _past(connection, retention, now)
        kept = sum(one.needed and not one.supervisor for one in past)
        pruned = _deleted(connection, [one.run for one in past if not one.needed], kept)
        connection.execute("ROLLBACK" if dry_run else "COMMIT")
        if pruned.runs and not dry_run:
            _shrink(connection)
    except sqlite3.Error as error:
        raise JournalError(f"cannot write to the journal {home.journal}: {error}") from error
    finally:
        connection.close()
    return pruned


def prune_by_default(now: datetime, connection: sqlite3.Connection) -> None:
    """What a run does when it begins: usually two look-ups in an index, and nothing else."""
    assert DEFAULT.age is not None
    assert DEFAULT.count is not None
    oldest, count = connection.execute("SELECT min(began), (SELECT count(*) FROM runs) FROM runs").fetchone()
    if oldest is None or (count <= DEFAULT.count + SLACK_COUNT and oldest >= _written(now - DEFAULT.age - SLACK_AGE)):
        return
    past = _past(connection, DEFAULT, now)
    _deleted(connection, [one.run for one in past if not one.needed][:RUNS_AT_ONCE], 0)


class _Past(NamedTuple):
    """A run past the limits."""

    run: str
    needed: bool
    """It goes on, or something of it is owed."""
    supervisor: bool
    """Nobody asked for it: ``history`` does not show it."""


def _past(connection: sqlite3.Connection, retention: Retention, now: datetime) -> list[_Past]:
    """The runs past the limits, oldest first."""
    before = "" if retention.age is None else _written(now - retention.age)
    rows = connection.execute(
        "SELECT id, state IS NULL, owner, command,"
        " EXISTS (SELECT 1 FROM obligations o WHERE o.run = r.id AND o.state IN ('open', 'failed'))"
        " FROM (SELECT *, row_number() OVER (ORDER BY began DESC, id) AS number FROM runs) r"
        " WHERE began < ?1 OR (?2 IS NOT NULL AND number > ?2) ORDER BY began, id",
        (before, retention.count),
    ).fetchall()
    return [
        _Past(
            run=run,
            needed=bool(owed) or bool(unended and is_alive(from_json(Owner, json.loads(owner)))),
            supervisor=command == SUPERVISOR,
        )
        for run, unended, owner, command, owed in rows
    ]


def _deleted(connection: sqlite3.Connection, runs: list[str], kept: int) -> Pruned:
    events = hook_results = 0
    for run in runs:
        events += connection.execute("DELETE FROM events WHERE run = ?", (run,)).rowcount
        hook_results += connection.execute("DELETE FROM hook_results WHERE run = ?", (run,)).rowcount
        connection.execute("DELETE FROM obligations WHERE run = ?", (run,))
        connection.execute("DELETE FROM runs WHERE id = ?", (run,))
    return Pruned(runs=tuple(runs), events=events, hook_results=hook_results, needed=kept)


def _shrink(connection: sqlite3.Connection) -> None:
    """Give the space back where it is worth it. Another command that reads just now is no mistake: next time."""
    pages, free = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
    if free < pages * SHRINK_FREE_SHARE:
        return
    try:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:
        return


def _written(moment: datetime) -> str:
    """As the journal writes times, so that text compares as time."""
    return moment.isoformat()
