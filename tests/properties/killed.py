"""A child process that is killed with SIGKILL right after its n-th event, as a machine might do it at any moment.

``python -m tests.properties.killed N cli ARG…`` runs the command line, ``… N call MODULE:FUNCTION`` a coroutine
function that takes the home; ``… N supervisor ARG…`` runs the command line and kills the supervisor instead.
Nothing is told to the code under test: the event stream of the child counts.
``until_it_ends`` runs it again and again, one event further each time, until it comes to its end.
What was killed has said last after which kind of event: ``event_at`` returns that.
"""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import anyio

from boathook.events import Event, EventStream, HookOutput
from boathook.home import Home
from boathook.supervisor.client import supervisor_pid

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 60
LAST_WORD = "killed after "
MOST_EVENTS = 500
"""A scenario that has not ended by then does not end."""


def killed_after(number: int, home: Home, *scenario: str, cwd: Path = ROOT) -> bool:
    """Run the scenario in a child; True when it was killed after its n-th event, False when it ended before that."""
    return event_at(number, home, *scenario, cwd=cwd) is not None


def event_at(number: int, home: Home, *scenario: str, cwd: Path = ROOT) -> str | None:
    """Run the scenario in a child that is killed after its n-th event; the kind of that. None: it ended before."""
    child = ended_at(number, home, *scenario, cwd=cwd)
    assert child.returncode in (0, -signal.SIGKILL), child.stdout
    return child.stdout.rpartition(LAST_WORD)[2].strip() if child.returncode else None


def ended_at(number: int, home: Home, *scenario: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the scenario in a child, which (or whose supervisor) is killed after its n-th event, and how it ended."""
    environment = os.environ | {
        "BOATHOOK_HOME": str(home.path),
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT), *sys.path)),
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.properties.killed", str(number), *scenario],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def until_it_ends(home: Home, *scenario: str, cwd: Path = ROOT) -> Iterator[int]:
    """Yield each n at which the scenario was killed, right after it was; end when it was not killed any more."""
    for number in itertools.count(1):
        assert number < MOST_EVENTS, "the scenario does not end"
        if not killed_after(number, home, *scenario, cwd=cwd):
            return
        yield number


@dataclass(frozen=True, slots=True)
class Killed:
    """What was killed: which process, after which kind of event."""

    pid: int
    event: str


def killed_in_fork(number: int, home: Home, function: str) -> Killed | None:
    """As ``event_at`` for ``call FUNCTION``, in a fork of a process that has imported it before: in half the time."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(
        [function.partition(":")[0], "boathook.cluster.local", "boathook.runtimes.bubblewrap"]
    )
    receiver, sender = server.Pipe(duplex=False)
    child = server.Process(target=_call_in_fork, args=(number, str(home.path), function, sender))
    child.start()
    sender.close()
    with receiver:
        child.join(SECONDS)
        assert child.exitcode in (0, -signal.SIGKILL), f"{function} ended with {child.exitcode}"
        killed, pid = child.exitcode != 0, child.pid
        child.close()
        return Killed(pid or 0, receiver.recv()) if killed else None


def _call_in_fork(number: int, home: str, function: str, sender: Connection) -> None:
    os.environ["BOATHOOK_HOME"] = home
    _die_after(number, sender.send)
    _call(function)


def _supervisor() -> int | None:
    return supervisor_pid(Home.find())


def _die_after(number: int, tell: Callable[[str], None], victim: Callable[[], int | None] = os.getpid) -> None:
    """Let a process, if it is there, be killed after this one's n-th event; ``tell`` hears the kind of that before.

    Output that follows on output does not count: in how many pieces it comes is not the same each time.
    """
    left = number
    last: Event | None = None
    emit = EventStream.emit

    def emit_and_die(self: EventStream, event: Event) -> None:
        nonlocal left, last
        emit(self, event)
        if isinstance(last, HookOutput) and isinstance(event, HookOutput):
            return
        last = event
        left -= 1
        if left == 0 and (pid := victim()) is not None:
            tell(type(event).__name__)
            os.kill(pid, signal.SIGKILL)

    EventStream.emit = emit_and_die  # type: ignore[method-assign]


def _call(function: str) -> None:
    module, _, name = function.partition(":")
    anyio.run(getattr(importlib.import_module(module), name), Home.find())


def _main(number: str, how: str, *rest: str) -> None:
    victim: Callable[[], int | None] = _supervisor if how == "supervisor" else os.getpid
    _die_after(int(number), lambda kind: print(f"\n{LAST_WORD}{kind}", flush=True), victim)
    if how in ("cli", "supervisor"):
        from boathook.cli.main import main

        main(list(rest))
    _call(rest[0])


if __name__ == "__main__":
    _main(*sys.argv[1:])
