"""The streams of a process of an engine: a connection that was a request's, and from then on carries frames."""

from __future__ import annotations

import asyncio
import contextlib
import struct

from boathook.errors import PlaceError
from boathook.runtimes.docker.connection import BrokenOff, Connection

HEAD = struct.Struct(">BxxxL")
"""One byte for the stream, three of nothing, four for the length (Engine API, ``ContainerAttach``)."""

_PIECE = 1 << 16
_STDOUT = 1
_OWN_WORDS = 3
"""Its number for why it cannot go on (moby api/pkg/stdcopy: Systemerr)."""


def of_head(head: bytes) -> tuple[int, int]:
    """Which stream, and how long the frame is. Raises ``OSError``: a terminal's stream has no frames."""
    number, length = HEAD.unpack(head)
    if number > _OWN_WORDS:
        raise OSError("what came is no frame of a stream")
    return number, length


def is_own_words(number: int) -> bool:
    """Not the container wrote it but the engine: it cannot go on."""
    return number == _OWN_WORDS


def broken_by_engine(words: bytes) -> PlaceError:
    text = words.decode(errors="replace").strip()
    return PlaceError(f"the engine cannot go on with what a container writes: {text}")


class ProcessStreams:
    """``tty``: one stream for all that is written, without frames."""

    def __init__(self, connection: Connection, *, tty: bool) -> None:
        self._connection = connection
        self._tty = tty
        self._number, self._left = _STDOUT, 0
        """Of the present frame."""

    async def read(self) -> tuple[int, bytes] | None:
        """Which stream, and what came on it; None at the end. Raises ``BrokenOff``, and the engine's own failure."""
        if not self._tty and not await self._in_frame():
            return None
        piece = await self._connection.read(_PIECE if self._tty else min(self._left, _PIECE))
        if self._tty:
            return (_STDOUT, piece) if piece else None
        if not piece:
            raise BrokenOff
        self._left -= len(piece)
        return self._number, piece

    async def _in_frame(self) -> bool:
        """There is something left of one. False at the end, which is one only between frames."""
        while not self._left:
            try:
                self._number, self._left = of_head(await self._connection.readexactly(HEAD.size))
                if is_own_words(self._number):
                    raise broken_by_engine(await self._connection.readexactly(self._left))
            except asyncio.IncompleteReadError as error:
                if error.partial or self._left:
                    raise BrokenOff from error
                return False
        return True

    async def write(self, chunk: bytes) -> None:
        self._connection.writer.write(chunk)
        await self._connection.writer.drain()

    def end_input(self) -> bool:
        """Let the program see the end of its standard input. False: this connection knows no such thing (TLS)."""
        writer = self._connection.writer
        if writer.is_closing():
            return True
        if not writer.can_write_eof():
            return False
        writer.write_eof()
        return True

    async def close(self) -> None:
        self._connection.close()
        with contextlib.suppress(OSError):
            await self._connection.writer.wait_closed()
