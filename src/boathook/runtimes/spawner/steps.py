"""How a forked child tells the spawner how far it came: lines of JSON on a pipe that an execve closes."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class StepFailed(Exception):
    """A step on the way to a running process failed."""

    def __init__(self, step: str, code: int, text: str) -> None:
        super().__init__(step, code, text)
        self.step = step
        self.code = code
        self.text = text


@contextmanager
def step(name: str) -> Iterator[None]:
    """Name what is being done, so that a failure in it can be told to people."""
    try:
        yield
    except OSError as error:
        raise StepFailed(name, error.errno or 0, reason(error)) from error


def reason(error: OSError) -> str:
    """``no such file or directory``: the system's own words, in lower case as all our messages."""
    text = os.strerror(error.errno) if error.errno else str(error)
    return "exec format error" if error.errno == errno.ENOEXEC else text[:1].lower() + text[1:]


@dataclass(frozen=True)
class Report:
    """The writing end."""

    descriptor: int

    def _write(self, **what: object) -> None:
        os.write(self.descriptor, json.dumps(what).encode() + b"\n")

    def pid(self, pid: int) -> None:
        """The process that was asked for."""
        self._write(pid=pid)

    def ready(self) -> None:
        """Nothing is left to do but what cannot fail, or execve, whose failure is told after this."""
        self._write(ready=True)

    def failed(self, error: BaseException) -> None:
        if isinstance(error, StepFailed):
            self._write(step=error.step, code=error.code, text=error.text)
        elif isinstance(error, OSError):
            self._write(step=str(error.filename or "start"), code=error.errno or 0, text=reason(error))
        else:
            self._write(step="start", code=0, text=f"{type(error).__name__}: {error}")
