"""Requests to one engine: over connections that are kept, answers as they come, connections taken over.

h11 does the protocol: what is said and heard, where bodies end, whether a connection can be used again. This is what
lies between it and sockets. A whole client takes longer to load than an engine takes to make and start a container, and
an engine needs little of one: no redirects, no cookies, no compression.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import TYPE_CHECKING

import anyio

from boathook.runtimes.docker.connection import PIECE, SWITCHED, BrokenOff, Connection, connect, cut

if TYPE_CHECKING:
    import ssl

    import h11

_REFUSED = 400


class Headers(dict[str, str]):
    """By name, in whatever case."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override]
        return super().get(name.lower(), default)


class Http:
    """Who is spoken to, and the connections to it that nobody uses now. For one event loop."""

    def __init__(self, address: str, *, host: str, tls: ssl.SSLContext | None = None) -> None:
        """``address``: the path of a socket, or ``host:port``."""
        self._address = address
        self._host = host
        self._tls = tls
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()

    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | AsyncIterable[bytes] | None = None,
    ) -> Answer:
        """The head of the answer has come when this returns; its body must be read, or the answer closed."""
        request = self._request(method, target, headers or {}, body)
        while self._idle:
            connection = self._idle.pop()
            if not connection.usable:
                self.forget(connection)
                continue
            try:
                return await self._ask(connection, request, body)
            except BrokenOff:
                # It was closed in the same moment. What may be said twice is said again, over a new one.
                if method not in ("GET", "HEAD"):
                    raise
        return await self._ask(await self._connect(), request, body)

    async def close(self) -> None:
        closing = list(self._open)
        for connection in closing:
            connection.close()
        await asyncio.gather(*(one.writer.wait_closed() for one in closing), return_exceptions=True)
        self._idle.clear()

    def give_back(self, connection: Connection) -> None:
        """Its answer is read to the end."""
        if connection.start_again():
            self._idle.append(connection)
        else:
            self.forget(connection)

    def forget(self, connection: Connection) -> None:
        """Nothing more is said over it."""
        connection.close()

    async def _connect(self) -> Connection:
        return await connect(self._address, self._tls, self._open)

    async def _ask(
        self, connection: Connection, request: h11.Request, body: bytes | AsyncIterable[bytes] | None
    ) -> Answer:
        try:
            if body is None or (isinstance(body, bytes) and len(body) <= PIECE):
                # All of it is said at once, however little of it is heard.
                with contextlib.suppress(ConnectionError):
                    await connection.say(request, _pieces(body))
                return Answer(self, connection, await connection.hear_head())
            return Answer(self, connection, await _hear_while_saying(connection, request, _pieces(body)))
        except BaseException:
            self.forget(connection)
            raise

    def _request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | AsyncIterable[bytes] | None
    ) -> h11.Request:
        import h11

        framing = {}
        if isinstance(body, bytes):
            framing = {"Content-Length": str(len(body))}
        elif body is not None:
            framing = {"Transfer-Encoding": "chunked"}
        elif method == "POST":
            framing = {"Content-Length": "0"}
        said = {"Host": self._host, **framing, **headers}
        try:
            return h11.Request(method=method, target=target, headers=list(said.items()))
        except (h11.LocalProtocolError, UnicodeEncodeError) as error:
            raise OSError(f"HTTP cannot say this: {error}") from error


async def _hear_while_saying(
    connection: Connection, request: h11.Request, body: AsyncIterable[bytes]
) -> h11.Response | h11.InformationalResponse:
    """A refusal may come before all is said."""
    saying = asyncio.create_task(connection.say(request, body))
    hearing = asyncio.create_task(connection.hear_head())
    try:
        await asyncio.wait((saying, hearing), return_when=asyncio.FIRST_COMPLETED)
        if not _is_refused(hearing):
            # Who reads no more may have said why.
            with contextlib.suppress(ConnectionError):
                await saying
        return await hearing
    finally:
        await _end(saying, hearing)


def _is_refused(hearing: asyncio.Task[h11.Response | h11.InformationalResponse]) -> bool:
    """Nobody will hear the rest of what is being said; to any other answer, however early, it may matter."""
    if not hearing.done():
        return False
    return hearing.exception() is not None or hearing.result().status_code >= _REFUSED


async def _end(*tasks: asyncio.Task[None] | asyncio.Task[h11.Response | h11.InformationalResponse]) -> None:
    for task in tasks:
        task.cancel()
    with anyio.CancelScope(shield=True):
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # Known by now, or of no interest any more.


async def _pieces(body: bytes | AsyncIterable[bytes] | None) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        for start in range(0, len(body), PIECE):
            yield body[start : start + PIECE]
    elif body is not None:
        async for piece in body:
            yield piece


class Answer:
    """What came back: its body is read in pieces, lines or as a whole. It is closed when the end is read."""

    def __init__(self, http: Http, connection: Connection, head: h11.Response | h11.InformationalResponse) -> None:
        self.status = head.status_code
        self.headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
        self._http = http
        self._connection: Connection | None = connection
        self._read = bytearray()
        """And not given out."""
        if self.status != SWITCHED:
            # A body that is empty is at its end without being read. One that is broken is so for who reads it.
            with contextlib.suppress(BrokenOff):
                self._take(connection.heard())

    def take_over(self) -> Connection:
        """The connection, for whatever is spoken over it from now on; its owner closes it."""
        connection, self._connection = self._connection, None
        if connection is None:
            raise BrokenOff
        connection.take_over(cut(self._read, len(self._read)))
        return connection

    def close(self) -> None:
        """Whatever has not been read is nobody's interest."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._http.forget(connection)

    async def read(self) -> bytes:
        """All that is left."""
        return b"".join([piece async for piece in self.iter_any()])

    async def readline(self) -> bytes:
        """With its end, if it has one; empty at the end."""
        seen = 0
        while not (end := self._read.find(b"\n", seen) + 1):
            seen = len(self._read)
            if not await self._more():
                break
        return cut(self._read, end or len(self._read))

    async def readexactly(self, count: int) -> bytes:
        """Raises ``asyncio.IncompleteReadError`` when there is less."""
        while len(self._read) < count:
            if not await self._more():
                raise asyncio.IncompleteReadError(cut(self._read, count), count)
        return cut(self._read, count)

    async def iter_any(self) -> AsyncIterator[bytes]:
        while self._read or await self._more():
            yield cut(self._read, len(self._read))

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """In pieces of at most ``size``."""
        async for piece in self.iter_any():
            for start in range(0, len(piece), size):
                yield piece[start : start + size]

    async def _more(self) -> bool:
        """Read on. False at the end. Raises ``BrokenOff``."""
        if self._connection is None:
            return False
        try:
            piece = await self._connection.hear()
        except BaseException:
            self.close()
            raise
        self._take(piece)
        return bool(piece)

    def _take(self, piece: bytes | None) -> None:
        if piece:
            self._read += piece
        elif piece is not None and self._connection is not None:
            connection, self._connection = self._connection, None
            self._http.give_back(connection)
