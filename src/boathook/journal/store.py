"""The journal: runs, their events, how their hooks ended, and what is owed. Durable, and shared by processes."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

import anyio

from boathook.clock import Clock, SystemClock
from boathook.codec import from_json, to_json
from boathook.errors import BoathookError
from boathook.events import Event, HookFinished, HookStarted, RunFinished, Stamped
from boathook.home import Home
from boathook.journal.obligations import Obligation, ObligationState, Owner
from boathook.journal.owners import is_alive, owning
from boathook.journal.retention import prune_by_default
from boathook.journal.writer import Writer
from boathook.model import Hook, HookResult, JsonObject, JsonValue, Target

EVENT_VERSION = 1
"""Stands with every event; raised when an event's JSON changes so that an older reader would misread it."""

ID_LETTERS = "bcdfghjkmnpqrstvwxz23456789"
"""No vowels, so that no words come out, and nothing that looks like something else."""


class RunState(StrEnum):
    """How a run ended, as the journal has it. A run that was killed has none."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    DONE = "done"
    """It came to its end and did not say how it went."""


@dataclass(slots=True)
class Run:
    """One command's run. Its ``listener`` appends every event; it never waits."""

    id: str
    _writer: Writer
    finished: bool = False

    def listener(self, stamped: Stamped) -> None:
        """Queue the event for the journal."""
        self._writer.put(partial(_append, self.id, stamped))
        if isinstance(stamped.event, RunFinished):
            state = RunState.SUCCEEDED if stamped.event.succeeded else RunState.FAILED
            self.finish(state, stamped.event.message, stamped.wall)

    def finish(self, state: RunState, message: str, wall: datetime) -> None:
        """Record how it ended. The first word stands."""
        if not self.finished:
            self.finished = True
            self._writer.put(partial(_finish, self.id, state, message, wall))


@dataclass(slots=True)
class Journal:
    """An open journal of this process. ``Journal.open`` makes the file on first use."""

    home: Home
    owner: Owner
    """This process, as the debts that it incurs name it."""
    clock: Clock
    writer: Writer
    _runs: list[Run] = field(default_factory=list)

    @classmethod
    @asynccontextmanager
    async def open(cls, home: Home, *, clock: Clock | None = None) -> AsyncIterator[Journal]:
        """Raises ``JournalError``. Leaving the block ends the runs that did not end by themselves, and writes all."""
        home.ensure()
        writer = Writer(home)
        with owning(home) as owner:
            await writer.open()
            journal = cls(home=home, owner=owner, clock=clock or SystemClock(), writer=writer)
            try:
                yield journal
                journal._end_runs(RunState.DONE, "")
            except BoathookError as error:
                journal._end_runs(RunState.FAILED, str(error))
                raise
            except anyio.get_cancelled_exc_class():
                journal._end_runs(RunState.INTERRUPTED, "interrupted")
                raise
            except BaseException as error:
                journal._end_runs(RunState.FAILED, f"{type(error).__name__}: {error}")
                raise
            finally:
                await writer.close()

    async def begin(self, *, command: str, title: str) -> Run:
        """A new run. It stands in the journal before the first of its events and of its debts."""
        run = Run(id=new_id(), _writer=self.writer)
        self._runs.append(run)
        self.writer.put(partial(_begin, run.id, command, title, self.clock.now(), self.owner))
        # The journal of a home that lives for years would otherwise only ever grow.
        self.writer.put(partial(prune_by_default, self.clock.now()))
        return run

    def finish(self, run: Run, error: BaseException | None = None) -> None:
        """End a run before the journal is closed (a process that serves many), where it did not end by itself."""
        state = RunState.DONE if error is None else RunState.FAILED
        if isinstance(error, anyio.get_cancelled_exc_class()):
            state = RunState.INTERRUPTED
        run.finish(state, str(error or ""), self.clock.now())
        self._runs.remove(run)

    def _end_runs(self, state: RunState, message: str) -> None:
        for run in self._runs:
            run.finish(state, message, self.clock.now())


