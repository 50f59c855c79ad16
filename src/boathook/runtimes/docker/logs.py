"""A container's log as an engine gives it: frames, each one record with its moment before it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from boathook.model import Stream
from boathook.runtimes.base import LogLine
from boathook.runtimes.docker.state import moment

if TYPE_CHECKING:
    from aiohttp import StreamReader

_HEAD = struct.Struct(">BxxxL")
"""One byte for the stream, three of nothing, four for the length (Engine API, ``ContainerAttach``)."""
_LONGEST_RECORD = 16 * 1024
"""An engine writes a longer line in several records (moby daemon/logger/copier.go: defaultBufSize)."""


async def log_lines(content: StreamReader) -> AsyncIterator[LogLine]:
    """Until the engine has no more."""
    while True:
        try:
            number, length = _HEAD.unpack(await content.readexactly(_HEAD.size))
            frame = await content.readexactly(length)
        except asyncio.IncompleteReadError:
            return
        yield _line(Stream.STDERR if number == 2 else Stream.STDOUT, frame)


def _line(stream: Stream, frame: bytes) -> LogLine:
    """A line without its end goes on in the next record, unless it is short: then it was the last one."""
    time, _, text = frame.partition(b" ")
    whole = text.endswith(b"\n")
    return LogLine(
        time=moment(time.decode("ascii", errors="replace")) or datetime.fromtimestamp(0, UTC),
        stream=stream,
        partial=not whole and len(text) >= _LONGEST_RECORD,
        text=text.removesuffix(b"\n").decode(errors="replace"),
    )
