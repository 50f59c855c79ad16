"""What goes over an owner's socket: one JSON value a line. A request; then events, and one result or error."""

from __future__ import annotations

import json
from typing import Any

import anyio
from anyio.abc import ByteStream

from boathook import errors
from boathook.codec import from_json, to_json
from boathook.errors import BoathookError, ManifestError, OperationFailed, PlaceError
from boathook.events import Stamped
from boathook.model import Finding, HookResult, JsonObject

MAX_LINE_BYTES = 64 * 1024 * 1024


class Lines:
    """Lines of JSON over a stream."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._rest = b""

    async def send(self, value: JsonObject) -> None:
        await self._stream.send(json.dumps(value, separators=(",", ":")).encode() + b"\n")

    async def receive(self) -> JsonObject | None:
        """The next line; None when the other side has closed. Raises ``PlaceError`` for what is no JSON object."""
        while b"\n" not in self._rest:
            if len(self._rest) > MAX_LINE_BYTES:
                raise PlaceError("the other process sent a line without end")
            try:
                self._rest += await self._stream.receive(65536)
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return None
        line, _, self._rest = self._rest.partition(b"\n")
        try:
            value: Any = json.loads(line)
        except ValueError as error:
            raise PlaceError("the other process sent something that is no JSON") from error
        if not isinstance(value, dict):
            raise PlaceError("the other process sent something that is no message")
        return value


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
