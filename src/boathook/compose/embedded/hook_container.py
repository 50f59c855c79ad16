"""Containers that run a hook to its end, beside the one that it is for."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from boathook.compose.labels import SHORT_ID
from boathook.errors import NotFound
from boathook.runtimes.base import ContainerId, ContainerRuntime, Exit, OutputSink

REMOVE_SECONDS = 15.0
"""How long removing a helper may take, when nobody can interrupt it."""


@dataclass(slots=True, kw_only=True)
class Helper:
    """A helper that runs, as an execution: it is removed when it ends with 0, and kept when it fails."""

    runtime: ContainerRuntime
    container: ContainerId
    output: OutputSink
    _shown: int = 0
    """How many lines of its log the sink has got."""
    _ended: Exit | None = None
    _ending: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def helper_id(self) -> str:
        """What to call it where it is kept."""
        return self.container[:SHORT_ID]

    async def wait(self) -> Exit:
        """Until it has ended and all that it wrote has been handed on."""
        async with self._ending:
            if self._ended is None:
                self._ended = ended = await self._to_its_end()
                if ended.ok:
                    await self._remove()
            return self._ended

    async def _to_its_end(self) -> Exit:
        try:
            await self._hand_on()
            return await self.runtime.wait(self.container)
        except NotFound:
            return Exit(code=None, signal=None)  # It was killed, or somebody has removed it.

    async def kill(self) -> None:
        """Nothing is kept of one that is interrupted."""
        await self._remove()

    async def _hand_on(self) -> None:
        """A wait that was cancelled has handed on a part, which is not repeated."""
        at = 0
        async for line in self.runtime.logs(self.container, follow=True):
            at += 1
            if at > self._shown:
                self._shown = at
                self.output(line.stream, line.text.encode() + (b"" if line.partial else b"\n"))

    async def _remove(self) -> None:
        with anyio.move_on_after(REMOVE_SECONDS, shield=True):
            await self.runtime.remove(self.container)
