"""Builders for contexts, targets and past owners around a real journal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from boathook.clock import SystemClock
from boathook.events import EventStream
from boathook.home import Home
from boathook.journal import Context, Journal, SqliteObligations
from boathook.model import Target

TARGET = Target(kind="container", scope="default/db", name="app", instance="uid/0")
ROOT = Path(__file__).resolve().parent.parent.parent


@asynccontextmanager
async def a_context(home: Home, *, command: str = "test") -> AsyncIterator[Context]:
    """An open journal with one run, as a command has it."""
    events = EventStream()
    async with Journal.open(home) as journal:
        run = await journal.begin(command=command, title="a test")
        with events.listening(run.listener):
            yield Context(events=events, clock=SystemClock(), obligations=SqliteObligations(journal, run.id))


def a_child(code: str, home: Home) -> subprocess.Popen[str]:
    """Another process that runs ``code`` with ``home`` defined; it is told by lines on its standard input."""
    script = f"from pathlib import Path\nfrom boathook.home import Home\nhome = Home(Path({str(home.path)!r}))\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def ended(child: subprocess.Popen[str]) -> int:
    """Wait for it; its exit code."""
    child.communicate(timeout=60)
    return child.returncode
