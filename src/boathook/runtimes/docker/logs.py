"""A container's log as an engine gives it: frames, each one record with its moment before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

from boathook.model import Stream
from boathook.runtimes.base import LogLine
from boathook.runtimes.docker.engine import lines_of
from boathook.runtimes.docker.http import Answer
from boathook.runtimes.docker.state import moment
from boathook.runtimes.docker.streams import HEAD, broken_by_engine, is_own_words, of_head

_STDERR = 2
_FULL_RECORD = 16 * 1024
"""Docker writes a longer line in several records of this size (moby daemon/logger/copier.go: defaultBufSize)."""


async def log_lines(content: Answer) -> AsyncIterator[LogLine]:
    """Until the engine has no more.

    Podman's records have other sizes: one without a line's end goes on in the next of its stream, if there is one.
    """
    held: dict[Stream, LogLine] = {}
    async for stream, frame in _frames(content):
        if stream in held:
            yield replace(held.pop(stream), partial=True)
        line = _line(stream, frame)
        if frame.endswith(b"\n") or line.partial:
            yield line
        else:
            held[stream] = line
    for line in held.values():
        yield line


async def terminal_lines(content: Answer) -> AsyncIterator[LogLine]:
    """Of a container with a terminal: there are no frames, and all is its output."""
    async for line in lines_of(content):
        yield replace(_line(Stream.STDOUT, line + b"\n"), partial=False)


async def _frames(content: Answer) -> AsyncIterator[tuple[Stream, bytes]]:
    while True:
        try:
            number, length = of_head(await content.readexactly(HEAD.size))
            frame = await content.readexactly(length)
        except asyncio.IncompleteReadError:
            return
        if is_own_words(number):
            raise broken_by_engine(frame)
        yield Stream.STDERR if number == _STDERR else Stream.STDOUT, frame


def _line(stream: Stream, frame: bytes) -> LogLine:
    time, _, text = frame.partition(b" ")
    return LogLine(
        time=moment(time.decode("ascii", errors="replace")) or datetime.fromtimestamp(0, UTC),
        stream=stream,
        partial=not text.endswith(b"\n") and len(text) >= _FULL_RECORD,
        text=text.removesuffix(b"\n").decode(errors="replace"),
    )
