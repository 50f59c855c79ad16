"""What becomes of objects when their place fails them: a full disk, a runtime that cannot go on."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

import anyio
from anyio.abc import TaskGroup

from boathook.cluster.store import Stored
from boathook.errors import BoathookError, JournalError, mistake_in
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping

RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


class LateWrites:
    """Tells the store what has happened already: at once, or when it can be written again, in the same order."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._late: dict[str, list[Callable[[], None]]] = {}

    def write(self, uid: str, write: Callable[[], None]) -> None:
        """Write something about the object ``uid``; where that fails, it is tried again until it succeeds."""
        if uid in self._late:
            self._late[uid].append(write)
            return
        try:
            write()
        except JournalError as error:
            log.error("%s: it is tried again every %g s", error, RETRY_SECONDS)
            self._late[uid] = [write]
            self._tasks.start_soon(self._write_late, uid)

    async def _write_late(self, uid: str) -> None:
        waiting = self._late[uid]
        while waiting:
            await anyio.sleep(RETRY_SECONDS)
            with suppress(JournalError):
                while waiting:
                    waiting[0]()
                    del waiting[0]
        del self._late[uid]


def pod_ended_badly(stored: Stored | None, error: BoathookError | ExceptionGroup) -> JsonObject:
    """The status of a pod whose place failed it. Raises a bug again."""
    return _status(stored) | {"phase": "Failed", "reason": "Error", "message": _reason(error)}


def job_ended_badly(stored: Stored | None, error: BoathookError | ExceptionGroup) -> JsonObject:
    """The status of a Job whose next pod could not be made. Raises a bug again."""
    failed: JsonValue = [{"type": "Failed", "status": "True", "reason": "Error", "message": _reason(error)}]
    return _status(stored) | {"active": 0, "conditions": failed}


def job_stopped(stored: Stored | None, cause: str) -> JsonObject:
    """The status of a Job that makes no more pods because its process ends; one that was over stays as it is."""
    status = _status(stored)
    if status.get("conditions"):
        return status
    failed: JsonValue = [{"type": "Failed", "status": "True", "reason": "Stopped", "message": cause}]
    return status | {"active": 0, "conditions": failed}


def _status(stored: Stored | None) -> JsonObject:
    return {} if stored is None else mapping(stored.body, "status")


def _reason(error: BoathookError | ExceptionGroup) -> str:
    if (mistake := mistake_in(error)) is None:
        raise error
    return str(mistake)
