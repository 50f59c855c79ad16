"""The runs of hooks against one target, out of all runs of the journal: what ``describe`` shows."""

from __future__ import annotations

from dataclasses import dataclass

from boathook.events import HookFinished, HookStarted
from boathook.home import Home
from boathook.journal.history import reading, stamped_event


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRun:
    """One run of a hook. ``finished`` is None while it runs, and for good where nobody saw its end."""

    run: str
    """The run in the journal."""
    started: HookStarted
    finished: HookFinished | None


def hook_runs(home: Home, instance: str, *, limit: int = 50) -> tuple[HookRun, ...]:
    """The last ones, oldest first, against targets whose instance begins with ``instance`` (a pod's uid)."""
    if not home.journal.exists():
        return ()
    with reading(home) as connection:
        rows = connection.execute(
            "SELECT h.run, e.sequence, e.at, e.wall, e.version, e.event"
            " FROM hook_results h JOIN events e ON e.run = h.run AND e.sequence = h.sequence"
            " WHERE substr(h.instance, 1, length(?1)) = ?1 ORDER BY h.wall DESC, h.sequence DESC LIMIT ?2",
            (instance, 2 * limit),
        ).fetchall()
    found: list[HookRun] = []
    for run, *columns in reversed(rows):
        event = stamped_event(*columns).event
        if isinstance(event, HookStarted):
            found.append(HookRun(run=run, started=event, finished=None))
        elif isinstance(event, HookFinished):
            _finish(found, run, event)
    return tuple(found[-limit:])


def _finish(found: list[HookRun], run: str, event: HookFinished) -> None:
    for number, one in enumerate(found):
        same = (one.run, one.started.target, one.started.hook) == (run, event.result.target, event.result.hook)
        if same and one.finished is None:
            found[number] = HookRun(run=run, started=one.started, finished=event)
            return
