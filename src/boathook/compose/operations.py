"""What the process that owns a project's containers does for others: the supervisor, or an attached ``up``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from boathook.codec import from_json, to_json
from boathook.compose.model import Project
from boathook.compose.project import ProjectWorker
from boathook.compose.recovery import settle_project
from boathook.errors import BoathookError
from boathook.events import RunFinished, RunStarted
from boathook.home import Home
from boathook.journal import target_lock
from boathook.journal.context import Context
from boathook.model import JsonObject
from boathook.runtimes.base import ContainerRuntime, NetworkMode

LOCK_WAIT = timedelta(seconds=1)
"""How long a command waits for another one on the same project before it says who holds it."""


class Host(Protocol):
    """The process that containers belong to."""

    @property
    def home(self) -> Home: ...

    @property
    def runtime(self) -> ContainerRuntime: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A host that is only a command: for what nobody owns any more."""

    home: Home
    runtime: ContainerRuntime


def parameters(
    project: Project,
    *,
    services: tuple[str, ...] = (),
    network: str = NetworkMode.POD.value,
    grace: timedelta | None = None,
    volumes: bool = False,
) -> JsonObject:
    """What every operation here takes; the project goes whole, so that the owner reads no file and no environment."""
    return {
        "title": project.name,
        "project": to_json(project),
        "services": list(services),
        "network": network,
        "grace_seconds": None if grace is None else grace.total_seconds(),
        "volumes": volumes,
    }


async def up(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``compose.up``: bring the project up; returns when every post_start hook has ended."""
    worker = _worker(host, params, context)
    async with on_project(host.home, worker, "compose up"):
        await worker.up(_services(params))
    return {}


async def stop(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``compose.stop``: stop what runs, each after its pre_stop hooks."""
    worker = _worker(host, params, context)
    async with on_project(host.home, worker, "compose stop"):
        await worker.stop(_services(params), cause="stop", grace=_grace(params))
    return {}


async def down(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``compose.down``: stop and remove; says whether there was anything."""
    worker = _worker(host, params, context)
    async with on_project(host.home, worker, "compose down"):
        found = await worker.down(_services(params), volumes=params["volumes"] is True, grace=_grace(params))
    return {"found": found}


async def kill(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """``compose.kill``: end it now. It takes no lock: it is the way out of a hook that hangs."""
    worker = _worker(host, params, context)
    async with told_as_run(worker, "compose kill"):
        killed = await worker.kill(_services(params))
    return {"killed": killed}


@asynccontextmanager
async def on_project(home: Home, worker: ProjectWorker, command: str) -> AsyncIterator[None]:
    """Hold the project against other commands, tell the block as a run, and settle what a crash left owing before."""
    async with (
        target_lock(home, worker.project.name, command=command, wait=LOCK_WAIT),
        told_as_run(worker, command),
    ):
        await settle_project(worker.project.name, worker.context, worker.runtime)
        yield


@asynccontextmanager
async def told_as_run(worker: ProjectWorker, command: str) -> AsyncIterator[None]:
    """Emit the beginning and the end of a run around the block."""
    events = worker.context.events
    events.emit(
        RunStarted(title=worker.project.name, command=command, place=worker.runtime.name, facts=(command.split()[-1],))
    )
    try:
        yield
    except BoathookError as error:
        events.emit(RunFinished(succeeded=False, message=str(error)))
        raise
    events.emit(RunFinished(succeeded=True, message=""))


def _worker(host: Host, params: JsonObject, context: Context) -> ProjectWorker:
    return ProjectWorker(
        project=from_json(Project, params["project"]),
        runtime=host.runtime,
        context=context,
        network=NetworkMode(str(params["network"])),
    )


def _services(params: JsonObject) -> tuple[str, ...]:
    services = params["services"]
    return tuple(str(name) for name in services) if isinstance(services, list) else ()


def _grace(params: JsonObject) -> timedelta | None:
    seconds = params["grace_seconds"]
    return timedelta(seconds=seconds) if isinstance(seconds, int | float) else None
