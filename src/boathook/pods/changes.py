"""How those who wait for something about a pod learn that it has changed."""

from __future__ import annotations

import anyio


class Changes:
    """Wakes all who wait for the next change."""

    def __init__(self) -> None:
        self._next: anyio.Event | None = None
        """Made by who waits: most changes are waited for by nobody."""

    def tell(self) -> None:
        if self._next is not None:
            self._next.set()
            self._next = None

    async def wait(self) -> None:
        """Until the next one. Whoever has let nobody else run since it looked has missed none."""
        if self._next is None:
            self._next = anyio.Event()
        await self._next.wait()
