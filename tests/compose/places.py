"""Projects where they really live: in containers of the embedded runtime, or of a Docker Engine."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import anyio

from boathook import events as e
from boathook.clock import SystemClock
from boathook.compose.embedded import EmbeddedPlace
from boathook.compose.engine import EnginePlace
from boathook.compose.options import DownOptions
from boathook.compose.parse import parse_project
from boathook.compose.place import Member, ProjectPlace
from boathook.compose.project import ProjectWorker
from boathook.compose.reading.files import read_text
from boathook.events import EventStream
from boathook.home import Home
from boathook.journal import Context, MemoryObligations
from boathook.model import HookResult
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from tests.compose.build import EXAMPLES, backend_images
from tests.peers.docker import IMAGE, TestEngine

PROJECT = "demo"
SECONDS = 20
VARIABLES = {"TOKEN": "token"}


@dataclass
class Real:
    """A project where it really lives, and what has happened to it."""

    worker: ProjectWorker
    happened: list[e.Event] = field(default_factory=list)

    @property
    def hooks(self) -> list[HookResult]:
        return [event.result for event in self.happened if isinstance(event, e.HookFinished)]

    def outputs(self) -> dict[str, str]:
        """What each hook wrote, by container and hook."""
        return {
            f"{one.target.name} {one.hook.name}": one.stdout.text.strip()
            for one in self.hooks
            if one.stdout is not None
        }

    async def member(self, service: str = "app") -> Member:
        return next(one for one in await self.worker.members() if one.service == service)

    async def log(self, member: Member) -> str:
        return "".join([f"{line.text}\n" async for line in self.worker.place.logs(member.id)])

    async def until_logged(self, text: str, member: Member | None = None) -> str:
        """The line of a container (of the service ``app``) that has this in it."""
        container = (member or await self.member()).id
        with anyio.fail_after(SECONDS):
            async for line in self.worker.place.logs(container, follow=True):
                if text in line.text:
                    return line.text
        raise AssertionError(f"the container ended without {text!r}")


Begin: TypeAlias = Callable[[str], AbstractAsyncContextManager[Real]]


def set_up(engine: TestEngine) -> None:
    """Make the examples' image in the engine, as its user does."""
    engine.docker("tag", IMAGE, "busybox")
    subprocess.run([EXAMPLES / "post-start" / "set-up", "docker"], check=True, capture_output=True, timeout=60)


@asynccontextmanager
async def embedded(home: Home, text: str, directory: Path | None = None) -> AsyncIterator[Real]:
    async with (
        BubblewrapRuntime(home, images=backend_images(home)) as runtime,
        anyio.create_task_group() as tasks,
        EmbeddedPlace(runtime, tasks=tasks) as place,
        _lived(place, text, directory or home.path) as found,
    ):
        yield found
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def in_engine(home: Home, text: str, directory: Path) -> AsyncIterator[Real]:
    """Its containers and volumes are gone at the end."""
    async with EnginePlace(home, offline=True) as place, _lived(place, text, directory) as found:
        try:
            yield found
        finally:
            with anyio.CancelScope(shield=True):
                await found.worker.kill()
                await found.worker.down(DownOptions(volumes=True))


@asynccontextmanager
async def _lived(place: ProjectPlace, text: str, directory: Path) -> AsyncIterator[Real]:
    project = parse_project(
        text, file="compose.yaml", directory=directory, name=PROJECT, variables=VARIABLES, read=read_text
    ).project
    events = EventStream()
    context = Context(events=events, clock=SystemClock(), obligations=MemoryObligations(SystemClock()))
    found = Real(ProjectWorker(project=project, place=place, context=context))
    with events.listening(lambda stamped: found.happened.append(stamped.event)):
        yield found
