"""What goes over an owner's socket: one JSON value a line. A request; then events, and one result or error."""

from __future__ import annotations

import json
import os
import socket
import struct
from contextlib import suppress
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketStream

from boathook import errors
from boathook.codec import from_json, to_json
from boathook.errors import BoathookError, ManifestError, OperationFailed, PlaceError
from boathook.events import Stamped
from boathook.model import Finding, HookResult, JsonObject

MAX_LINE_BYTES = 64 * 1024 * 1024

CHUNK_BYTES = 65536

ACCEPTED: JsonObject = {"accepted": True}
"""The first word of every answer. Without it, nothing of the request was begun."""


class Lines:
    """Lines of JSON over a Unix socket. The stream is closed by whoever opened it.

    The socket is waited for here, not by the stream's own ``receive``: that one logs an ``InvalidStateError`` of a
    future when it is cancelled in the very moment in which something arrives (anyio, ``_RawSocketMixin``).
    """

    def __init__(self, stream: SocketStream) -> None:
        self._socket = stream.extra(SocketAttribute.raw_socket)
        self._rest = bytearray()

    async def send(self, value: JsonObject) -> None:
        """Raises ``BrokenResourceError`` when the other side has gone."""
        left = memoryview(json.dumps(value, separators=(",", ":")).encode() + b"\n")
        while left:
            try:
                left = left[self._socket.send(left) :]
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as error:
                raise anyio.BrokenResourceError from error

    async def say_if_heard(self, value: JsonObject) -> None:
        """Send it, unless the other side has gone: then nobody needs to know."""
        with suppress(anyio.BrokenResourceError):
            await self.send(value)

    async def receive(self) -> JsonObject | None:
        """The next line; None when the other side has closed. Raises ``PlaceError`` for what is no JSON object."""
        while (end := self._rest.find(b"\n")) < 0:
            if len(self._rest) > MAX_LINE_BYTES:
                raise PlaceError("the other process sent a line without end")
            try:
                received = self._socket.recv(CHUNK_BYTES)
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
                continue
            except OSError:
                return None
            if not received:
                return None
            self._rest += received
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        try:
            value: Any = json.loads(line)
        except ValueError as error:
            raise PlaceError("the other process sent something that is no JSON") from error
        if not isinstance(value, dict):
            raise PlaceError("the other process sent something that is no message")
        return value


def is_ours(stream: SocketStream) -> bool:
    """Whether the process at the other side is this user's, or root's, as the kernel knows it."""
    raw = stream.extra(SocketAttribute.raw_socket)
    credentials = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in (0, os.geteuid())


def event_message(stamped: Stamped) -> JsonObject:
    return {"event": to_json(stamped)}


def event_of(message: JsonObject) -> Stamped:
    return from_json(Stamped, message["event"])


def error_message(error: BoathookError) -> JsonObject:
    """An error, so that the client can raise the same one."""
    described: JsonObject = {"class": type(error).__name__, "message": str(error), "hint": error.hint}
    if isinstance(error, ManifestError):
        described["problems"] = [to_json(problem) for problem in error.problems]
    if isinstance(error, OperationFailed):
        described["results"] = [to_json(result) for result in error.results]
    return {"error": described}


def error_of(message: JsonObject) -> BoathookError:
    """The error that the other side raised, as one of the same class."""
    described = message["error"]
    assert isinstance(described, dict)
    cls = getattr(errors, str(described["class"]), BoathookError)
    text, hint = str(described["message"]), described.get("hint")
    hint = None if hint is None else str(hint)
    if cls is ManifestError:
        problems = described.get("problems")
        return ManifestError(
            tuple(from_json(Finding, one) for one in (problems if isinstance(problems, list) else [])), hint=hint
        )
    if cls is OperationFailed:
        results = described.get("results")
        found = tuple(from_json(HookResult, one) for one in (results if isinstance(results, list) else []))
        return OperationFailed(text, results=found, hint=hint)
    made: BoathookError = cls(text, hint=hint)
    return made
