"""What is only looked at in the embedded place, or flows to and from it: the half that changes no container."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import BinaryIO

import anyio

from boathook.compose import model
from boathook.compose.embedded.facts import is_member, is_watched, member_of
from boathook.compose.embedded.following import AttachedLog, Follower
from boathook.compose.embedded.kept import Kept
from boathook.compose.embedded.preparing import ON_DOCKER
from boathook.compose.model import Project, Service
from boathook.compose.options import BuildWishes
from boathook.compose.place import Attached, ImageFacts, Member, PathStat, PlaceEvent, PlaceVolume
from boathook.errors import NotFound, UnsupportedHere
from boathook.events import EventStream
from boathook.runtimes.base import (
    Container,
    ContainerId,
    ContainerRuntime,
    ContainerState,
    Exit,
    Image,
    LogLine,
    OutputSink,
    PullPolicy,
)
from boathook.runtimes.inside import ShowsInside

TOP_TITLES = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")

_POLL_SECONDS = 0.1
"""How often a container of another process is looked at that may be started again."""


class LookingPlace:
    """Looks at containers of every process; what it tells of as it happens is this process's."""

    runtime: ContainerRuntime
    _kept: Kept

    async def members(self, project: str) -> tuple[Member, ...]:
        return tuple(member_of(one) for one in await self._containers(project) if is_member(one))

    async def inspect(self, container: ContainerId) -> Member:
        return member_of(await self.runtime.inspect(container))

    async def logs(
        self,
        container: ContainerId,
        *,
        follow: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        tail: int | None = None,
    ) -> AsyncIterator[LogLine]:
        follower = Follower(runtime=self.runtime, container=container, since=since, until=until)
        async for line in follower.lines(follow=follow, tail=tail):
            yield line

    async def events(
        self, project: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[PlaceEvent]:
        if since is not None:
            raise UnsupportedHere("what has happened is not remembered by --on local", hint="boathook history has it")
        async for where, event in self._kept.happenings.add():
            if until is not None and event.at > until:
                return
            if where == project:
                yield event

    async def stat_path(self, container: ContainerId, path: str) -> PathStat:
        found = await self._inside.stat_file(container, path)
        name = PurePosixPath(path).name or "/"
        return PathStat(name=name, mode=found.mode, size=found.size, link_target=found.link_target)

    async def copy_out(self, container: ContainerId, path: str, into: BinaryIO) -> None:
        await self._inside.read_files(container, path, into)

    async def copy_in(
        self, container: ContainerId, directory: str, archive: BinaryIO, *, to_user: bool = False
    ) -> None:
        uid, _, gid = (await self.runtime.inspect(container)).user.partition(":")
        owner = (int(uid), int(gid)) if to_user else None
        await self._inside.write_files(container, directory, archive, owner=owner)

    async def top(self, container: ContainerId) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        found = await self._inside.processes(container)
        return TOP_TITLES, tuple(
            (str(one.uid), str(one.pid), str(one.parent), "0", one.started, "?", one.used, one.command) for one in found
        )

    @property
    def _inside(self) -> ShowsInside:
        if isinstance(self.runtime, ShowsInside):
            return self.runtime
        raise UnsupportedHere(f"containers of {self.runtime.name} cannot be looked into", hint=ON_DOCKER)

    async def attach(self, container: ContainerId, output: OutputSink, *, stdin: int | None, tty: bool) -> Attached:
        if tty or stdin is not None:
            what = "a terminal" if tty else "standard input"
            raise UnsupportedHere(f"{what} is not given to a container by --on local", hint=ON_DOCKER)
        found = await self.runtime.inspect(container)
        since = None if found.state is ContainerState.CREATED else self._kept.clock.now()
        lines = self.logs(container, follow=True, since=since)
        return AttachedLog(lines=lines, output=output, ended=lambda: self.wait(container))

    async def wait(self, container: ContainerId) -> Exit:
        await self.runtime.inspect(container)
        try:
            while True:
                ended = await self.runtime.wait(container)
                if self._kept.watches.find(container) is not None:
                    await self._kept.watches.settled(container)
                elif is_watched(await self.runtime.inspect(container)):
                    await anyio.sleep(_POLL_SECONDS)  # Another process watches over it.
                else:
                    return ended
        except NotFound:
            return Exit(code=None, signal=None)

    async def image_facts(self, member: Member) -> ImageFacts:
        """Sizes and ages are the store's (``boathook image ls``): a container knows its files only."""
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
        return ImageFacts(id=member.image_id, platform=f"linux/{machine}", size=0, created=None, tagged=None)

    async def pull(self, service: Service, policy: PullPolicy) -> Image:
        return await self.runtime.resolve_image(service.image, policy)

    async def build(self, project: Project, service: Service, events: EventStream, wishes: BuildWishes) -> str:
        raise UnsupportedHere("images cannot be built without an engine", hint=ON_DOCKER)

    async def volumes(self, project: str) -> tuple[PlaceVolume, ...]:
        found = await self.runtime.list_volumes({model.PROJECT_LABEL: project})
        return tuple(
            PlaceVolume(name=one.name, driver="local", mountpoint=str(one.path or ""), labels=one.labels)
            for one in sorted(found, key=lambda one: one.name)
        )

    async def projects(self) -> Mapping[str, tuple[Member, ...]]:
        found: dict[str, list[Member]] = {}
        for one in await self.runtime.list({}):
            if is_member(one) and (project := one.spec.labels.get(model.PROJECT_LABEL)):
                found.setdefault(project, []).append(member_of(one))
        return {project: tuple(members) for project, members in found.items()}

    async def _containers(self, project: str) -> tuple[Container, ...]:
        return await self.runtime.list({model.PROJECT_LABEL: project})
