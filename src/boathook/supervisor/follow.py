"""Hearing what the supervisor does with an object, for a command that has asked it to act and waits for the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio

from boathook.cluster.base import ObjectKey
from boathook.codec import to_json
from boathook.events import Listener
from boathook.home import Home
from boathook.supervisor.client import conversation
from boathook.supervisor.wire import event_of

OPERATION = "cluster.follow"

LAST_WORD_SECONDS = 1.0
"""How long what was told already may take to arrive."""


@asynccontextmanager
async def following(home: Home, key: ObjectKey, *, on_event: Listener) -> AsyncIterator[None]:
    """While the block runs, ``on_event`` hears what happens to the object and its pods, to the last word."""
    async with conversation(home, {"operation": OPERATION, "params": {"key": to_json(key)}}) as lines:
        over = anyio.Event()
        # Cancelled by nobody else: the last words are heard also when the command is interrupted.
        hearing = anyio.CancelScope(shield=True)

        async def hear() -> None:
            with hearing:
                while (message := await lines.receive()) is not None:
                    if "event" in message:
                        on_event(event_of(message))
            over.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hear)
            try:
                yield
            finally:
                # A supervisor that was killed has no more to say.
                with anyio.move_on_after(LAST_WORD_SECONDS, shield=True), suppress(anyio.BrokenResourceError):
                    await lines.say_if_heard({"cancel": True})
                    await over.wait()
                hearing.cancel()
