"""The containers of ``pre_start`` hooks: each runs to its end beside the one that it is for, which has not started.

The mounts are handed over one by one: an engine refuses to take all of a container's with ``VolumesFrom`` as soon as
memory is among them (spec 9).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import anyio

from boathook.compose import model
from boathook.compose.engine import endpoints
from boathook.compose.engine.bodies import SEVERAL_NETWORKS, Body, environment_list
from boathook.compose.engine.labels import helper_labels, of_project
from boathook.compose.engine.listing import inspected, listed
from boathook.compose.engine.streams import AttachedStreams
from boathook.compose.model import Project, Service
from boathook.compose.place import Making, Member, Ready
from boathook.compose.turns import side_by_side
from boathook.errors import BoathookError, Conflict, CouldNotStart, NotRunning
from boathook.model import RunContainer
from boathook.runtimes.base import ContainerId, Exit, OutputSink
from boathook.runtimes.docker.engine import Engine, Refused
from boathook.runtimes.docker.removal import remove_container

Found = Mapping[str, Any]


async def run_helper(
    engine: Engine, project: Project, ready: Ready, beside: Member, handler: RunContainer, output: OutputSink
) -> HelperExecution:
    """It runs when this returns. Raises ``CouldNotStart``; nothing is left then."""
    service = ready.service
    found = await inspected(engine, beside.id)
    body = helper_body(project, service, found, handler, several=engine.api >= SEVERAL_NETWORKS)
    made = ContainerId((await engine.call("POST", "containers/create", body=body))["Id"])
    try:
        if engine.api < SEVERAL_NETWORKS:
            for attachment in service.networks[1:]:
                endpoint = endpoints.endpoint(project, service, attachment, _making(), ())
                name = project.network(attachment.network).name
                await engine.call(
                    "POST", f"networks/{name}/connect", body={"Container": made, "EndpointConfig": endpoint}
                )
        # Before the start, so that neither its first words nor its end are missed.
        streams = await AttachedStreams(engine, made, output).open(stdin=None, tty=False)
        try:
            await engine.call("POST", f"containers/{made}/start")
        except BaseException:
            await streams.close()
            raise
    except BaseException as error:
        with anyio.CancelScope(shield=True):
            await remove_container(engine, made)
        if isinstance(error, Conflict | NotRunning | Refused):
            raise CouldNotStart(str(error)) from error
        raise
    return HelperExecution(engine, made, streams)


class HelperExecution:
    """Implements ``boathook.runtimes.base.Execution``: removed when it succeeds, kept when it does not."""

    def __init__(self, engine: Engine, container: ContainerId, streams: AttachedStreams) -> None:
        self._engine = engine
        self._container = container
        self._streams = streams
        self._ended = anyio.Event()
        self._exit = Exit(code=None, signal=None)
        self._failure: BoathookError | None = None
        self.helper_id: ContainerId | None = None
        """Of one that is kept for inspection."""
        self._task = asyncio.create_task(self._follow())

    async def wait(self) -> Exit:
        await self._ended.wait()
        if self._failure is not None:
            raise self._failure
        return self._exit

    async def kill(self) -> None:
        """Nothing is left of it."""
        with anyio.CancelScope(shield=True):
            self._task.cancel()
            await asyncio.wait([self._task])
            await self._streams.close()
            await remove_container(self._engine, self._container)
            self._ended.set()

    async def _follow(self) -> None:
        try:
            self._exit = await self._streams.wait()
            if self._exit.ok:
                await remove_container(self._engine, self._container)
            else:
                self.helper_id = self._container
        except BoathookError as error:
            self._failure = error
        finally:
            await self._streams.close()
            self._ended.set()


def helper_body(project: Project, service: Service, beside: Found, handler: RunContainer, *, several: bool) -> Body:
    """``beside``: the container that it is for, as the engine describes it. Pure."""
    environment = dict(service.environment) | dict(handler.environment)
    body: Body = {
        "Image": handler.image or service.image,
        "User": service.user if handler.user is None else handler.user,
        "WorkingDir": service.working_dir if handler.working_dir is None else handler.working_dir,
        "Env": environment_list(environment),
        "AttachStdout": True,
        "AttachStderr": True,
        "Labels": helper_labels(project.name, service.name),
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {
            "AutoRemove": False,
            "Privileged": handler.privileged,
            "NetworkMode": beside["HostConfig"].get("NetworkMode") or "",
            "RestartPolicy": {"Name": "no"},
            **shared_mounts(beside),
        },
    }
    if handler.command is not None:
        body["Cmd"] = list(handler.command)
    if attachments := endpoints.endpoints(project, service, _making(), (), several=several):
        body["NetworkingConfig"] = {"EndpointsConfig": attachments}
    return body


def _making() -> Making:
    """Number 0: it answers to the service's names, and to that of no replica."""
    return Making(name="", number=0, labels={})


def shared_mounts(beside: Found) -> Body:
    """All that the container mounts, volumes by their names. None is filled from the helper's image."""
    host = beside["HostConfig"]
    binds = [one for one in host.get("Binds") or () if one.startswith("/")]
    covered = {one.split(":")[1] for one in binds}
    mounts: list[Body] = []
    for one in host.get("Mounts") or ():
        if one.get("Type") == "tmpfs" or (one.get("Type") == "volume" and _subpath(one)) or one.get("Type") == "image":
            mounts.append(dict(one))
            covered.add(one["Target"])
    for one in beside.get("Mounts") or ():
        if one["Destination"] in covered or one.get("Type") not in ("volume", "bind"):
            continue
        mounts.append(_shared(one))
    return {"Binds": binds, "Mounts": mounts, "Tmpfs": dict(host.get("Tmpfs") or {})}


def _subpath(mount: Found) -> str:
    return str((mount.get("VolumeOptions") or {}).get("Subpath") or "")


def _shared(mount: Found) -> Body:
    is_volume = mount["Type"] == "volume"
    shared: Body = {
        "Type": mount["Type"],
        "Source": mount["Name"] if is_volume else mount["Source"],
        "Target": mount["Destination"],
        "ReadOnly": not mount.get("RW", True),
    }
    return shared | ({"VolumeOptions": {"NoCopy": True}} if is_volume else {})


async def remove_helpers(engine: Engine, project: str, services: frozenset[str]) -> int:
    """How many there were."""
    kept = [
        one
        for one in await listed(engine, of_project(project), model.HOOK_LABEL)
        if one["Labels"].get(model.SERVICE_LABEL) in services
    ]
    await side_by_side(partial(remove_container, engine, one["Id"]) for one in kept)
    return len(kept)
