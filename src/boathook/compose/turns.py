"""Walks services in their order, side by side where nothing speaks against it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio

from boathook.compose.failures import together
from boathook.compose.order import Turn
from boathook.errors import BoathookError


async def in_turn(turns: Sequence[Turn], act: Callable[[str], Awaitable[None]]) -> None:
    """Call ``act`` for each service once those it waits for are done.

    After the first failure no further service is begun; those begun finish (spec 4). Then all failures are raised as
    one.
    """
    done = {turn.service: anyio.Event() for turn in turns}
    failures: list[BoathookError] = []

    async def take(turn: Turn) -> None:
        for name in turn.after:
            await done[name].wait()
        if not failures:
            try:
                await act(turn.service)
            except BoathookError as error:
                failures.append(error)
        done[turn.service].set()

    async with anyio.create_task_group() as running:
        for turn in turns:
            running.start_soon(take, turn)
    if failures:
        raise together(failures)
