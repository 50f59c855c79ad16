"""What is only looked at in an engine, or flows to and from it: the half of the place that changes no container."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

from boathook.compose.model import Project, Service
from boathook.compose.options import BuildWishes
from boathook.compose.place import Attached, ImageFacts, Member, PathStat, PlaceEvent, PlaceVolume
from boathook.events import EventStream
from boathook.runtimes.base import ContainerId, Image, LogLine, OutputSink, PullPolicy
from boathook.runtimes.docker.engine import Engine

if TYPE_CHECKING:
    from boathook.compose.engine.images import ProjectImages


class LookingPlace:
    """Each act lives in a module of its own, which is loaded when it is asked for."""

    engine: Engine

    @property
    def images(self) -> ProjectImages:
        raise NotImplementedError

    async def logs(
        self,
        container: ContainerId,
        *,
        follow: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        tail: int | None = None,
    ) -> AsyncIterator[LogLine]:
        from boathook.compose.engine.streams import container_logs

        async for line in container_logs(self.engine, container, follow=follow, since=since, until=until, tail=tail):
            yield line

    async def events(
        self, project: str, *, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[PlaceEvent]:
        from boathook.compose.engine.streams import project_events

        async for event in project_events(self.engine, project, since=since, until=until):
            yield event

    async def attach(self, container: ContainerId, output: OutputSink, *, stdin: int | None, tty: bool) -> Attached:
        from boathook.compose.engine.streams import AttachedStreams

        return await AttachedStreams(self.engine, container, output).open(stdin=stdin, tty=tty)

    async def stat_path(self, container: ContainerId, path: str) -> PathStat:
        from boathook.compose.engine import archives

        return await archives.stat_path(self.engine, container, path)

    async def copy_out(self, container: ContainerId, path: str, into: BinaryIO) -> None:
        from boathook.compose.engine import archives

        await archives.copy_out(self.engine, container, path, into)

    async def copy_in(
        self, container: ContainerId, directory: str, archive: BinaryIO, *, to_user: bool = False
    ) -> None:
        from boathook.compose.engine import archives

        await archives.copy_in(self.engine, container, directory, archive, to_user=to_user)

    async def top(self, container: ContainerId) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
        from boathook.compose.engine import looking

        return await looking.top(self.engine, container)

    async def image_facts(self, member: Member) -> ImageFacts:
        from boathook.compose.engine import looking

        return await looking.image_facts(self.engine, member)

    async def volumes(self, project: str) -> tuple[PlaceVolume, ...]:
        from boathook.compose.engine import looking

        return await looking.volumes(self.engine, project)

    async def pull(self, service: Service, policy: PullPolicy) -> Image:
        return await self.images.images.resolve(service.image, policy, platform=service.platform)

    async def build(self, project: Project, service: Service, events: EventStream, wishes: BuildWishes) -> str:
        from boathook.compose.engine.build import build_image

        return await build_image(self.engine, project, service, events, wishes)
