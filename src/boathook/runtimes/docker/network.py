"""The way to a container's ports: its sandbox's address, which the engine's machine reaches."""

from __future__ import annotations

import socket

from boathook.errors import NotRunning, RequestFailed
from boathook.runtimes.base import SandboxId
from boathook.runtimes.connections import LOOPBACK, Connect, from_machine
from boathook.runtimes.docker.engine import Engine


def connector(engine: Engine, sandbox: SandboxId) -> Connect:
    """What opens connections for a container of this sandbox: to its own address, to other hosts from the machine."""

    async def connect(host: str, port: int) -> socket.socket:
        return await from_machine(host or await _address(engine, sandbox), port)

    return connect


async def _address(engine: Engine, sandbox: SandboxId) -> str:
    found = await engine.call("GET", f"containers/{sandbox}/json")
    if not found["State"].get("Running"):
        raise NotRunning("the container's network is gone: its sandbox has ended")
    on_host = found["HostConfig"].get("NetworkMode") == "host"
    if not engine.endpoint.local:
        raise RequestFailed(
            f"dial tcp: a container of the engine at {engine.endpoint.address} is not reachable from here"
        )
    if on_host:
        return LOOPBACK
    settings = found.get("NetworkSettings") or {}
    networks = settings.get("Networks") or {}
    for given in (settings, *networks.values()):
        if address := given.get("IPAddress") or given.get("GlobalIPv6Address"):
            return str(address)
    raise RequestFailed("dial tcp: the container has no address: its network has none")
