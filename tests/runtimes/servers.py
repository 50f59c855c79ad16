"""Small servers for tests of requests: each says one fixed thing, on a port that it is given or chooses."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import anyio
from anyio.abc import SocketStream
from anyio.streams.tls import TLSListener

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


@dataclass(slots=True)
class Heard:
    """A running server: its port, and each request's head as it came."""

    port: int = 0
    heads: list[str] = field(default_factory=list)
    open: int = 0
    """Connections that nobody has closed."""
    closed: anyio.Event = field(default_factory=anyio.Event)
    """The client of some connection has gone."""


Answer = Callable[[str], bytes | None]
"""From a request's head to the answer; None: never."""


def always(answer: bytes) -> Answer:
    return lambda head: answer


def redirect(location: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@asynccontextmanager
async def a_server(answer: Answer, *, tls: bool = False) -> AsyncIterator[Heard]:
    """Speaks HTTP on a port of the loopback interface."""
    heard = Heard()

    async def serve(stream: SocketStream) -> None:
        heard.open += 1
        try:
            async with stream:
                await _talk(stream)
        except (anyio.BrokenResourceError, ssl.SSLError):
            pass
        finally:
            heard.open -= 1
            heard.closed.set()

    async def _talk(stream: SocketStream) -> None:
        head = b""
        while b"\r\n\r\n" not in head and not head.startswith(b"\x16"):
            try:
                head += await stream.receive()
            except anyio.EndOfStream:
                return
        heard.heads.append(head.decode(errors="replace"))
        said = answer(heard.heads[-1])
        if said is not None:
            await stream.send(said)
            return
        try:
            await stream.receive()
        except anyio.EndOfStream:
            return

    async with _serving(serve, heard, tls=tls):
        yield heard


@asynccontextmanager
async def _serving(serve: Callable[[SocketStream], Awaitable[None]], heard: Heard, *, tls: bool) -> AsyncIterator[None]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    heard.port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        outer: Any = TLSListener(listener, _context(), standard_compatible=False) if tls else listener
        tasks.start_soon(outer.serve, serve)
        yield
        tasks.cancel_scope.cancel()


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    files = resources.files("boathook.images")
    context.load_cert_chain(str(files / "localhost.crt"), str(files / "localhost.key"))
    return context


def free_port() -> int:
    """One that nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
