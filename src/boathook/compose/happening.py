"""What happens to a project's containers, whoever does it.

An engine tells it. Where a place only knows of what its own process does, the containers are looked at again and
again, and what has changed between two looks is told in an engine's words.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime

import anyio

from boathook.clock import Clock, SystemClock
from boathook.compose.place import Member, PlaceEvent, ProjectPlace, Status
from boathook.errors import UnsupportedHere
from boathook.runtimes.base import ContainerId, Exit

_LOOK_SECONDS = 0.25

Standing = Mapping[ContainerId, Member]


async def happenings(
    place: ProjectPlace, project: str, *, since: datetime | None = None, until: datetime | None = None
) -> AsyncIterator[PlaceEvent]:
    """From now on, or from ``since``; until ``until``. Raises ``UnsupportedHere`` where the past is not known."""
    if place.tells_of_all:
        async for event in place.events(project, since=since, until=until):
            yield event
        return
    if since is not None:
        raise UnsupportedHere("what has happened is not remembered by --on local", hint="boathook history has it")
    async for event in _observed(place, project, until, SystemClock()):
        yield event


async def _observed(
    place: ProjectPlace, project: str, until: datetime | None, clock: Clock
) -> AsyncIterator[PlaceEvent]:
    before = await _standing(place, project)
    while until is None or clock.now() < until:
        await anyio.sleep(_LOOK_SECONDS)
        after = await _standing(place, project)
        for event in changes(before, after, clock.now()):
            yield event
        before = after


async def _standing(place: ProjectPlace, project: str) -> Standing:
    return {member.id: member for member in await place.members(project)}


def changes(before: Standing, after: Standing, now: datetime) -> Iterator[PlaceEvent]:
    """What must have happened between two looks, in the order in which it can have happened."""
    for id, member in after.items():
        yield from _changes(before.get(id), member, now)
    for id, member in before.items():
        if id not in after:
            if _is_up(member):
                yield _end(member, now)
            yield _event(member, "destroy", now)


def _changes(before: Member | None, after: Member, now: datetime) -> Iterator[PlaceEvent]:
    was_up = before is not None and _is_up(before)
    if before is None:
        yield _event(after, "create", after.created)
    if after.started is not None and (before is None or before.started != after.started):
        if before is not None and was_up:
            yield _end(before, after.started, after.last_exit)
        yield _event(after, "start", after.started)
        was_up = True
    if was_up and not _is_up(after):
        yield _end(after, after.finished or now)
    if before is not None:
        yield from _turns(before, after, now)


def _end(member: Member, at: datetime, ended: Exit | None = None) -> PlaceEvent:
    """Its exit code is known only where somebody has seen it; ``ended`` is given of one that runs again already."""
    ended = ended or member.exit
    code = ended.code if ended is not None else None
    return _event(member, "die", at, exitCode="" if code is None else str(code))


def _turns(before: Member, after: Member, now: datetime) -> Iterator[PlaceEvent]:
    """Of one that was there: paused, unpaused, renamed, in another health."""
    paused = (before.status is Status.PAUSED, after.status is Status.PAUSED)
    if paused[0] != paused[1] and _is_up(before) and _is_up(after):
        yield _event(after, "pause" if paused[1] else "unpause", now)
    if before.name != after.name:
        yield _event(after, "rename", now, oldName=before.name)
    if after.health is not None and before.health is not after.health and _is_up(after):
        yield _event(after, f"health_status: {after.health.value}", now)


def _is_up(member: Member) -> bool:
    return member.owner_alive and member.status in (Status.RUNNING, Status.PAUSED)


def _event(member: Member, action: str, at: datetime, **attributes: str) -> PlaceEvent:
    return PlaceEvent(
        container=member.id,
        service=member.service,
        name=member.name,
        action=action,
        attributes={**member.labels, "image": member.image, "name": member.name, **attributes},
        at=at,
    )
