"""TCP connections for requests, with their failures in the words in which Go's programs tell them.

Whoever reads a hook's failure knows it from a kubelet: ``dial tcp 127.0.0.1:81: connect: connection refused``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import anyio
from anyio.abc import ByteStream

from boathook.errors import RequestFailed

LOOPBACK = "127.0.0.1"

Connect: TypeAlias = Callable[[str, int], Awaitable[socket.socket]]
"""Opens a connection to a host (empty: the container itself) and port. Raises ``RequestFailed``."""

REMEMBERED = 256
"""How much of the first thing that was said is kept, to be told in an error."""


class Wire(ByteStream):
    """A connected socket as a stream. It owns the socket, and keeps the first bytes that it receives."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._ends = _ends(connected)
        self.first = b""

    async def receive(self, max_bytes: int = 65536) -> bytes:
        while True:
            try:
                chunk = self._socket.recv(max_bytes)
            except BlockingIOError:
                await anyio.wait_readable(self._socket)
                continue
            except OSError as error:
                raise RequestFailed(f"{self._named('read')}: {said(error.errno)}") from error
            if not chunk:
                raise anyio.EndOfStream
            if len(self.first) < REMEMBERED:
                self.first += chunk[: REMEMBERED - len(self.first)]
            return chunk

    async def send(self, item: bytes) -> None:
        rest = memoryview(item)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._socket)
            except OSError as error:
                raise RequestFailed(f"{self._named('write')}: {said(error.errno)}") from error

    async def send_eof(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        self._socket.close()

    def _named(self, act: str) -> str:
        """``read tcp 127.0.0.1:40002->127.0.0.1:80: read``."""
        return f"{act} tcp {self._ends}: {act}"


async def from_machine(host: str, port: int) -> socket.socket:
    """A connection in the machine's own network, with its names. The error is that of the first address."""
    first: RequestFailed | None = None
    for family, address in await _addresses(host, port):
        try:
            return await dial(_opened(family), address, port)
        except RequestFailed as error:
            first = first or error
    raise first or RequestFailed(f"dial tcp: lookup {host}: no such host")


async def dial(opened: socket.socket, address: str, port: int) -> socket.socket:
    """Connect a fresh socket, which may be of another network; it is closed when that does not work."""
    try:
        opened.setblocking(False)
        code = opened.connect_ex((address, port))
        if code == errno.EINPROGRESS:
            await anyio.wait_writable(opened)
            code = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise RequestFailed(f"dial tcp {host_port(address, port)}: connect: {said(code)}")
    except BaseException:
        opened.close()
        raise
    return opened


def host_port(host: str, port: int) -> str:
    """As they stand in addresses: with brackets where the host has colons."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def said(code: int | None) -> str:
    """``connection refused``: the system's words in lower case, which are Go's."""
    text = os.strerror(code or 0)
    return text[:1].lower() + text[1:]


def _ends(connected: socket.socket) -> str:
    ours, theirs = connected.getsockname(), "?"
    with contextlib.suppress(OSError):  # It may have been reset already.
        theirs = host_port(*connected.getpeername()[:2])
    return f"{host_port(*ours[:2])}->{theirs}"


def _opened(family: int) -> socket.socket:
    try:
        return socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise RequestFailed(f"dial tcp: socket: {said(error.errno)}") from error


async def _addresses(host: str, port: int) -> list[tuple[int, str]]:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return [(family, host)]
    try:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RequestFailed(f"dial tcp: lookup {host}: no such host") from error
    return [(family, str(address[0])) for family, _, _, _, address in found]
