"""Decides what becomes of each container of a project, and which are made. Pure: what stands in, a plan out."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from boathook.compose.labels import container_name, is_temporary, temporary_name
from boathook.compose.model import Project, Service
from boathook.compose.place import Member, Status
from boathook.errors import UsageError
from boathook.runtimes.base import ContainerId


class Recreation(Enum):
    """When a container that stands is replaced."""

    NEVER = "never"
    DIVERGED = "diverged"
    """When it is not as the file wants it."""
    FORCE = "force"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacing:
    """A container that another one takes the place of: made beside it, then given its name."""

    member: Member
    number: int
    name: str
    temporary: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adding:
    """A container that is missing."""

    number: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """A container that has taken another's place, but has not got its name yet: that was interrupted."""

    member: Member
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePlan:
    """What becomes of one service's containers."""

    service: str
    scale: int
    discard: tuple[Member, ...]
    """Half-made ones that were to take the place of others that still stand: never started, so simply removed."""
    rename: tuple[Renaming, ...]
    remove: tuple[Member, ...]
    """Those too many, first what is obsolete, then the highest numbers."""
    replace: tuple[Replacing, ...]
    keep: tuple[Member, ...]
    """In ascending number, under the names that they are to have."""
    add: tuple[Adding, ...]

    @property
    def ends_something(self) -> bool:
        """Whether a container is stopped or removed, so that the order of services counts."""
        return bool(self.remove or self.replace)


def scale_of(service: Service, wished: Mapping[str, int]) -> int:
    """How many containers a service is to have. Raises ``UsageError`` where its own name allows only one."""
    scale = wished.get(service.name, service.scale)
    if scale > 1 and service.container_name:
        raise UsageError(
            f'The "{service.name}" service is using the custom container name "{service.container_name}". Docker'
            " requires each container to have a unique name. Remove the custom name to scale the service"
        )
    return scale


def plan_service(
    project: Project,
    service: Service,
    scale: int,
    members: Iterable[Member],
    differences: Mapping[ContainerId, str],
    recreation: Recreation,
) -> ServicePlan:
    """``members``: those of the service that stand, no one-offs; ``differences``: why some are not as wanted."""
    discard, rename, standing = _without_half_made(project, service, members)
    reasons = {one.id: why for one in standing if (why := _obsolete(one, differences, recreation)) is not None}
    ordered = sorted(standing, key=lambda one: (one.id in reasons, one.number))
    kept, surplus = ordered[:scale], ordered[scale:]
    replace = tuple(_replacing(project, service, one, reasons[one.id]) for one in kept if one.id in reasons)
    following = max((one.number for one in standing), default=0) + 1
    missing = range(following, following + max(scale - len(standing), 0))
    return ServicePlan(
        service=service.name,
        scale=scale,
        discard=discard,
        rename=rename,
        remove=tuple(reversed(surplus)),
        replace=replace,
        keep=tuple(sorted((one for one in kept if one.id not in reasons), key=lambda one: one.number)),
        add=tuple(Adding(number=number, name=container_name(project, service, number)) for number in missing),
    )


def orphans(project: Project, members: Iterable[Member]) -> tuple[Member, ...]:
    """Containers of services that the file does not know, and one-offs that have ended. Disabled services are known."""
    known = project.names | frozenset(project.disabled)
    return tuple(one for one in members if _is_orphan(one, known))


def _is_orphan(member: Member, known: frozenset[str]) -> bool:
    if member.oneoff:
        return not member.stoppable and member.status is not Status.CREATED
    return member.service not in known


def _without_half_made(
    project: Project, service: Service, members: Iterable[Member]
) -> tuple[tuple[Member, ...], tuple[Renaming, ...], list[Member]]:
    """What an interrupted replacement left: to be discarded while the old container stands, else to be renamed."""
    found = tuple(members)
    half_made = {one.id for one in found if is_temporary(one.name, container_name(project, service, one.number))}
    taken = {one.number for one in found if one.id not in half_made}
    discard, rename, standing = [], [], []
    for one in sorted(found, key=lambda one: one.created, reverse=True):
        if one.id not in half_made:
            standing.append(one)
        elif one.number in taken and not one.stoppable:
            discard.append(one)
        else:
            name = container_name(project, service, one.number)
            if one.number not in taken:
                rename.append(Renaming(member=one, name=name))
            taken.add(one.number)
            standing.append(dataclasses.replace(one, name=name))
    return tuple(discard), tuple(rename), standing


def _obsolete(member: Member, differences: Mapping[ContainerId, str], recreation: Recreation) -> str | None:
    """Why it is replaced; None: it stays."""
    if not member.owner_alive:
        return "the process that ran it is gone"
    if recreation is Recreation.NEVER:
        return None
    if recreation is Recreation.FORCE:
        return "forced"
    return "it is dead" if member.status is Status.DEAD else differences.get(member.id)


def _replacing(project: Project, service: Service, member: Member, reason: str) -> Replacing:
    name = container_name(project, service, member.number)
    return Replacing(
        member=member, number=member.number, name=name, temporary=temporary_name(member.id, name), reason=reason
    )
