"""A connection to an engine: h11 on it, until an answer makes it a plain stream of bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING

import anyio.lowlevel

if TYPE_CHECKING:
    import ssl

    import h11

PIECE = 1 << 16
"""Of what is said and heard."""
SWITCHED = 101

_LIMIT = 1 << 18
"""Of a head, and of what is read ahead."""
_BEGIN = b"HTTP/"
_BROKEN_OFF = "the connection broke off"


class BrokenOff(OSError):
    """The connection ended before what was said over it did."""

    def __init__(self) -> None:
        super().__init__(_BROKEN_OFF)


class _Reader(asyncio.StreamReader):
    """What came before the connection broke is read before that is told."""

    broken: Exception | None = None

    def set_exception(self, exc: Exception) -> None:
        self.broken = exc
        self.feed_eof()

    async def piece(self, limit: int) -> bytes:
        """Empty at the end. Raises ``BrokenOff``."""
        piece = await self.read(limit)
        if not piece and self.broken is not None:
            raise BrokenOff from self.broken
        return piece


class Connection:
    """One of them: it says one thing at a time, until an answer makes it a plain stream of bytes."""

    def __init__(self, reader: _Reader, writer: asyncio.StreamWriter, among: set[Connection]) -> None:
        """``among``: those that are open, which it is one of until it is closed."""
        import h11

        self.writer = writer
        self._reader = reader
        self._among = among
        self._protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LIMIT)
        self._read = bytearray()
        """Of what came since it was taken over."""
        among.add(self)

    @property
    def usable(self) -> bool:
        """Nobody has closed it meanwhile."""
        return not self._reader.at_eof() and not self.writer.is_closing()

    def close(self) -> None:
        import h11

        self._among.discard(self)
        if self._protocol.our_state is h11.SEND_BODY:
            # Who has answered already may never take the rest of what was said.
            self.writer.transport.abort()
        self.writer.close()

    def start_again(self) -> bool:
        """Whether a next request can be said over it, now that the last one is answered."""
        import h11

        if not self.usable or self._protocol.trailing_data[0]:
            return False
        try:
            self._protocol.start_next_cycle()
        except h11.LocalProtocolError:  # It was to be closed, or not all has been said or heard.
            return False
        return True

    async def say(self, request: h11.Request, body: AsyncIterable[bytes]) -> None:
        import h11

        held = self._protocol.send(request)
        async for piece in body:
            if piece:
                self.writer.write(held + self._protocol.send(h11.Data(data=piece)))
                held = b""
                await self.writer.drain()
                # An answer that has come is read before a further write finds nobody listening: that would lose it.
                await anyio.lowlevel.checkpoint()
        if held := held + self._protocol.send(h11.EndOfMessage()):
            self.writer.write(held)
            await self.writer.drain()

    async def hear_head(self) -> h11.Response | h11.InformationalResponse:
        """Of the answer. What only says that one comes (100 and the like) is passed over. Raises ``BrokenOff``."""
        import h11

        while True:
            try:
                event = self._protocol.next_event()
            except h11.RemoteProtocolError as error:
                if self._protocol.trailing_data[1]:
                    raise BrokenOff from error
                raise OSError(f"what answers speaks no HTTP: {error}") from error
            if isinstance(event, h11.Response):
                return event
            if isinstance(event, h11.InformationalResponse):
                if event.status_code == SWITCHED:
                    return event
            else:
                await self._receive()
                self._refuse_what_is_no_http()

    def _refuse_what_is_no_http(self) -> None:
        """At once: who greets first (SSH) waits for an answer, and would be waited for."""
        begun = self._protocol.trailing_data[0]
        if begun[: len(_BEGIN)] != _BEGIN[: len(begun)]:
            line = begun.partition(b"\n")[0].rstrip().decode(errors="replace")
            raise OSError(f'what answers speaks no HTTP: "{line[:80]}"')

    def heard(self) -> bytes | None:
        """What has come of the answer's body; empty: its end; None: nothing more yet. Raises ``BrokenOff``."""
        import h11

        try:
            event = self._protocol.next_event()
        except h11.RemoteProtocolError as error:
            raise BrokenOff from error
        if event is h11.NEED_DATA:
            return None
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def hear(self) -> bytes:
        """What comes next of the answer's body; empty: its end. Raises ``BrokenOff``."""
        while (piece := self.heard()) is None:
            await self._receive()
        return piece

    async def _receive(self) -> None:
        self._protocol.receive_data(await self._reader.piece(PIECE))

    def take_over(self, read: bytes) -> None:
        """From now on it is no HTTP. ``read``: what came behind the head and has been read; the rest of it is here."""
        self._read += read + self._protocol.trailing_data[0]

    async def read(self, limit: int) -> bytes:
        """Of one that was taken over; empty at the end. Raises ``BrokenOff``."""
        if not self._read:
            return await self._reader.piece(limit)
        return cut(self._read, limit)

    async def readexactly(self, count: int) -> bytes:
        """Of one that was taken over. Raises ``BrokenOff``, and ``asyncio.IncompleteReadError`` when there is less."""
        while len(self._read) < count:
            piece = await self._reader.piece(PIECE)
            if not piece:
                raise asyncio.IncompleteReadError(bytes(self._read), count)
            self._read += piece
        return cut(self._read, count)


async def connect(address: str, tls: ssl.SSLContext | None, among: set[Connection]) -> Connection:
    """``address``: the path of a socket, or ``host:port``."""
    loop = asyncio.get_running_loop()
    reader = _Reader(limit=_LIMIT, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport: asyncio.Transport
    if address.startswith("/"):
        transport, _ = await loop.create_unix_connection(lambda: protocol, address)
    else:
        name, _, port = address.rpartition(":")
        transport, _ = await loop.create_connection(lambda: protocol, name.strip("[]"), int(port), ssl=tls)
    return Connection(reader, asyncio.StreamWriter(transport, protocol, reader, loop), among)


def cut(held: bytearray, count: int) -> bytes:
    """So much off its begin."""
    piece = bytes(held[:count])
    del held[:count]
    return piece
