"""What a process of an engine reads: bytes of a descriptor, sent as they come over the connection of its streams."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os

import anyio

from boathook.errors import PlaceError
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.streams import ProcessStreams

log = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 15


class StreamInput:
    """Passes a descriptor on until its end, and owns it."""

    def __init__(self, engine: Engine, stream: ProcessStreams, descriptor: int) -> None:
        self._engine = engine
        self._stream = stream
        self._descriptor = descriptor
        self._task = asyncio.create_task(self._pass_on())

    async def close(self) -> None:
        self._task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([self._task])
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    async def _pass_on(self) -> None:
        try:
            while chunk := await self._next():
                await self._engine.write_exec(self._stream, chunk)
        except (PlaceError, OSError, RuntimeError):
            return  # The program reads no more, or the connection is gone: whoever reads its output sees that.
        if not self._engine.end_input(self._stream):
            log.warning("the end of the input cannot be told to the program: its engine is reached by TLS")

    async def _next(self) -> bytes:
        # Only what can be waited for is waited for: the rest (a file, /dev/null) is always there.
        with contextlib.suppress(PermissionError):
            await anyio.wait_readable(self._descriptor)
        return os.read(self._descriptor, _CHUNK_BYTES)
