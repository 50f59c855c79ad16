"""Which of a project's containers a command is about, and what is said when there is none (spec 13.6). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from boathook.errors import NotFound, UsageError

if TYPE_CHECKING:
    from boathook.compose.place import Member


def listed(
    members: Iterable[Member], *, services: Collection[str] = (), everything: bool = True, oneoffs: bool = False
) -> list[Member]:
    """Those of these services (none named: all), by name. ``everything``: also what does not run."""
    found = (
        one
        for one in members
        if (everything or one.stoppable) and (oneoffs or not one.oneoff) and (not services or one.service in services)
    )
    return sorted(found, key=lambda one: one.name)


def removable(members: Iterable[Member], services: Collection[str], *, running: bool = False) -> list[Member]:
    """Those that ``rm`` takes: of these services, no one-offs; with ``running`` also what has to be stopped first."""
    return [one for one in members if one.service in services and not one.oneoff and (running or not one.stoppable)]


def one_of(
    members: Iterable[Member], service: str, index: int = 0, *, everything: bool = False, oneoffs: bool = True
) -> Member:
    """The container of that number, else the first, one-offs last. Raises ``NotFound`` in the peer's words."""
    found = [
        one
        for one in listed(members, services=(service,), everything=everything, oneoffs=oneoffs)
        if not index or one.number == index
    ]
    if not found:
        which = f" container #{index}" if index else ""
        raise NotFound(f'service "{service}" is not running{which}')
    return min(found, key=lambda one: (one.oneoff, one.number))


def refuse_unknown(services: Iterable[str], known: Collection[str]) -> None:
    """Raises ``UsageError`` for a service that the file has not."""
    for service in services:
        if service not in known:
            raise UsageError(f"no such service: {service}")
