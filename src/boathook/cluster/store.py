"""The objects of the local cluster: JSON by kind, namespace and name, in SQLite for several processes, or in memory.

Each call is one short transaction. Readers see changes of other processes; ``changed`` waits for the next one.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

import anyio

from boathook.clock import Clock
from boathook.cluster.base import ObjectKey, key_of
from boathook.errors import Conflict, JournalError, NotFound
from boathook.model import JsonObject
from boathook.objects import mapping, text

POLL_SECONDS = 0.02
LONGEST_POLL_SECONDS = 0.1
POLL_GROWTH = 1.1
"""How often a waiting process looks whether another one has changed the store; less often while nobody does."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    owner TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS versions (last INTEGER NOT NULL);
INSERT INTO versions SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM versions);
CREATE TABLE IF NOT EXISTS removed (
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    uid TEXT NOT NULL, body TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS happened (
    uid TEXT NOT NULL, field TEXT NOT NULL, type TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
    kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    count INTEGER NOT NULL, first REAL NOT NULL, last REAL NOT NULL,
    PRIMARY KEY (uid, field, type, reason, message)
);
CREATE INDEX IF NOT EXISTS happened_to ON happened (kind, namespace, name);
"""

REMEMBERED_SECONDS = 60.0
"""How long the last state of an object that is gone is kept, for those who wait for it."""

HAPPENED_SECONDS = 3600.0
"""How long is kept what happened: as an API server keeps its events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An object and the process that acts on it (``pid:start:boot``; empty: nobody needs to)."""

    body: JsonObject
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that happened to an object, as often as the same happened. Times are seconds since the epoch."""

    uid: str
    field: str
    """Which part of the object, ``spec.containers{app}``; empty: all of it."""
    type: str
    reason: str
    message: str
    count: int = 1
    first: float
    last: float


class ObjectStore:
    """Open one per process and event loop; close it when done."""

    def __init__(self, database: sqlite3.Connection, *, shared: bool, clock: Clock, uids: Callable[[], str]) -> None:
        self._database = database
        self._shared = shared
        self._clock = clock
        self._uids = uids
        self._events: WeakValueDictionary[ObjectKey | None, anyio.Event] = WeakValueDictionary()
        """By the object that is waited for (None: any); forgotten with whoever waits."""
        self._others = 0
        self._waiting = 0
        self._pause = POLL_SECONDS
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def open(cls, path: Path, *, clock: Clock, uids: Callable[[], str]) -> ObjectStore:
        """The store in a file, made if missing (0600). Raises ``JournalError`` when it cannot be had."""
        try:
            path.touch(mode=0o600)
            database = sqlite3.connect(path, isolation_level=None, timeout=5.0)
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"cannot open the cluster's objects in {path}: {error}") from error
        return cls(database, shared=True, clock=clock, uids=uids)

    @classmethod
    def in_memory(cls, *, clock: Clock, uids: Callable[[], str]) -> ObjectStore:
        """A store that lives and dies with this process; it uses no thread and no file."""
        database = sqlite3.connect(":memory:", isolation_level=None)
        database.executescript(SCHEMA)
        return cls(database, shared=False, clock=clock, uids=uids)

    def close(self) -> None:
        self._database.close()

    # Reading.

    def find(self, key: ObjectKey) -> Stored | None:
        row = self._row(key)
        return None if row is None else Stored(body=json.loads(row[0]), owner=row[1])

    def _row(self, key: ObjectKey) -> tuple[str, str] | None:
        """The object as it is written, and its owner."""
        row: tuple[str, str] | None = self._database.execute(
            "SELECT body, owner FROM objects WHERE kind = ? AND namespace = ? AND name = ?",
            (key.kind, key.namespace, key.name),
        ).fetchone()
        return row

    def get(self, key: ObjectKey) -> JsonObject:
        """Raises ``NotFound`` in kubectl's words."""
        found = self.find(key)
        if found is None:
            raise NotFound(f'{plural(key.kind)} "{key.name}" not found')
        return found.body

    def list(self, kind: str | None = None, namespace: str | None = None) -> tuple[Stored, ...]:
        """Sorted by kind, namespace and name; None: all of them."""
        rows = self._database.execute(
            "SELECT body, owner FROM objects WHERE (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR namespace = ?2)"
            " ORDER BY kind, namespace, name",
            (kind, namespace),
        ).fetchall()
        return tuple(Stored(body=json.loads(body), owner=owner) for body, owner in rows)

    # Writing.

    def insert(self, obj: JsonObject, *, namespace: str, owner: str = "") -> JsonObject:
        """Store a new object with uid, time and version. Raises ``Conflict`` when one of that name is there."""
        key = key_of(obj, default_namespace=namespace)
        metadata = dict(mapping(obj, "metadata"))
        if key.namespace:
            metadata["namespace"] = key.namespace
        metadata |= {
            "uid": self._uids(),
            "creationTimestamp": self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "generation": 1,
        }
        with self._transaction():
            if self.find(key) is not None:
                raise Conflict(f'{plural(key.kind)} "{key.name}" already exists')
            return self._write(key, obj | {"metadata": metadata}, owner)

    def update(
        self, key: ObjectKey, change: Callable[[JsonObject], JsonObject], *, owner: str | None = None
    ) -> JsonObject:
        """Read, change and write in one transaction; unchanged objects are not written. Raises ``NotFound``."""
        with self._transaction():
            row = self._row(key)
            if row is None:
                raise NotFound(f'{plural(key.kind)} "{key.name}" not found')
            body, owned = row
            # What is given away to be changed is a copy of its own.
            before: JsonObject = json.loads(body)
            changed = change(json.loads(body))
            if changed == before and (owner is None or owner == owned):
                return before
            return self._write(key, changed, owned if owner is None else owner)

    def remove(self, key: ObjectKey, *, uid: str | None = None) -> bool:
        """False: it was gone already, or is another one by now (``uid``)."""
        with self._transaction():
            found = self.find(key)
            if found is None or (uid is not None and uid_of(found.body) != uid):
                return False
            names, now = (key.kind, key.namespace, key.name), self._clock.now().timestamp()
            self._database.execute("DELETE FROM objects WHERE kind = ? AND namespace = ? AND name = ?", names)
            self._database.execute("DELETE FROM removed WHERE at < ?", (now - REMEMBERED_SECONDS,))
            self._database.execute(
                "INSERT OR REPLACE INTO removed VALUES (?, ?, ?, ?, ?, ?)",
                (*names, uid_of(found.body), json.dumps(found.body), now),
            )
        self._notify(key)
        return True

    def last_state(self, key: ObjectKey, uid: str) -> JsonObject | None:
        """What an object was that was removed a moment ago; None for what nobody remembers."""
        row = self._database.execute(
            "SELECT body FROM removed WHERE kind = ? AND namespace = ? AND name = ? AND uid = ?",
            (key.kind, key.namespace, key.name, uid),
        ).fetchone()
        body: JsonObject | None = None if row is None else json.loads(row[0])
        return body

    # What happened to the objects.

    def happened(self, key: ObjectKey, what: Happening) -> None:
        """Write down what happened; what happened before in the same words is counted. Raises ``JournalError``."""
        values = (what.uid, what.field, what.type, what.reason, what.message)
        try:
            known = self._database.execute(
                "UPDATE happened SET count = count + 1, last = ?"
                " WHERE uid = ? AND field = ? AND type = ? AND reason = ? AND message = ?",
                (what.last, *values),
            ).rowcount
            if not known:
                self._database.execute("DELETE FROM happened WHERE last < ?", (what.last - HAPPENED_SECONDS,))
                self._database.execute(
                    "INSERT INTO happened VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?)",
                    (*values, key.kind, key.namespace, key.name, what.first, what.last),
                )
        except sqlite3.Error as error:
            raise JournalError(f"cannot write what happened to {key}: {error}") from error

    def happenings(self, key: ObjectKey) -> tuple[Happening, ...]:
        """What happened to the object that bears this name, or bore it last; oldest first."""
        rows = self._database.execute(
            "SELECT uid, field, type, reason, message, count, first, last FROM happened"
            " WHERE kind = ? AND namespace = ? AND name = ? AND last >= ? ORDER BY rowid",
            (key.kind, key.namespace, key.name, self._clock.now().timestamp() - HAPPENED_SECONDS),
        ).fetchall()
        fields = ("uid", "field", "type", "reason", "message", "count", "first", "last")
        found = [Happening(**dict(zip(fields, row, strict=True))) for row in rows]
        stored = self.find(key)
        uid = uid_of(stored.body) if stored is not None else found[-1].uid if found else ""
        return tuple(one for one in found if one.uid == uid)

    def _write(self, key: ObjectKey, obj: JsonObject, owner: str) -> JsonObject:
        version = self._database.execute("UPDATE versions SET last = last + 1 RETURNING last").fetchone()[0]
        written = obj | {"metadata": mapping(obj, "metadata") | {"resourceVersion": str(version)}}
        self._database.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)",
            (key.kind, key.namespace, key.name, owner, json.dumps(written)),
        )
        self._notify(key)
        return written

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing. Raises ``JournalError`` where it cannot be written: a full disk, a file that stays locked."""
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                yield
        except sqlite3.Error as error:
            raise JournalError(f"cannot write the cluster's objects: {error}") from error

    # Waiting.

    def touched(self) -> None:
        """Let those who wait for any object look again: something beside the objects has changed."""
        if (event := self._events.pop(None, None)) is not None:
            event.set()

    def _notify(self, key: ObjectKey | None = None) -> None:
        """Wake those who wait for this object, and those who wait for any; None: all of them."""
        for waited in tuple(self._events) if key is None else (None, key):
            if (event := self._events.pop(waited, None)) is not None:
                event.set()

    def version(self, key: ObjectKey | None = None) -> anyio.Event:
        """What ``changed`` waits for: take it before you read. It is set when the object (None: any) has changed."""
        if self._shared and not self._waiting:
            self._notice_others()
        return self._events.setdefault(key, anyio.Event())

    async def changed(self, since: anyio.Event) -> None:
        """Until the store was changed after ``since``, by this process or another."""
        if not self._shared:
            await since.wait()
            return
        with self._looking():
            await since.wait()

    @contextmanager
    def _looking(self) -> Iterator[None]:
        """While somebody waits, one timer for all of them looks what other processes do."""
        self._waiting += 1
        if self._waiting == 1:
            self._pause = POLL_SECONDS
            self._look()
        try:
            yield
        finally:
            self._waiting -= 1
            if not self._waiting and self._timer is not None:
                self._timer.cancel()

    def _look(self) -> None:
        changed = self._notice_others()
        self._pause = POLL_SECONDS if changed else min(self._pause * POLL_GROWTH, LONGEST_POLL_SECONDS)
        self._timer = asyncio.get_running_loop().call_later(self._pause, self._look)

    def _notice_others(self) -> bool:
        """Whether another process has changed something since the last look; who waits is told then."""
        others = self._database.execute("PRAGMA data_version").fetchone()[0]
        if others == self._others:
            return False
        self._others = others
        self._notify()
        return True


def uid_of(obj: JsonObject) -> str:
    return text(obj, "metadata", "uid")


def plural(kind: str) -> str:
    """``Pod`` -> ``pods``, as kubectl names a kind in its messages."""
    lowered = kind.lower()
    if lowered.endswith("s"):
        return f"{lowered}es"
    return f"{lowered[:-1]}ies" if lowered.endswith("y") else f"{lowered}s"
