"""Makes one container of a service in an engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio

from boathook.clock import SystemClock
from boathook.compose.engine import endpoints
from boathook.compose.engine.bodies import SEVERAL_NETWORKS, Body, container_body
from boathook.compose.engine.form import records, text
from boathook.compose.engine.listing import inspected, members
from boathook.compose.engine.references import around
from boathook.compose.engine.seen import ROOT
from boathook.compose.model import Project, Service
from boathook.compose.place import Making, Member, Ready, Status
from boathook.errors import Conflict, NotFound
from boathook.model import JsonObject
from boathook.runtimes.base import ContainerId
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.removal import remove_container


async def create(engine: Engine, project: Project, ready: Ready, making: Making) -> Member:
    """In its first network by the call itself, in all of them when this returns."""
    service = ready.service
    known = await around(
        engine.api,
        project,
        service,
        making,
        lambda: members(engine, project.name),
        await _inherited(engine, service, ready, making),
    )
    body = container_body(project, service, service.image, making, known)
    if engine.podman:
        body = _for_podman(body, service)
    query = {"name": making.name, **({"platform": service.platform} if service.platform else {})}
    try:
        made = await engine.call("POST", "containers/create", query=query, body=body)
    except Conflict as error:
        raise Conflict(str(error), hint="remove or rename the other one (docker rm, docker rename)") from error
    container = ContainerId(made["Id"])
    try:
        await _join_networks(engine, project, service, making, container, known.links)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await remove_container(engine, container)
        raise
    return _member(container, body, ready, making)


def _for_podman(body: Body, service: Service) -> Body:
    """It takes no links: names that are a service's own are found without (``refusals`` has the others)."""
    # Its default grace is the same, but by this socket it takes nothing for 0: an immediate kill (measured with 4.3).
    grace = {"StopTimeout": int(service.stop_grace.total_seconds())} | body
    return grace | {"HostConfig": body["HostConfig"] | {"Links": []}}


async def _join_networks(
    engine: Engine, project: Project, service: Service, making: Making, container: str, links: tuple[str, ...]
) -> None:
    """Those that an older engine does not take in the first call (spec 12.3)."""
    if engine.api >= SEVERAL_NETWORKS:
        return
    for one in service.networks[1:]:
        endpoint = endpoints.endpoint(project, service, one, making, links)
        name = project.network(one.network).name
        body = {"Container": container, "EndpointConfig": endpoint}
        await engine.call("POST", f"networks/{name}/connect", body=body)


async def _inherited(engine: Engine, service: Service, ready: Ready, making: Making) -> tuple[JsonObject, ...]:
    """Volumes without a name of the container that is replaced, where this one still has a place for them."""
    if making.replaces is None or making.renew_volumes:
        return ()
    try:
        found = await inspected(engine, making.replaces.id)
    except NotFound:
        return ()
    return tuple(inherited(service, ready, found.get("Mounts") or ()))


def inherited(service: Service, ready: Ready, mounts: Any) -> list[JsonObject]:
    """Of an old container's ``mounts`` those that go over: of the image's volumes, and of those without a source."""
    written = {text(one, "target"): text(one, "source") for one in records(service.form, "volumes")}
    nameless = {target for target, source in written.items() if not source}
    nameless |= set(ready.image.config.volumes) - written.keys()
    return [
        {"name": str(one["Name"]), "target": str(one["Destination"]), "read_only": not one.get("RW", True)}
        for one in mounts
        if one.get("Type") == "volume" and one.get("Name") and one.get("Destination") in nameless
    ]


def _member(container: ContainerId, body: Mapping[str, Any], ready: Ready, making: Making) -> Member:
    """What is known without asking: it was made just now."""
    config = ready.image.config
    return Member(
        id=container,
        name=making.name,
        service=ready.service.name,
        number=making.number,
        oneoff=making.oneoff is not None,
        labels=body["Labels"],
        status=Status.CREATED,
        health=None,
        exit=None,
        image=ready.service.image,
        image_id=ready.image_id,
        command=argv(body, config.entrypoint, config.command),
        stop_signal=body["StopSignal"] or config.stop_signal or "SIGTERM",
        user=body["User"] or config.user or ROOT,
        created=SystemClock().now(),
        started=None,
        finished=None,
        ports=(),
        networks=tuple(sorted((body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {})),
        mounts=(),
        owner_alive=True,
    )


def argv(body: Body | Mapping[str, Any], entrypoint: tuple[str, ...], command: tuple[str, ...]) -> tuple[str, ...]:
    """As the engine joins it: an entrypoint that is given goes without the image's command."""
    if body.get("Entrypoint"):
        return (*body["Entrypoint"], *(body.get("Cmd") or ()))
    return (*entrypoint, *(body.get("Cmd") or command))
