"""A project in the embedded place, without order or hooks: short ways to make, start and look at containers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import anyio

from boathook.clock import Clock, LoopClock, SystemClock
from boathook.compose import labels
from boathook.compose.embedded import EmbeddedPlace
from boathook.compose.model import Project
from boathook.compose.options import ImageWishes, OneOff
from boathook.compose.parse import parse_project
from boathook.compose.place import Making, Member, Ready
from boathook.events import EventStream, Stamped
from boathook.home import Home
from boathook.images.model import ImageConfig
from boathook.model import Stream
from boathook.runtimes.assumptions import Assumption, Assumptions
from boathook.runtimes.base import ContainerId, ContainerRuntime, ExecSpec, Exit, Image, NetworkMode, PullPolicy
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from boathook.runtimes.simulated import SimulatedRuntime

GRACE = timedelta(seconds=10)


def a_project(text: str, directory: Path = Path("/project"), **variables: str) -> Project:
    return parse_project(
        text,
        file="compose.yaml",
        directory=directory,
        name="demo",
        variables=variables,
        read=lambda path: None,
    ).project


@dataclass(slots=True, kw_only=True)
class Living:
    """One project in a place."""

    place: EmbeddedPlace
    project: Project
    events: EventStream = field(default_factory=EventStream)
    told: list[Stamped] = field(default_factory=list)
    ready: Mapping[str, Ready] = field(default_factory=dict)

    async def prepared(self, *names: str) -> None:
        services = [one for one in self.project.services if not names or one.name in names]
        self.ready = await self.place.prepare(self.project, services, ImageWishes(), self.events)
        await self.place.create_networks(self.project, services, self.events)
        await self.place.create_volumes(self.project, self.ready, self.events)

    async def create(self, name: str, /, number: int = 1, **changes: object) -> Member:
        if not self.ready:
            await self.prepared()
        return await self.place.create(self.project, self.ready[name], self.making(name, number, **changes))

    def making(self, name: str, /, number: int = 1, **changes: object) -> Making:
        ready = self.ready[name]
        service = ready.service
        if isinstance(changes.get("oneoff"), OneOff):
            given = labels.oneoff_labels(self.project, service, image_id=ready.image_id, slug="0" * 64)
            called = labels.oneoff_name(self.project, service, "0" * 64)
        else:
            given = labels.container_labels(self.project, service, image_id=ready.image_id, number=number)
            called = labels.container_name(self.project, service, number)
        return replace(Making(name=called, number=number, labels=given), **changes)  # type: ignore[arg-type]

    async def start(self, member: Member) -> None:
        await self.place.start(member.id, self.ready[member.service].service)

    async def started(self, name: str, /, number: int = 1, **changes: object) -> Member:
        member = await self.create(name, number, **changes)
        await self.start(member)
        return await self.place.inspect(member.id)

    async def stop(self, member: Member, grace: timedelta = GRACE) -> Exit:
        return await self.place.stop(
            member, grace=grace, signal=member.stop_signal, signalled=lambda signal, left: None
        )

    async def run(self, container: ContainerId, *command: str, **changes: object) -> tuple[Exit, str]:
        """Exit and output of an exec."""
        kept = bytearray()

        def keep(stream: Stream, chunk: bytes) -> None:
            kept.extend(chunk)

        execution = await self.place.exec(container, ExecSpec(command=command, **changes), keep)  # type: ignore[arg-type]
        return await execution.wait(), kept.decode()

    async def says(self, container: ContainerId, *command: str, **changes: object) -> str:
        """What a command that succeeds writes."""
        ended, output = await self.run(container, *command, **changes)
        assert ended.ok, output
        return output.rstrip("\n")

    async def log(self, container: ContainerId) -> list[str]:
        return [line.text async for line in self.place.logs(container)]

    async def logged(self, container: ContainerId, text: str, times: int = 1) -> None:
        """Until its log has a line ``times`` times."""
        async for line in self.place.logs(container, follow=True):
            times -= line.text == text
            if times == 0:
                return
        raise AssertionError(f"{text!r} was not written")

    @property
    def warnings(self) -> list[str]:
        from boathook.events import Noted

        return [one.event.finding.message for one in self.told if isinstance(one.event, Noted)]


@asynccontextmanager
async def living(
    project: Project | str, runtime: ContainerRuntime, *, clock: Clock | None = None, **changes: object
) -> AsyncIterator[Living]:
    """A project in a runtime that is open; what is watched ends with the block."""
    project = project if isinstance(project, Project) else a_project(project)
    async with anyio.create_task_group() as tasks:
        place = EmbeddedPlace(runtime, tasks=tasks, clock=clock or SystemClock(), **changes)  # type: ignore[arg-type]
        one = Living(place=place, project=project)
        with one.events.listening(one.told.append):
            yield one
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def simulated(project: str, *assume: Assumption) -> AsyncIterator[Living]:
    """In virtual time: call it inside ``run_virtual``."""
    async with (
        SimulatedRuntime(Assumptions(assume)) as runtime,
        living(project, runtime, clock=LoopClock(), host_paths=False) as one,
    ):
        yield one


class OneImage:
    """Resolves every reference to the same image."""

    def __init__(self, image: Image) -> None:
        self._image = image

    async def resolve(self, reference: str, policy: PullPolicy) -> Image:
        return replace(self._image, reference=reference)


def a_root(home: Home, **config: object) -> Image:
    """A root of mount points with the host's own programs in it, and something at /data."""
    root = home.path / "skeleton"
    if not root.exists():
        for name in ("dev", "etc", "proc", "sys", "tmp", "run", "root", "data/inner"):
            (root / name).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        (root / "data/app.db").write_text("rows\n")
        passwd = "root:x:0:0:root:/root:/bin/sh\napp:x:1001:1001::/home/app:/bin/sh\n"
        (root / "etc/passwd").write_text(passwd)
        (root / "etc/nsswitch.conf").write_text("hosts: files\n")
    return Image(
        reference="skeleton",
        origin="image map",
        stand_in=False,
        layers=(root,),
        host_system=True,
        config=ImageConfig(**config),  # type: ignore[arg-type]
    )


@asynccontextmanager
async def real(
    home: Home, project: Project | str, *, image: Image | None = None, network: NetworkMode = NetworkMode.POD
) -> AsyncIterator[Living]:
    """In containers built by bubblewrap."""
    project = project if isinstance(project, Project) else a_project(project, directory=home.path)
    async with (
        BubblewrapRuntime(home, images=OneImage(image or a_root(home))) as runtime,
        living(project, runtime, network=network) as one,
    ):
        yield one


def takes(point: str, name: str, seconds: float, *, exit_code: int | None = None) -> Assumption:
    return Assumption(point=point, name=name, duration=timedelta(seconds=seconds), exit_code=exit_code)
