"""Debts of a simulation behave as those of the journal and do not add up."""

from __future__ import annotations

from boathook.clock import run_virtual
from boathook.journal import MemoryObligations, ObligationState
from tests.journal.build import TARGET


def test_what_is_open_or_failed_is_owed_and_what_is_settled_is_forgotten() -> None:
    async def scene() -> list[tuple[str, ObligationState]]:
        store = MemoryObligations()
        met = await store.open(kind="a", target=TARGET, description="one", payload={})
        failed = await store.open(kind="a", target=TARGET, description="two", payload={})
        await store.open(kind="b", target=TARGET, description="three", payload={})
        await store.settle(met.id, ObligationState.MET, "done")
        await store.settle(met.id, ObligationState.FAILED, "too late")
        await store.settle(failed.id, ObligationState.FAILED, "exit 1")
        assert len(store.obligations) == 2
        return [(one.description, one.state) for one in await store.owed(kind="a")]

    assert run_virtual(scene) == [("two", ObligationState.FAILED)]


def test_debts_are_found_by_scope() -> None:
    async def scene() -> tuple[int, int]:
        store = MemoryObligations()
        await store.open(kind="a", target=TARGET, description="one", payload={})
        return len(await store.owed(scope=TARGET.scope)), len(await store.owed(scope="elsewhere"))

    assert run_virtual(scene) == (1, 0)
