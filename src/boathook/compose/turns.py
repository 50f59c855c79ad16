"""Walks services in their order, and containers side by side, where nothing speaks against it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import anyio

from boathook.compose.failures import together
from boathook.compose.order import Turn
from boathook.errors import BoathookError


async def in_turn(
    turns: Sequence[Turn],
    act: Callable[[str], Awaitable[None]],
    *,
    before: Callable[[str], Awaitable[None]] | None = None,
) -> None:
    """Call ``act`` for each service once those it waits for are done.

    After the first failure no further service is begun; those begun finish (spec 4). Then all failures are raised as
    one. ``before`` is what a service waits for besides, at its turn: nothing has begun then, so that a failure
    elsewhere ends it.
    """
    done = {turn.service: anyio.Event() for turn in turns}
    waits: set[anyio.CancelScope] = set()
    failures: list[BoathookError] = []

    async def attempt(work: Callable[[str], Awaitable[None]], name: str) -> None:
        try:
            await work(name)
        except BoathookError as error:
            failures.append(error)
            for wait in waits:
                wait.cancel()

    async def take(turn: Turn) -> None:
        for name in turn.after:
            await done[name].wait()
        if before is not None and not failures:
            with anyio.CancelScope() as wait:
                waits.add(wait)
                await attempt(before, turn.service)
            waits.discard(wait)
        if not failures:
            await attempt(act, turn.service)
        done[turn.service].set()

    async with anyio.create_task_group() as running:
        for turn in turns:
            running.start_soon(take, turn)
    if failures:
        raise together(failures)


async def side_by_side(acts: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Do all of it at the same time. A failure stops none of the others; then all failures are raised as one."""
    failures: dict[int, BoathookError] = {}

    async def do(number: int, act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except BoathookError as error:
            failures[number] = error

    everything = tuple(acts)
    if len(everything) == 1:
        await everything[0]()
        return
    async with anyio.create_task_group() as running:
        for number, act in enumerate(everything):
            running.start_soon(do, number, act)
    if failures:
        raise together([failures[number] for number in sorted(failures)])


async def until_a_failure(acts: Iterable[Callable[[], Awaitable[object]]]) -> None:
    """Do all of it at the same time; the first failure ends the rest and is raised."""
    failures: list[BoathookError] = []

    async def do(act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except BoathookError as error:
            failures.append(error)
            running.cancel_scope.cancel()

    async with anyio.create_task_group() as running:
        for act in acts:
            running.start_soon(do, act)
    if failures:
        raise together(failures)


@dataclass(slots=True)
class Once:
    """An act that several want: one of them does it, all wait for its end, and all get its failure.

    Where the one is cancelled, another one of them does it.
    """

    _doing: anyio.Event | None = None
    """Set when nobody does it any more."""
    _done: bool = False
    _failure: BoathookError | None = None

    async def do(self, act: Callable[[], Awaitable[object]]) -> None:
        while not self._done:
            if self._doing is not None:
                await self._doing.wait()
            else:
                await self._try(act)
        if self._failure is not None:
            raise self._failure

    async def _try(self, act: Callable[[], Awaitable[object]]) -> None:
        self._doing = over = anyio.Event()
        try:
            await act()
            self._done = True
        except BoathookError as error:
            self._failure, self._done = error, True
        finally:
            self._doing = None
            over.set()