@dataclass(frozen=True, slots=True)
class SqliteObligations:
    """The debts of one run, in the journal. What is owed, and settling, concern those of all processes."""

    journal: Journal
    run: str
    owner: Owner | None = None
    """None: the process that opened the journal."""

    async def open(self, *, kind: str, target: Target, description: str, payload: JsonObject) -> Obligation:
        """Synced when this returns."""
        obligation = Obligation(
            id=new_id(),
            kind=kind,
            target=target,
            description=description,
            payload=payload,
            owner=self.owner or self.journal.owner,
            run=self.run,
            created=self.journal.clock.now(),
            state=ObligationState.OPEN,
            reason=None,
        )
        await self.journal.writer.submit(partial(_open, obligation))
        return obligation

    async def settle(self, obligation: str, state: ObligationState, reason: str) -> None:
        """Synced when this returns. One that is met or moot stays so."""
        await self.journal.writer.submit(partial(_settle, obligation, state, reason, self.journal.clock.now()))

    async def owed(self, *, kind: str | None = None, scope: str | None = None) -> tuple[Obligation, ...]:
        """Open and failed ones of every process, oldest first."""
        return await self.journal.writer.submit(partial(_owed, kind, scope))

    def is_orphaned(self, obligation: Obligation) -> bool:
        """True when the process that owes it is dead, has closed its journal, or could not pay and gave up."""
        return obligation.state is ObligationState.FAILED or not is_alive(obligation.owner)


def new_id() -> str:
    """Short enough to type, and unlike any other: 27 letters to the power of 7 are ten thousand million."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(7))


def dumps(value: JsonValue) -> str:
    return json.dumps(value, separators=(",", ":"))


def _begin(run: str, command: str, title: str, wall: datetime, owner: Owner, connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO runs (id, command, title, began, owner) VALUES (?, ?, ?, ?, ?)",
        (run, _text(command), _text(title), wall.isoformat(), dumps(to_json(owner))),
    )


def _finish(run: str, state: RunState, message: str, wall: datetime, connection: sqlite3.Connection) -> None:
    connection.execute(
        "UPDATE runs SET ended = ?, state = ?, message = ? WHERE id = ?",
        (wall.isoformat(), state.value, _text(message), run),
    )


def _append(run: str, stamped: Stamped, connection: sqlite3.Connection) -> None:
    event = stamped.event
    wall = stamped.wall.isoformat()
    connection.execute(
        "INSERT INTO events (run, sequence, at, wall, version, kind, event) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (run, stamped.sequence, stamped.at, wall, EVENT_VERSION, type(event).__name__, dumps(to_json(event))),
    )
    if isinstance(event, HookStarted):
        _append_hook(run, stamped, event.target, event.hook, None, connection)
    elif isinstance(event, HookFinished):
        _append_hook(run, stamped, event.result.target, event.result.hook, event.result, connection)


def _append_hook(
    run: str, stamped: Stamped, target: Target, hook: Hook, result: HookResult | None, connection: sqlite3.Connection
) -> None:
    """Start and end are rows of their own: a start without an end is what a crash leaves."""
    row: dict[str, str | int | float | None] = {
        "run": run,
        "sequence": stamped.sequence,
        "what": "end" if result else "start",
        "target": _text(str(target)),
        "instance": _text(target.instance),
        "hook": _text(hook.name),
        "point": hook.point.value,
        "wall": stamped.wall.isoformat(),
    }
    if result is not None:
        row |= {
            "outcome": result.outcome.value,
            "exit_code": result.exit_code,
            "signal": result.signal,
            "seconds": result.duration.total_seconds() if result.duration is not None else None,
            "reason": None if result.reason is None else _text(result.reason),
        }
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO hook_results ({names}) VALUES ({values})", row)


def _open(obligation: Obligation, connection: sqlite3.Connection) -> None:
    connection.execute(
        "INSERT INTO obligations (id, kind, scope, state, run, created, obligation) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            obligation.id,
            obligation.kind,
            _text(obligation.target.scope),
            obligation.state.value,
            obligation.run,
            obligation.created.isoformat(),
            dumps(to_json(obligation)),
        ),
    )


def _settle(
    obligation: str, state: ObligationState, reason: str, wall: datetime, connection: sqlite3.Connection
) -> None:
    connection.execute(
        "UPDATE obligations SET state = ?, reason = ?, settled = ? WHERE id = ? AND state IN ('open', 'failed')",
        (state.value, _text(reason), wall.isoformat(), obligation),
    )


def _owed(kind: str | None, scope: str | None, connection: sqlite3.Connection) -> tuple[Obligation, ...]:
    rows = connection.execute(
        "SELECT obligation, state, reason FROM obligations WHERE state IN ('open', 'failed')"
        " AND (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR scope = ?2) ORDER BY number",
        (kind, None if scope is None else _text(scope)),
    )
    return tuple(
        replace(from_json(Obligation, json.loads(text)), state=ObligationState(state), reason=reason)
        for text, state, reason in rows
    )


def read_event(text: str) -> Event:
    """An event as ``_append`` wrote it."""
    event: Event = from_json(Event, json.loads(text))
    return event


def _text(text: str) -> str:
    """Text that SQLite takes: bytes of a command line that were no UTF-8 are shown as question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
