"""Past runs as the journal has them: which there were, how they ended, and everything that happened in one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from boathook.codec import from_json
from boathook.errors import JournalError, NotFound, UsageError
from boathook.events import HookFinished, HookStarted, Stamped
from boathook.home import Home
from boathook.journal.database import connect
from boathook.journal.obligations import Owner
from boathook.journal.owners import is_alive
from boathook.journal.retention import SUPERVISOR
from boathook.journal.store import EVENT_VERSION, RunState, read_event

RUNNING = "running"
KILLED = "interrupted (killed)"

COLUMNS = """
    SELECT id, command, title, began, owner, ended, state, message,
        (SELECT max(wall) FROM events WHERE run = id),
        (SELECT count(*) FROM hook_results WHERE run = id AND what = 'start'),
        (SELECT count(*) FROM hook_results WHERE run = id AND what = 'end' AND outcome = 'succeeded')
    FROM runs
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run as it stands in the journal."""

    id: str
    command: str
    title: str
    began: datetime
    result: str
    """``succeeded``, ``failed``, ``interrupted``, ``done``, ``running`` or ``interrupted (killed)``."""
    message: str
    duration: timedelta | None
    """Until it ended, or until the last that is known of it; None while it runs."""
    hooks: int
    hooks_succeeded: int


def past_runs(home: Home, *, limit: int | None, supervisors: bool = True) -> tuple[RunRecord, ...]:
    """The newest first; without ``supervisors``, only what somebody asked for."""
    if not home.journal.exists():
        return ()
    with reading(home) as connection:
        return tuple(
            _record(row)
            for row in connection.execute(
                f"{COLUMNS} WHERE ?1 OR command != ?2 ORDER BY began DESC, id LIMIT ?3",
                (supervisors, SUPERVISOR, -1 if limit is None else limit),
            )
        )


def find_run(home: Home, prefix: str) -> RunRecord:
    """The run whose id is, or alone begins with, ``prefix``."""
    found = []
    if home.journal.exists() and prefix:
        with reading(home) as connection:
            query = f"{COLUMNS} WHERE substr(id, 1, length(?1)) = ?1 ORDER BY began LIMIT 10"
            found = [_record(row) for row in connection.execute(query, (prefix,))]
    if not found:
        raise NotFound(f'no run "{prefix}"', hint="boathook history lists them")
    exact = [run for run in found if run.id == prefix]
    if len(exact or found) > 1:
        raise UsageError(f'several runs begin with "{prefix}": {", ".join(run.id for run in found)}')
    return (exact or found)[0]


def events_of(home: Home, run: str) -> tuple[Stamped, ...]:
    """Everything that happened in a run, in order."""
    with reading(home) as connection:
        rows = connection.execute(
            "SELECT sequence, at, wall, version, event FROM events WHERE run = ? ORDER BY sequence", (run,)
        ).fetchall()
    return tuple(stamped_event(*row) for row in rows)


def without_end(events: tuple[Stamped, ...]) -> tuple[HookStarted, ...]:
    """The hooks that started and of whose end nothing is known: what a kill leaves."""
    started: list[HookStarted] = []
    for stamped in events:
        event = stamped.event
        if isinstance(event, HookStarted):
            started.append(event)
        elif isinstance(event, HookFinished):
            ended = (event.result.target, event.result.hook)
            position = next((n for n, one in enumerate(started) if (one.target, one.hook) == ended), None)
            if position is not None:
                del started[position]
    return tuple(started)


@contextmanager
def reading(home: Home) -> Iterator[sqlite3.Connection]:
    """The journal, for questions. Raises ``JournalError``."""
    connection = connect(home)
    try:
        yield connection
    except sqlite3.Error as error:
        raise JournalError(f"cannot read the journal {home.journal}: {error}") from error
    finally:
        connection.close()


def _record(row: tuple[str, str, str, str, str, str | None, str | None, str | None, str | None, int, int]) -> RunRecord:
    run, command, title, began, owner, ended, state, message, last, hooks, succeeded = row
    began_at = datetime.fromisoformat(began)
    if state is not None:
        result = RunState(state).value
    else:
        result = RUNNING if is_alive(from_json(Owner, json.loads(owner))) else KILLED
    known = ended or (last if result == KILLED else None)
    return RunRecord(
        id=run,
        command=command,
        title=title,
        began=began_at,
        result=result,
        message=message or "",
        duration=datetime.fromisoformat(known) - began_at if known else None,
        hooks=hooks,
        hooks_succeeded=succeeded,
    )


def stamped_event(sequence: int, at: float, wall: str, version: int, event: str) -> Stamped:
    """An event of a row. Raises ``JournalError`` for one of a newer version."""
    if version > EVENT_VERSION:
        raise JournalError(f"cannot read event {sequence}: it was written by a newer version of boathook")
    return Stamped(sequence=sequence, at=at, wall=datetime.fromisoformat(wall), event=read_event(event))
