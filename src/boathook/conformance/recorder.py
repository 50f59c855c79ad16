"""A small HTTP server of the run's own that writes down what it is asked, so that a case sees what a hook really sent.

``/echo?code=N`` answers with that status, ``/redirect?to=URL`` with 302; everything else with 200. It listens on two
loopback addresses, so that there is another host to be sent to.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib import resources
from urllib.parse import parse_qs, urlsplit

import anyio
from anyio.abc import AnyByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSListener

from boathook.errors import alone

HOST = "127.0.0.1"
OTHER_HOST = "127.0.0.2"
_LONGEST_HEAD = 65536
_TLS_HANDSHAKE = b"\x16"
_NOT_HTTP = b"HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n"
"""What is no HTTP is told so in HTTP: the client then knows that no TLS is spoken here (net/http)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request."""

    line: str
    """``GET /echo?msg=prestop``."""
    headers: tuple[tuple[str, str], ...]
    secure: bool

    def header(self, name: str) -> str | None:
        """The first of that name, in whatever case; None: it was not sent."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(slots=True, kw_only=True)
class Recorder:
    """``port`` answers plainly, ``tls_port`` with a certificate that nobody has reason to trust."""

    port: int = 0
    tls_port: int = 0
    asked: list[Asked] = field(default_factory=list)

    def lines(self) -> list[str]:
        return [one.line for one in self.asked]

    async def serve(self, stream: AnyByteStream, *, secure: bool) -> None:
        async with stream:
            try:
                reader = BufferedByteReceiveStream(stream)
                first = await reader.receive_exactly(1)
                if first == _TLS_HANDSHAKE:
                    await stream.send(_NOT_HTTP)
                    return
                head = first + await reader.receive_until(b"\r\n\r\n", _LONGEST_HEAD)
                await stream.send(self._answer(head.decode("latin-1"), secure))
            except (anyio.BrokenResourceError, anyio.EndOfStream, anyio.IncompleteRead, anyio.DelimiterNotFound):
                return

    def _answer(self, head: str, secure: bool) -> bytes:
        first, *rest = head.split("\r\n")
        method, _, remainder = first.partition(" ")
        target = remainder.rpartition(" ")[0]
        headers = tuple((name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in rest))
        self.asked.append(Asked(line=f"{method} {target}", headers=headers, secure=secure))
        parts = urlsplit(target)
        query = parse_qs(parts.query)
        code = 302 if parts.path == "/redirect" else int(query.get("code", ["200"])[0])
        location = f"Location: {query['to'][0]}\r\n" if code == 302 else ""
        return f"HTTP/1.1 {code} Said\r\n{location}Content-Length: 0\r\nConnection: close\r\n\r\n".encode("latin-1")


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """A recorder that listens, until the end of the block."""
    recorder = Recorder()
    here = await anyio.create_tcp_listener(local_host=HOST)
    recorder.port = here.extra(SocketAttribute.local_port)
    there = await anyio.create_tcp_listener(local_host=OTHER_HOST, local_port=recorder.port)
    under = await anyio.create_tcp_listener(local_host=HOST)
    recorder.tls_port = under.extra(SocketAttribute.local_port)
    secure = TLSListener(under, _certificate(), standard_compatible=False)
    with alone():
        async with here, there, under, anyio.create_task_group() as tasks:
            for listener, is_secure in ((here, False), (there, False), (secure, True)):
                tasks.start_soon(listener.serve, partial(recorder.serve, secure=is_secure))
            yield recorder
            tasks.cancel_scope.cancel()


def _certificate() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    files = resources.files("boathook.images")
    with (
        resources.as_file(files.joinpath("localhost.crt")) as certificate,
        resources.as_file(files.joinpath("localhost.key")) as key,
    ):
        context.load_cert_chain(certificate, key)
    return context
