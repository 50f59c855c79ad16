"""The way into a sandbox's network: a socket that the spawner makes there is connected here, in the owner's loop."""

from __future__ import annotations

import array
import socket

from boathook.errors import NotRunning, RequestFailed
from boathook.runtimes.base import NetworkMode
from boathook.runtimes.connections import LOOPBACK, Connect, dial, from_machine
from boathook.runtimes.launch import socket_message
from boathook.runtimes.records import SandboxRecord
from boathook.runtimes.spawner_client import SpawnerClient, SpawnFailed


def connector(spawner: SpawnerClient, sandbox: SandboxRecord) -> Connect:
    """What opens connections for a container of this sandbox: to itself in there, to other hosts from the machine."""

    async def connect(host: str, port: int) -> socket.socket:
        if host or sandbox.spec.network is NetworkMode.HOST:
            return await from_machine(host or LOOPBACK, port)
        return await dial(await _socket_inside(spawner, sandbox), LOOPBACK, port)

    return connect


async def _socket_inside(spawner: SpawnerClient, sandbox: SandboxRecord) -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.setblocking(False)
        try:
            await spawner.request(socket_message(sandbox), (theirs.fileno(),))
        except SpawnFailed as error:
            if error.step == "not-running" or not sandbox.holder.alive:
                raise NotRunning("the container's network is gone: its sandbox has ended") from error
            raise RequestFailed(f"dial tcp: {error}") from error
        return _received(ours)


def _received(connection: socket.socket) -> socket.socket:
    """It was sent before the spawner said that it is done."""
    size = array.array("i", (0,)).itemsize
    _, extra, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(size), socket.MSG_CMSG_CLOEXEC)
    descriptors = array.array("i", extra[0][2])
    return socket.socket(fileno=descriptors[0])
