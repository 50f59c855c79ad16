"""The standard input of this command, passed on to a program in a container."""

from __future__ import annotations

import contextlib
import os
import sys

CHUNK_BYTES = 1 << 16
STDIN = 0


class Input:
    """A pipe in place of this command's own input.

    The program gets no descriptor of a terminal or a file of this machine: through it could be done more than read.
    """

    def __init__(self) -> None:
        # Where this command was started without one, the number is another file's by now.
        self._source = None if sys.stdin is None else STDIN
        self.read, self._write = os.pipe()
        os.set_blocking(self._write, False)

    def __enter__(self) -> Input:
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()

    async def pass_on(self) -> None:
        """Until the input ends, or the program reads no more. Once it has been started."""
        os.close(self.read)  # The program has its own; with ours it would not be seen that it is gone.
        self.read = -1
        with contextlib.suppress(BrokenPipeError):
            while self._source is not None and (chunk := await self._next(self._source)):
                await self._pass(chunk)
        self._close()

    async def _next(self, source: int) -> bytes:
        import anyio

        # Only what can be waited for is waited for: the rest (a file, /dev/null) is always there.
        with contextlib.suppress(PermissionError):
            await anyio.wait_readable(source)
        return os.read(source, CHUNK_BYTES)

    async def _pass(self, chunk: bytes) -> None:
        import anyio

        left = memoryview(chunk)
        while left:
            try:
                left = left[os.write(self._write, left) :]
            except BlockingIOError:
                await anyio.wait_writable(self._write)

    def _close(self) -> None:
        for descriptor in (self.read, self._write):
            if descriptor >= 0:
                os.close(descriptor)
        self.read = self._write = -1
