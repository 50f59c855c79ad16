"""Which of a project's containers a command is about, and what is said when there is none (spec 13.6). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from boathook.compose.place import Member, Status
from boathook.errors import NotFound, UsageError

_LISTED = (Status.RUNNING, Status.PAUSED, Status.RESTARTING)
"""What an engine lists when it is not asked for all."""


def is_up(member: Member) -> bool:
    return member.status in _LISTED and member.owner_alive


def listed(
    members: Iterable[Member], *, services: Collection[str] = (), everything: bool = True, oneoffs: bool = False
) -> list[Member]:
    """Those of these services (none named: all), by name. ``everything``: also what does not run."""
    found = (
        one
        for one in members
        if (everything or is_up(one)) and (oneoffs or not one.oneoff) and (not services or one.service in services)
    )
    return sorted(found, key=lambda one: one.name)


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
