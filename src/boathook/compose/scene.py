"""What every act on a project needs: the project, where it lives, who hears of it, and how much may go on at once."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from boathook.compose.model import Project
from boathook.compose.place import Member, ProjectPlace, member_target
from boathook.events import ContainerExited, ContainerRemoved, Noted, PhaseChanged
from boathook.journal.context import Context
from boathook.model import Finding, Severity, Source, Target
from boathook.runtimes.base import ContainerId, Exit


def none_attached(members: Sequence[Member]) -> None:
    """Nobody is attached to them."""


def random_slug() -> str:
    """64 hexadecimal digits, as the peer gives to each one-off."""
    return os.urandom(32).hex()


@dataclass(slots=True, kw_only=True)
class Scene:
    """One command's view of a project. It remembers nothing of what stands; that is asked of the place."""

    project: Project
    place: ProjectPlace
    context: Context
    starting: Callable[[Sequence[Member]], None] = none_attached
    """Told of all containers of an ``up`` at once, when they are made and before the first of them starts."""
    slug: Callable[[], str] = random_slug
    told_exits: set[ContainerId] = field(default_factory=set)
    """Containers whose end has been told."""
    _slots: anyio.Semaphore | None = None

    def limit(self, parallel: int) -> None:
        """From now on so many containers are worked on at once; 0: no limit."""
        self._slots = anyio.Semaphore(parallel) if parallel > 0 else None

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """A turn to work on one container. Nobody waits for another container inside it."""
        if self._slots is None:
            yield
            return
        async with self._slots:
            yield

    def target(self, member: Member) -> Target:
        return member_target(self.project.name, member)

    def phase(self, member: Member, phase: str, reason: str | None = None) -> None:
        self.context.events.emit(PhaseChanged(target=self.target(member), phase=phase, reason=reason))

    def warn(self, kind: str, message: str, *, source: Source | None = None, remedy: str | None = None) -> None:
        """Say something that is worth saying and stops nothing. ``source`` None: it is about no place in a file."""
        source = source or Source(file="", line=None, column=None, path="")
        finding = Finding(
            id=f"compose.{kind}", severity=Severity.WARNING, source=source, message=message, remedy=remedy
        )
        self.context.events.emit(Noted(finding=finding))

    def tell_exit(self, member: Member, ended: Exit) -> None:
        """Emit that it has ended, once, whoever saw it first."""
        if member.id in self.told_exits:
            return
        self.told_exits.add(member.id)
        self.context.events.emit(
            ContainerExited(target=self.target(member), exit_code=ended.code, signal=ended.signal, explanation=None)
        )

    def tell_started(self, member: Member) -> None:
        """It runs (again): its next end is news."""
        self.told_exits.discard(member.id)

    async def members(self) -> tuple[Member, ...]:
        """Everything of the project that stands, one-offs included."""
        return await self.place.members(self.project.name)

    async def remove(self, member: Member, *, volumes: bool) -> None:
        """Delete a container; ``volumes``: with those of its volumes that have no name."""
        await self.place.remove(member.id, volumes=volumes)
        self.context.events.emit(ContainerRemoved(target=self.target(member)))


def by_service(members: Iterable[Member]) -> dict[str, list[Member]]:
    """Containers by the service that they are of."""
    found: dict[str, list[Member]] = {}
    for one in members:
        found.setdefault(one.service, []).append(one)
    return found
