"""How a forked child tells the spawner how far it came: records on a pipe that an execve closes."""

from __future__ import annotations

import errno
import marshal
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Any


class StepFailed(Exception):
    """A step on the way to a running process failed."""

    def __init__(self, step: str, code: int, text: str) -> None:
        super().__init__(step, code, text)
        self.step = step
        self.code = code
        self.text = text


class step:  # noqa: N801  reads as a statement
    """Names what is done inside the block, so that a failure in it can be told to people."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, OSError):
            raise StepFailed(self._name, error.errno or 0, reason(error)) from error


def reason(error: OSError) -> str:
    """``no such file or directory``: the system's own words, in lower case as all our messages."""
    text = os.strerror(error.errno) if error.errno else str(error)
    return "exec format error" if error.errno == errno.ENOEXEC else text[:1].lower() + text[1:]


class Report:
    """The writing end. A record is short, so it is written at once or not at all."""

    __slots__ = ("descriptor",)

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def _write(self, what: dict[str, Any]) -> None:
        text = marshal.dumps(what)
        os.write(self.descriptor, len(text).to_bytes(4, "big") + text)

    def pid(self, pid: int, start: int = 0) -> None:
        """The process that was asked for; when it started, where only its parent can be sure of that."""
        self._write({"pid": pid, "start": start})

    def ready(self) -> None:
        """Nothing is left to do but what cannot fail, or execve, whose failure is told after this."""
        self._write({"ready": True})

    def failed(self, error: BaseException) -> None:
        if isinstance(error, StepFailed):
            self._write({"step": error.step, "code": error.code, "text": error.text})
        elif isinstance(error, OSError):
            self._write({"step": str(error.filename or "start"), "code": error.errno or 0, "text": reason(error)})
        else:
            self._write({"step": "start", "code": 0, "text": f"{type(error).__name__}: {error}"})


def records(text: bytes) -> Iterator[dict[str, Any]]:
    """The complete records in what has been read so far."""
    at = 0
    while len(text) >= at + 4:
        end = at + 4 + int.from_bytes(text[at : at + 4], "big")
        if len(text) < end:
            return
        yield marshal.loads(text[at + 4 : end])
        at = end
