"""What is done to one container of an engine: start, stop, signal, wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import anyio

from boathook.compose.engine.listing import inspected
from boathook.compose.model import GrantedFile, Service
from boathook.compose.place import Member
from boathook.errors import BoathookError, Conflict, CouldNotStart, NotFound, NotRunning
from boathook.runtimes.base import ContainerId, Exit
from boathook.runtimes.docker.engine import Engine, Refused
from boathook.runtimes.docker.state import exit_of_state

Signalled = Callable[[str, timedelta | None], None]

_POLL_SECONDS = 0.1
_UNSEEN = Exit(code=None, signal=None)
_BEFORE_START = ("created", "configured", "initialized")
_STOPPING = "stopping"
"""Podman's word while somebody stops it: it does not run any more, and has not ended."""
_KILLED = 137
_DEFAULT_GRACE = timedelta(seconds=10)


async def start(engine: Engine, container: ContainerId, service: Service | None) -> None:
    """Its files with content first: an engine keeps them, but what they say may be new."""
    given = () if service is None else copied(service)
    if given:
        from boathook.compose.engine.files import archive

        # Asked to look at owners, an engine gives all to the container's user; left alone, it takes the archive's.
        body = archive(given)
        await engine.call("PUT", f"containers/{container}/archive", query={"path": "/"}, body=body)
    try:
        await engine.call("POST", f"containers/{container}/start")
    except (CouldNotStart, Conflict, NotRunning, Refused) as error:
        raise CouldNotStart(str(error), hint=_start_hint(str(error))) from error


def copied(service: Service) -> tuple[GrantedFile, ...]:
    """Secrets and configs that are no files of the machine: secrets first, as the peer has it."""
    given = [file for file in service.files if file.content is not None]
    return tuple(sorted(given, key=lambda file: file.kind != "secrets"))


def _start_hint(message: str) -> str | None:
    if "port is already allocated" in message or "address already in use" in message:
        return "another program or container listens there: end it, or publish another port"
    return None


async def stop(engine: Engine, member: Member, *, grace: timedelta | None, signal: str, signalled: Signalled) -> Exit:
    """By the engine, whose policy then does not restart it."""
    signalled(signal, grace)
    began = anyio.current_time()
    await tell(engine, member.id, "stop", _grace(grace))
    took = anyio.current_time() - began
    try:
        found = await inspected(engine, member.id)
    except NotFound:
        return _UNSEEN
    ended = exit_of_state(found["State"])
    if ended.code == _KILLED and signal != "SIGKILL" and took >= _seconds(grace, found):
        signalled("SIGKILL", None)
    return ended


async def restart(
    engine: Engine, member: Member, *, grace: timedelta | None, signal: str, signalled: Signalled
) -> None:
    """One call, so that no policy and nobody else comes between."""
    if member.stoppable:
        signalled(signal, grace)
    query = _grace(grace)
    if engine.podman and member.stoppable and grace is None:
        # Its compatible API takes no time for none (libpod containers.go ``RestartContainer``), and kills at once.
        query = {"t": _made_with(await inspected(engine, member.id))}
    began = anyio.current_time()
    try:
        await tell(engine, member.id, "restart", query)
    except (Conflict, NotRunning, Refused) as error:
        raise CouldNotStart(str(error), hint=_start_hint(str(error))) from error
    took = anyio.current_time() - began
    # How it ended nobody knows any more: whoever used up its grace was killed.
    if member.stoppable and took >= 1 and took >= _seconds(grace, await inspected(engine, member.id)):
        signalled("SIGKILL", None)


def _seconds(grace: timedelta | None, found: Mapping[str, Any]) -> float:
    """Between signal and SIGKILL: what is asked for, or what the container was made with."""
    return grace.total_seconds() if grace is not None else _made_with(found)


def _made_with(found: Mapping[str, Any]) -> int:
    own = found["Config"].get("StopTimeout")
    return int(_DEFAULT_GRACE.total_seconds()) if own is None else int(own)


def _grace(grace: timedelta | None) -> dict[str, int]:
    return {} if grace is None else {"t": int(grace.total_seconds())}


async def tell(engine: Engine, container: ContainerId, act: str, query: Mapping[str, Any] | None = None) -> None:
    """``kill``, ``pause``, ``unpause``, ``rename`` … of one container."""
    await engine.call("POST", f"containers/{container}/{act}", query=query)


async def wait(engine: Engine, container: ContainerId) -> Exit:
    """Until it has ended and no policy starts it again. One that has not started yet is waited for, too."""
    try:
        while True:
            state = await settled(engine, container)
            if state.get("Status") in _BEFORE_START:
                await _first_end(engine, container)
            elif state.get("Running"):
                await engine.call("POST", f"containers/{container}/wait", query={"condition": "not-running"})
            else:
                return exit_of_state(state)
    except NotFound:
        return _UNSEEN


async def settled(engine: Engine, container: ContainerId) -> Mapping[str, Any]:
    """Its state, once it is decided whether a policy starts it again. Raises ``NotFound``."""
    while True:
        state: Mapping[str, Any] = (await inspected(engine, container))["State"]
        if not state.get("Restarting") and state.get("Status") != _STOPPING:
            return state
        await anyio.sleep(_POLL_SECONDS)


async def _first_end(engine: Engine, container: ContainerId) -> None:
    """The engine answers at once that it waits: what ended before that has ended already."""
    path = f"containers/{container}/wait"
    async with engine.stream("POST", path, query={"condition": "next-exit"}) as content:
        if (await inspected(engine, container))["State"].get("Status") in (*_BEFORE_START, "running", "paused"):
            await content.read()


async def why_no_exec(engine: Engine, container: ContainerId, error: BoathookError) -> BoathookError:
    """One that has ended cannot be entered, nor one that is paused; else the program could not be started."""
    found = await inspected(engine, container)
    name = str(found["Name"]).removeprefix("/")
    if found["State"].get("Paused"):
        return NotRunning(f"container {name} is paused")
    if not found["State"].get("Running"):
        return NotRunning(f"container {name} is not running")
    return error if isinstance(error, CouldNotStart) else CouldNotStart(str(error))
