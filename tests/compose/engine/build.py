"""Projects on a real engine, for tests: their files, both tools that work on them, and what the engine has of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from boathook.clock import SystemClock
from boathook.compose import labels
from boathook.compose.engine import EnginePlace
from boathook.compose.model import Project
from boathook.compose.options import ImageWishes
from boathook.compose.place import Making, Member, Ready
from boathook.compose.project import ProjectWorker
from boathook.compose.reading.files import load_project
from boathook.events import EventStream, Noted, Stamped
from boathook.home import Home
from boathook.journal import Context, MemoryObligations
from tests.peers.compose import run_compose
from tests.peers.docker import IMAGE, TestEngine

DOCKER, PODMAN = "docker_engine", "podman_engine"
EVERY_ENGINE = pytest.mark.parametrize("site", [DOCKER, pytest.param(PODMAN, marks=pytest.mark.root)], indirect=True)
"""For tests that hold on Podman's compatible socket, too."""


@dataclass(slots=True)
class OnEngine:
    """A project's directory, and the engine that it lives in."""

    directory: Path
    engine: TestEngine
    heard: list[Stamped] = field(default_factory=list)
    listening: ExitStack = field(default_factory=ExitStack)

    def write(self, text: str, *, name: str = "shop") -> Project:
        """Make it the project's file; ``IMAGE`` stands for the image that the engine has."""
        file = self.directory / "compose.yaml"
        file.write_text(f"name: {name}\n{text.replace('IMAGE', IMAGE)}")
        return load_project(file, name=None, environment={}).project

    def peer(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The real Docker Compose on the same files and engine."""
        return run_compose(*arguments, cwd=self.directory, environment={"DOCKER_HOST": self.engine.address})

    def inspect(self, *names: str) -> Any:
        """What the engine says of containers, by the docker CLI."""
        return json.loads(self.engine.docker("container", "inspect", *names))

    def containers(self, project: str = "shop") -> list[str]:
        """Their names, of whatever kind they are."""
        listed = self.engine.docker(
            "ps", "-a", "--filter", f"label=com.docker.compose.project={project}", "--format", "{{.Names}}"
        )
        return sorted(listed.split())

    @property
    def notes(self) -> list[str]:
        return [one.event.finding.message for one in self.heard if isinstance(one.event, Noted)]

    def worker(self, place: EnginePlace, project: Project) -> ProjectWorker:
        events = EventStream()
        context = Context(events=events, clock=SystemClock(), obligations=MemoryObligations())
        self._listen(events)
        return ProjectWorker(project=project, place=place, context=context)

    def events(self) -> EventStream:
        events = EventStream()
        self._listen(events)
        return events

    def _listen(self, events: EventStream) -> None:
        self.listening.enter_context(events.listening(self.heard.append))

    def clear(self) -> None:
        """Whatever a test left."""
        for kind, remove in (("ps", "rm"), ("network", "network"), ("volume", "volume")):
            listing = ["ps", "-aq"] if kind == "ps" else [kind, "ls", "-q"]
            found = self.engine.docker(*listing, "--filter", "label=com.docker.compose.project").split()
            if found:
                removal = ["rm", "-f", "-v"] if remove == "rm" else [remove, "rm"]
                self.engine.docker(*removal, *found)


@contextmanager
def on_engine(directory: Path, engine: TestEngine) -> Iterator[OnEngine]:
    made = OnEngine(directory, engine)
    try:
        yield made
    finally:
        made.listening.close()
        made.clear()


@asynccontextmanager
async def a_place(home: Home) -> AsyncIterator[EnginePlace]:
    async with EnginePlace(home, offline=True) as place:
        yield place


async def prepared(place: EnginePlace, project: Project, events: EventStream) -> dict[str, Ready]:
    """Everything but the containers."""
    ready = await place.prepare(project, project.services, ImageWishes(), events)
    await place.create_networks(project, project.services, events)
    await place.create_volumes(project, ready, events)
    return dict(ready)


async def create(place: EnginePlace, project: Project, ready: Ready, number: int = 1) -> Member:
    """One container, as ``up`` makes it."""
    service = ready.service
    making = Making(
        name=labels.container_name(project, service, number),
        number=number,
        labels=labels.container_labels(project, service, image_id=ready.image_id, number=number),
    )
    return await place.create(project, ready, making)
