"""A debt is written before the block that makes it owed, and stands as the block has left it."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import pytest

from boathook.clock import LoopClock, run_virtual
from boathook.errors import OperationFailed
from boathook.events import Event, EventStream, ObligationOpened, ObligationSettled
from boathook.journal import Context, Debt, MemoryObligations, ObligationState, owed
from tests.journal.build import TARGET


async def a_debt(context: Context, block) -> None:  # type: ignore[no-untyped-def]
    async with owed(context, kind="k", target=TARGET, description="thaw /data", payload={}) as debt:
        await block(debt)


def left(block, *, raises: type[BaseException] | None = None) -> tuple[list[ObligationState], list[Event]]:  # type: ignore[no-untyped-def]
    """Run ``block`` inside a debt; what is owed after it, and what was told."""
    heard: list[Event] = []

    async def scene() -> list[ObligationState]:
        context = Context(events=EventStream(clock=LoopClock()), clock=LoopClock(), obligations=MemoryObligations())
        with context.events.listening(lambda stamped: heard.append(stamped.event)):
            if raises:
                with pytest.raises(raises):
                    await a_debt(context, block)
            else:
                with anyio.move_on_after(1):
                    await a_debt(context, block)
        return [obligation.state for obligation in await context.obligations.owed()]

    return run_virtual(scene), heard


def test_unsaid_it_is_met() -> None:
    async def block(debt: Debt) -> None:
        await anyio.lowlevel.checkpoint()

    states, heard = left(block)

    assert states == []
    assert [type(event) for event in heard] == [ObligationOpened, ObligationSettled]
    assert isinstance(heard[1], ObligationSettled)
    assert heard[1].state == "met"


def test_what_the_block_says_counts() -> None:
    async def moot(debt: Debt) -> None:
        debt.moot("its container is gone")

    async def failed(debt: Debt) -> None:
        debt.failed("exited with code 1")

    async def keep(debt: Debt) -> None:
        debt.keep()

    assert left(moot)[0] == []
    assert left(failed)[0] == [ObligationState.FAILED]
    assert left(keep)[0] == [ObligationState.OPEN]


def test_a_failure_that_was_dealt_with_leaves_nothing_owed() -> None:
    async def block(debt: Debt) -> None:
        raise OperationFailed("backup failed")

    assert left(block, raises=OperationFailed)[0] == []


def test_a_bug_leaves_it_owed() -> None:
    async def block(debt: Debt) -> None:
        raise ZeroDivisionError

    assert left(block, raises=ZeroDivisionError)[0] == [ObligationState.FAILED]


def test_cancellation_leaves_it_owed_unless_the_block_has_paid() -> None:
    async def unpaid(debt: Debt) -> None:
        await anyio.sleep_forever()

    async def paid(debt: Debt) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            debt.met()

    assert left(unpaid)[0] == [ObligationState.FAILED]
    assert left(paid)[0] == []
