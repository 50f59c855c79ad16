"""What is asked of a container over its network: one HTTP request, one TCP connection, one gRPC health check.

Shared by all runtimes: each only says how a connection to one of its containers is opened.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING, assert_never

import anyio
from anyio.abc import ByteStream

from boathook.errors import RequestFailed
from boathook.runtimes.base import GrpcHealthCheck, HttpRequest, Request, Response, TcpConnect
from boathook.runtimes.connections import LOOPBACK, REMEMBERED, Connect, Wire, host_port

if TYPE_CHECKING:
    import h11

LONGEST_BODY = 10 * 1024
"""What a kubelet reads of an answer (pkg/probe/http: maxRespBodyLength)."""

HTTP_FROM_HTTPS = "http: server gave HTTP response to HTTPS client"
"""Go's http.ErrSchemeMismatch, by which a kubelet decides to try again with plain HTTP."""

_BROKEN = "net/http: HTTP/1.x transport connection broken"


async def perform(request: Request, connect: Connect) -> Response:
    """Do it, without a limit of time. Raises ``RequestFailed``; whoever cancels it leaves no connection behind."""
    match request:
        case HttpRequest():
            return await _http(request, connect)
        case TcpConnect():
            async with _wire(request.host, request.port, connect):
                return Response(status=0)
        case GrpcHealthCheck():
            from boathook.runtimes.grpc_health import check

            async with _wire(request.host, request.port, connect) as wire:
                return await check(wire, host_port(request.host or LOOPBACK, request.port), request.service)
        case _:
            assert_never(request)


@asynccontextmanager
async def _wire(host: str, port: int, connect: Connect) -> AsyncIterator[Wire]:
    wire = Wire(await connect(host, port))
    try:
        yield wire
    finally:
        await wire.aclose()


async def _http(request: HttpRequest, connect: Connect) -> Response:
    async with _wire(request.host, request.port, connect) as wire:
        if not request.secure:
            return await _Exchange(request, wire).run()
        return await _Exchange(request, await _tls(wire, request.host)).run()


async def _tls(wire: Wire, host: str) -> ByteStream:
    from anyio.streams.tls import TLSStream

    try:
        return await TLSStream.wrap(
            wire, hostname=host or None, ssl_context=_unverified(), standard_compatible=False, server_side=False
        )
    except (ssl.SSLError, anyio.EndOfStream, anyio.BrokenResourceError) as error:
        raise RequestFailed(_tls_failure(wire.first, error)) from error


def _tls_failure(first: bytes, error: Exception) -> str:
    if first.startswith(b"HTTP/"):
        return HTTP_FROM_HTTPS
    if not first:
        return "EOF"
    if first[0] not in (0x15, 0x16):
        return "tls: first record does not look like a TLS handshake"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"tls: {error.reason.lower().replace('_', ' ')}"
    return "unexpected EOF"


@cache
def _unverified() -> ssl.SSLContext:
    """No certificate is refused, not for being short or old either: a kubelet's client takes every one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


class _Exchange:
    """One request and its answer on an open connection."""

    def __init__(self, request: HttpRequest, stream: ByteStream) -> None:
        import h11

        self._request = request
        self._stream = stream
        self._protocol = h11.Connection(h11.CLIENT)
        self._first = b""
        self._ended = False

    async def run(self) -> Response:
        await self._send()
        answer = await self._answer()
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw_items())
        return Response(status=answer.status_code, headers=headers, body=await self._body(answer))

    async def _send(self) -> None:
        import h11

        request = self._request
        headers = request.headers
        if not any(name.lower() == "host" for name, _ in headers):
            headers = (("Host", host_port(request.host or LOOPBACK, request.port)), *headers)
        try:
            said = self._protocol.send(h11.Request(method="GET", target=request.path, headers=list(headers)))
            self._protocol.send(h11.EndOfMessage())
        except (h11.LocalProtocolError, UnicodeEncodeError) as error:
            raise RequestFailed(f"net/http: invalid request: {error}") from error
        try:
            await self._stream.send(said or b"")
        except RequestFailed:
            return  # The server may have answered and closed already: its answer counts.
        except (anyio.BrokenResourceError, ssl.SSLError) as error:
            raise RequestFailed("EOF") from error

    async def _answer(self) -> h11.Response:
        """The final one: what is said before it (100 Continue and the like) is passed over."""
        import h11

        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.ConnectionClosed):
                raise RequestFailed("EOF")

    async def _body(self, answer: h11.Response) -> bytes:
        """The beginning of it. A hook needs none, and how it ends is no matter to it."""
        import h11

        length = next((value for name, value in answer.headers if name == b"content-length"), b"")
        if self._request.any_answer and length.isdigit() and int(length) > LONGEST_BODY:
            return b""
        body = b""
        try:
            while len(body) < LONGEST_BODY and isinstance(event := await self._next(), h11.Data):
                body += event.data
        except RequestFailed:
            if not self._request.any_answer:
                raise
        return body[:LONGEST_BODY]

    async def _next(self) -> h11.Event | type[h11.PAUSED]:
        import h11

        while True:
            try:
                event = self._protocol.next_event()
                if event is not h11.NEED_DATA:
                    return event  # type: ignore[return-value]  # it is no NEED_DATA
                self._protocol.receive_data(await self._received())
            except h11.RemoteProtocolError as error:
                raise RequestFailed(self._broken(error)) from error

    async def _received(self) -> bytes:
        try:
            chunk = await self._stream.receive()
        except anyio.EndOfStream:
            self._ended = True
            return b""
        except (anyio.BrokenResourceError, ssl.SSLError) as error:
            raise RequestFailed("unexpected EOF") from error
        if len(self._first) < REMEMBERED:
            self._first += chunk[: REMEMBERED - len(self._first)]
            self._refuse_what_is_no_http()
        return chunk

    def _refuse_what_is_no_http(self) -> None:
        """At once, as Go does: a server that greets first would else be waited for."""
        line, newline, _ = self._first.partition(b"\n")
        if newline and not line.startswith(b"HTTP/"):
            text = line.rstrip(b"\r").decode(errors="replace")
            raise RequestFailed(f'{_BROKEN}: malformed HTTP response "{text}"')

    def _broken(self, error: Exception) -> str:
        if self._ended:
            return "unexpected EOF" if self._first else "EOF"
        return f"{_BROKEN}: {error}"
