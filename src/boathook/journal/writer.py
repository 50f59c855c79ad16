"""One thread that writes the journal: whatever waits is committed together, so that nobody pays for a sync of his own.

What may be lost when the process is killed is what still waits here: the events of the last few milliseconds. What
``submit`` has returned for, obligations above all, is on the disk.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

import anyio

from boathook.errors import BoathookError, JournalError
from boathook.home import Home
from boathook.journal.database import connect

log = logging.getLogger(__name__)

T = TypeVar("T")

Write = Callable[[sqlite3.Connection], T]

BATCH = 2000
"""Most writes in one transaction, so that others who wait for the file get their turn."""

LINGER_SECONDS = 0.01
"""How long a write that nobody waits for may wait for more, so that a burst of events is one transaction."""


class _Job(NamedTuple):
    write: Write[Any]
    done: Future[Any] | None
    """None: nobody waits for it."""


class Writer:
    """Owns the one connection that a process writes with."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._urgent = threading.Event()
        """Somebody waits for what is queued."""
        self._opened: Future[None] = Future()
        self._closed: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, name="boathook-journal", daemon=True)
        self._said = False

    async def open(self) -> None:
        """Raises ``JournalError`` when there can be no journal."""
        self._thread.start()
        await _shielded(self._opened)

    def put(self, write: Write[object]) -> None:
        """Have it written soon. Never waits; a failure is logged."""
        self._jobs.put(_Job(write, None))

    async def submit(self, write: Write[T]) -> T:
        """Have it written, and wait until it is synced. Cancellation waits for it, since it may be done already."""
        done: Future[T] = Future()
        self._jobs.put(_Job(write, done))
        self._urgent.set()
        return await _shielded(done)

    async def close(self) -> None:
        """Write all that waits, and end."""
        self._jobs.put(None)
        self._urgent.set()
        await _shielded(self._closed)
        self._thread.join()

    def _serve(self) -> None:
        try:
            connection = connect(self._home)
        except BoathookError as error:
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)
        try:
            while batch := self._waiting():
                self._commit(connection, batch)
        finally:
            connection.close()
            self._closed.set_result(None)

    def _waiting(self) -> list[_Job]:
        """What waits, at least one; empty when it is over."""
        batch: list[_Job] = []
        try:
            job = self._jobs.get()
            self._urgent.wait(LINGER_SECONDS)
            self._urgent.clear()
            while job is not None:
                batch.append(job)
                if len(batch) == BATCH:
                    return batch
                job = self._jobs.get_nowait()
        except queue.Empty:
            return batch
        if batch:
            self._jobs.put(None)
        return batch

    def _commit(self, connection: sqlite3.Connection, batch: list[_Job]) -> None:
        """All in one transaction; where that fails, each in its own, so that one bad write harms no other."""
        try:
            connection.execute("BEGIN IMMEDIATE")
            results = [job.write(connection) for job in batch]
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001  handed to whoever waits for the write
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if len(batch) > 1:
                for job in batch:
                    self._commit(connection, [job])
            else:
                self._fail(batch[0], error)
            return
        for job, result in zip(batch, results, strict=True):
            if job.done is not None:
                job.done.set_result(result)

    def _fail(self, job: _Job, error: Exception) -> None:
        if isinstance(error, sqlite3.Error):
            error = JournalError(f"cannot write to the journal {self._home.journal}: {error}")
        if job.done is not None:
            job.done.set_exception(error)
        elif not self._said:
            self._said = True
            log.error("%s", error)


async def _shielded(future: Future[T]) -> T:
    wrapped = asyncio.wrap_future(future)
    with anyio.CancelScope(shield=True):
        await asyncio.wait((wrapped,))
    return wrapped.result()
