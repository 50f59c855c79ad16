"""What the dead owe is settled by kind, oldest first; what the living owe is left to them."""

from __future__ import annotations

from functools import partial

import pytest

from boathook.errors import NotRunning
from boathook.home import Home
from boathook.journal import Context, Obligation, ObligationState, Settled, recover, target_lock
from boathook.journal.recovery import is_unsettled
from boathook.model import Target
from tests.journal.build import TARGET, a_child, a_context, ended

pytestmark = pytest.mark.anyio

OWES_AND_DIES = """
import anyio, os, signal
from tests.journal.build import TARGET, a_context

async def main():
    async with a_context(home) as context:
        for number in (1, 2):
            await context.obligations.open(kind="thaw", target=TARGET, description=f"thaw {number}", payload={})
        os.kill(os.getpid(), signal.SIGKILL)

anyio.run(main)
"""


def a_dead_owner(home: Home) -> None:
    assert ended(a_child(OWES_AND_DIES, home)) == -9


async def meets(obligation: Obligation, context: Context, runtime: object) -> Settled:
    return Settled(ObligationState.MET, "thawed")


async def breaks_on_the_first(obligation: Obligation, context: Context, runtime: object) -> Settled:
    if obligation.description == "thaw 1":
        raise NotRunning("its volume is gone")
    return Settled(ObligationState.MET, "thawed")


def texts(results: list[tuple[Obligation, Settled]]) -> list[str]:
    return [f"{obligation.description}: {settled.state}: {settled.reason}" for obligation, settled in results]


async def test_the_debts_of_a_killed_process_are_settled_oldest_first(home: Home) -> None:
    a_dead_owner(home)

    async with a_context(home) as context:
        results = await recover(context, None, {"thaw": meets})
        owed = await context.obligations.owed()

    assert texts(results) == ["thaw 1: met: thawed", "thaw 2: met: thawed"]
    assert owed == ()


async def test_one_that_fails_is_recorded_the_others_go_on_and_the_next_time_tries_again(home: Home) -> None:
    a_dead_owner(home)

    async with a_context(home) as context:
        first = await recover(context, None, {"thaw": breaks_on_the_first})
        second = await recover(context, None, {"thaw": meets})

    assert texts(first) == ["thaw 1: failed: its volume is gone", "thaw 2: met: thawed"]
    assert [is_unsettled(settled) for _, settled in first] == [True, False]
    assert texts(second) == ["thaw 1: met: thawed"]


async def test_a_living_owners_debt_is_left_alone_and_said(home: Home) -> None:
    async with a_context(home) as owner, a_context(home) as other:
        debt = await owner.obligations.open(kind="thaw", target=TARGET, description="thaw", payload={})

        results = await recover(other, None, {"thaw": meets})

    assert texts(results) == [f"thaw: open: its owner, process {debt.owner.pid}, is alive"]
    assert not is_unsettled(results[0][1])


async def test_an_unknown_kind_is_reported_and_stays_owed(home: Home) -> None:
    a_dead_owner(home)

    async with a_context(home) as context:
        results = await recover(context, None, {})
        owed = await context.obligations.owed()

    assert texts(results)[0] == 'thaw 1: failed: nothing here can settle "thaw"'
    assert [one.state for one in owed] == [ObligationState.OPEN, ObligationState.OPEN]


async def test_a_command_settles_only_what_concerns_its_own_target(home: Home) -> None:
    elsewhere = Target(kind="container", scope="default/other", name="app", instance="x")
    async with a_context(home) as dead:
        await dead.obligations.open(kind="thaw", target=TARGET, description="mine", payload={})
        await dead.obligations.open(kind="thaw", target=elsewhere, description="theirs", payload={})

    async with a_context(home) as context:
        results = await recover(context, None, {"thaw": meets}, scope=TARGET.scope)

    assert texts(results) == ["mine: met: thawed"]


async def test_what_another_command_holds_is_left_to_it(home: Home) -> None:
    a_dead_owner(home)

    async with a_context(home) as context, target_lock(home, TARGET.scope, command="backup create daily"):
        results = await recover(context, None, {"thaw": meets}, locking=partial(target_lock, home))

    assert [settled.state for _, settled in results] == [ObligationState.OPEN, ObligationState.OPEN]
    assert "(backup create daily)" in results[0][1].reason
