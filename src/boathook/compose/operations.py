"""What can be done with a project, by name: ``compose.up`` and the like, each told by one value of options.

Who keeps the containers does it: the supervisor or an attached ``up``, which are asked over their sockets; or the
command itself, where the containers are an engine's or nobody's any more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from boathook.codec import from_json, to_json
from boathook.compose import options as o
from boathook.compose.model import Project
from boathook.compose.place import ProjectPlace
from boathook.compose.project import ProjectWorker
from boathook.compose.recovery import settle_project
from boathook.compose.remembered import JournalPast
from boathook.errors import BoathookError, OperationFailed
from boathook.events import RunFinished, RunStarted
from boathook.home import Home
from boathook.journal import target_lock
from boathook.journal.context import Context
from boathook.model import JsonObject
from boathook.objects import text
from boathook.runtimes.base import ContainerId, NetworkMode
from boathook.settings import DOCKER

LOCK_WAIT = timedelta(seconds=1)
"""How long a command waits for another one on the same project before it says who holds it."""


class Host(Protocol):
    """The process that does it."""

    @property
    def home(self) -> Home: ...

    @property
    def place(self) -> ProjectPlace: ...


def place_of(host: Host, params: JsonObject) -> ProjectPlace:
    """The host's, in the network that the asking command wishes for."""
    network = text(params, "settings", "network")
    if not network or host.place.name == DOCKER:
        return host.place
    # An engine's command does without it: it takes a while to load.
    from boathook.compose.embedded import EmbeddedPlace

    return host.place.on(NetworkMode(network)) if isinstance(host.place, EmbeddedPlace) else host.place


async def _up(worker: ProjectWorker, options: o.UpOptions) -> JsonObject:
    await worker.up(options)
    return {}


async def _start(worker: ProjectWorker, options: o.StartOptions) -> JsonObject:
    await worker.start(options)
    return {}


async def _stop(worker: ProjectWorker, options: o.StopOptions) -> JsonObject:
    await worker.stop(options)
    return {}


async def _restart(worker: ProjectWorker, options: o.RestartOptions) -> JsonObject:
    await worker.restart(options)
    return {}


async def _down(worker: ProjectWorker, options: o.DownOptions) -> JsonObject:
    return {"found": await worker.down(options)}


async def _remove(worker: ProjectWorker, options: o.RemoveOptions) -> JsonObject:
    return {"removed": list(await worker.remove(options))}


async def _kill(worker: ProjectWorker, options: o.KillOptions) -> JsonObject:
    return {"killed": await worker.kill(options)}


async def _pause(worker: ProjectWorker, options: o.StopOptions) -> JsonObject:
    await worker.pause(options.services)
    return {}


async def _unpause(worker: ProjectWorker, options: o.StopOptions) -> JsonObject:
    await worker.unpause(options.services)
    return {}


async def _discard(worker: ProjectWorker, options: o.DiscardOptions) -> JsonObject:
    await worker.place.remove(ContainerId(options.container))
    return {}


async def _run(worker: ProjectWorker, options: o.RunOptions) -> JsonObject:
    """Make a one-off container and start it; it says which, and which hook failed, and does not wait for its end."""
    member, failed = await worker.create_oneoff(options), ""
    try:
        await worker.start_oneoff(member, options.hooks)
    except OperationFailed as failure:
        failed = str(failure)
    return {"member": to_json(member), "failed": failed}


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One thing that can be done."""

    options: type[Any]
    do: Callable[[ProjectWorker, Any], Awaitable[JsonObject]]
    locked: bool = True
    """Whether it holds the project against other commands. What is a way out of a hook that hangs does not."""


WORKS: Mapping[str, Work] = {
    "compose.up": Work(options=o.UpOptions, do=_up),
    "compose.start": Work(options=o.StartOptions, do=_start),
    "compose.stop": Work(options=o.StopOptions, do=_stop),
    "compose.restart": Work(options=o.RestartOptions, do=_restart),
    "compose.down": Work(options=o.DownOptions, do=_down),
    "compose.remove": Work(options=o.RemoveOptions, do=_remove),
    "compose.kill": Work(options=o.KillOptions, do=_kill, locked=False),
    "compose.pause": Work(options=o.StopOptions, do=_pause),
    "compose.unpause": Work(options=o.StopOptions, do=_unpause),
    "compose.run": Work(options=o.RunOptions, do=_run),
    "compose.discard": Work(options=o.DiscardOptions, do=_discard, locked=False),
}

STARTING = frozenset({"compose.up", "compose.start", "compose.restart", "compose.unpause", "compose.run"})
"""What may start containers, which then belong to whoever does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be done with which project. It goes whole, so that who does it reads no file and no environment."""

    project: Project
    options: Any
    command: str
    """As its user calls it: ``compose up``."""
    parallel: int = 0

    def parameters(self) -> JsonObject:
        """As another process is told it."""
        return {
            "title": self.project.name,
            "command": self.command,
            "project": to_json(self.project),
            "parallel": self.parallel,
            "options": to_json(self.options),
            "services": list(getattr(self.options, "services", ())),
        }

    @classmethod
    def of_parameters(cls, name: str, params: JsonObject) -> Wish:
        return cls(
            project=from_json(Project, params["project"]),
            options=from_json(WORKS[name].options, params["options"]),
            command=text(params, "command"),
            parallel=int(text(params, "parallel") or 0),
        )


async def perform(name: str, wish: Wish, *, home: Home, place: ProjectPlace, context: Context) -> JsonObject:
    """Do what is called ``name``; what it found out."""
    work = WORKS[name]
    worker = ProjectWorker(
        project=wish.project, place=place, context=context, past=JournalPast(home), parallel=wish.parallel
    )
    around = on_project(home, worker, wish.command) if work.locked else told_as_run(worker, wish.command)
    async with around:
        return await work.do(worker, wish.options)


def operation(name: str) -> Callable[[Host, JsonObject, Context], Awaitable[JsonObject]]:
    """It, as a host's table of operations wants it."""

    async def do(host: Host, params: JsonObject, context: Context) -> JsonObject:
        wish = Wish.of_parameters(name, params)
        return await perform(name, wish, home=host.home, place=place_of(host, params), context=context)

    return do


up = operation("compose.up")
start = operation("compose.start")
stop = operation("compose.stop")
restart = operation("compose.restart")
down = operation("compose.down")
remove = operation("compose.remove")
kill = operation("compose.kill")
pause = operation("compose.pause")
unpause = operation("compose.unpause")
run = operation("compose.run")
discard = operation("compose.discard")


@asynccontextmanager
async def on_project(home: Home, worker: ProjectWorker, command: str) -> AsyncIterator[None]:
    """Hold the project against other commands, tell the block as a run, and settle what a crash left owing before."""
    async with (
        target_lock(home, worker.project.name, command=command, wait=LOCK_WAIT),
        told_as_run(worker, command),
    ):
        await settle_project(worker.project.name, worker.context, worker.place)
        yield


@asynccontextmanager
async def told_as_run(worker: ProjectWorker, command: str) -> AsyncIterator[None]:
    """Emit the beginning and the end of a run around the block."""
    events = worker.context.events
    events.emit(
        RunStarted(title=worker.project.name, command=command, place=worker.place.name, facts=(command.split()[-1],))
    )
    try:
        yield
    except BoathookError as error:
        events.emit(RunFinished(succeeded=False, message=str(error)))
        raise
    events.emit(RunFinished(succeeded=True, message=""))
