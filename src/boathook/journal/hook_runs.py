"""The runs of hooks against one target, out of all runs of the journal: what ``describe`` shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from boathook.events import ContainerStarted, Event, HookFinished, HookOutput, HookStarted
from boathook.home import Home
from boathook.journal.history import reading, stamped_event


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRun:
    """One run of a hook. ``finished`` is None while it runs, and for good where nobody saw its end."""

    run: str
    """The run in the journal."""
    started: HookStarted
    finished: HookFinished | None
    first: bool = False
    """No other hook of its container ran since its run of the journal started that: a turn of hooks begins."""


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
        rows += connection.execute(
            "SELECT run, sequence, at, wall, version, event FROM events WHERE kind = ?2 AND run IN"
            " (SELECT run FROM hook_results WHERE substr(instance, 1, length(?1)) = ?1)"
            " AND substr(json_extract(event, '$.target.instance'), 1, length(?1)) = ?1",
            (instance, ContainerStarted.__name__),
        ).fetchall()
    rows.sort(key=lambda row: (row[3], row[1]))
    return paired((run, stamped_event(*columns).event) for run, *columns in rows)[-limit:]


def paired(told: Iterable[tuple[str, Event]]) -> tuple[HookRun, ...]:
    """The runs that these events of runs of the journal, oldest first, are about."""
    found: list[HookRun] = []
    fresh: set[tuple[str, str]] = set()
    for run, event in told:
        if isinstance(event, ContainerStarted):
            fresh.add((run, event.target.instance))
        elif isinstance(event, HookStarted):
            key = (run, event.target.instance)
            found.append(HookRun(run=run, started=event, finished=None, first=key in fresh))
            fresh.discard(key)
        elif isinstance(event, HookFinished):
            _finish(found, run, event)
    return tuple(found)


def _finish(found: list[HookRun], run: str, event: HookFinished) -> None:
    for number, one in enumerate(found):
        same = (one.run, one.started.target, one.started.hook) == (run, event.result.target, event.result.hook)
        if same and one.finished is None:
            found[number] = replace(one, finished=event)
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a hook wrote at one moment. ``run`` and ``sequence``: its place in the journal."""

    run: str
    sequence: int
    at: datetime
    output: HookOutput


def hook_output(home: Home, scope: str, *, since: datetime | None = None) -> tuple[Written, ...]:
    """What hooks wrote whose targets are in ``scope`` (a Compose project), in order of time."""
    if not home.journal.exists():
        return ()
    with reading(home) as connection:
        rows = connection.execute(
            "SELECT run, sequence, at, wall, version, event FROM events"
            " WHERE kind = ? AND wall >= ? AND json_extract(event, '$.target.scope') = ? ORDER BY wall, run, sequence",
            (HookOutput.__name__, "" if since is None else since.astimezone(UTC).isoformat(), scope),
        ).fetchall()
    found = []
    for run, *columns in rows:
        stamped = stamped_event(*columns)
        if isinstance(stamped.event, HookOutput):
            found.append(Written(run=run, sequence=stamped.sequence, at=stamped.wall, output=stamped.event))
    return tuple(found)
