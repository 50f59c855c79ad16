from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import anyio
import pytest

from boathook.clock import run_virtual
from boathook.cluster.base import ObjectKey
from boathook.helm.actions import install, uninstall
from boathook.helm.model import ReleaseStatus, RunPhase
from boathook.helm.recovery import SETTLERS, settle_owed, settle_release
from boathook.journal import MemoryObligations, Obligation, ObligationState
from tests.helm.build import a_rendered_chart, config_map, install_options, job, uninstall_options
from tests.helm.cluster import Ends, Stage


class Orphaned(MemoryObligations):
    """Debts whose owner has died."""

    def is_orphaned(self, obligation: Obligation) -> bool:
        return True


async def killed_after(stage: Stage, seconds: float, *documents: str) -> Obligation:
    """The debt of an install that ended after ``seconds`` without a last word."""
    await _killed(seconds, install, a_rendered_chart(*documents), install_options(timeout=60), stage)
    (debt,) = await stage.context.obligations.owed()
    return debt


async def _killed(seconds: float, action: Any, *args: Any) -> None:
    """Stop an action where it stands: nothing that it would do on its way out is done."""
    *before, stage = args
    coroutine = action(*before, stage.cluster, stage.context)

    async def drive() -> None:
        await coroutine

    task = asyncio.get_running_loop().create_task(drive())
    await anyio.sleep(seconds)
    frozen = (dict(stage.cluster.objects), dict(stage.cluster.due))
    debts = dict(stage.context.obligations.obligations)
    task.cancel()
    await asyncio.wait([task])
    stage.cluster.objects, stage.cluster.due = frozen
    stage.context.obligations.obligations = debts


def a_stage(**ends: Ends) -> Stage:
    stage = Stage.of(**ends)
    stage.context = replace(stage.context, obligations=Orphaned())
    return stage


@pytest.mark.parametrize(
    ("ends", "phase", "left"),
    [
        (Ends(after=5), RunPhase.SUCCEEDED, []),
        (Ends(after=5, ok=False), RunPhase.FAILED, ["a"]),
        (Ends(after=None), RunPhase.UNKNOWN, ["a"]),
    ],
)
def test_a_release_whose_command_died_in_a_hook_gets_its_status_and_the_hook_its_end(
    ends: Ends, phase: RunPhase, left: list[str]
) -> None:
    async def test() -> None:
        stage = a_stage(a=ends)
        debt = await killed_after(stage, 2, job("a", policy="hook-succeeded"))

        settled = await settle_release(debt, stage.context, stage.cluster)

        release = await stage.store.last("demo")
        assert settled.state is ObligationState.MET
        assert release.status is ReleaseStatus.FAILED
        assert release.hooks[0].last_run.phase is phase
        assert release.description == (
            f'Release "demo" failed: its command ended before its time during install, hook "a" ({phase.value.lower()})'
        )
        assert stage.cluster.names("Job") == left
        assert anyio.current_time() <= 61

    run_virtual(test)


def test_hooks_that_had_succeeded_before_are_deleted_by_their_policy() -> None:
    async def test() -> None:
        stage = a_stage(a=Ends(after=1), b=Ends(after=5, ok=False))
        debt = await killed_after(stage, 3, job("a", policy="hook-succeeded"), job("b", policy="hook-failed"))

        await settle_release(debt, stage.context, stage.cluster)

        assert stage.cluster.names("Job") == []

    run_virtual(test)


def test_a_release_that_came_to_its_end_all_the_same_is_left_as_it_is() -> None:
    async def test() -> None:
        stage = a_stage(a=Ends(after=5))
        debt = await killed_after(stage, 2, job("a"))
        release = await stage.store.last("demo")
        await stage.store.update(replace(release, status=ReleaseStatus.DEPLOYED), now=stage.context.clock.now())

        settled = await settle_release(debt, stage.context, stage.cluster)

        assert settled.state is ObligationState.MET
        assert (await stage.store.last("demo")).status is ReleaseStatus.DEPLOYED

    run_virtual(test)


def test_a_release_that_is_gone_is_owed_nothing() -> None:
    async def test() -> None:
        stage = a_stage(a=Ends(after=5))
        debt = await killed_after(stage, 2, job("a"))
        await stage.store.delete(await stage.store.last("demo"))

        assert (await settle_release(debt, stage.context, stage.cluster)).state is ObligationState.MOOT

    run_virtual(test)


def test_a_release_that_was_installed_anew_is_another_one() -> None:
    async def test() -> None:
        stage = a_stage(a=Ends(after=5))
        debt = await killed_after(stage, 2, job("a"))
        await stage.store.delete(await stage.store.last("demo"))
        await anyio.sleep(1)
        await install(a_rendered_chart(), install_options(), stage.cluster, stage.context)

        assert (await settle_release(debt, stage.context, stage.cluster)).state is ObligationState.MOOT
        assert (await stage.store.last("demo")).status is ReleaseStatus.DEPLOYED

    run_virtual(test)


def test_an_uninstall_whose_command_died_can_be_done_again() -> None:
    async def test() -> None:
        stage = a_stage(a=Ends(after=5))
        rendered = a_rendered_chart(job("a", event="pre-delete"), config_map("plain"))
        await install(rendered, install_options(), stage.cluster, stage.context)
        await _killed(2, uninstall, uninstall_options(), stage)

        await settle_owed("release:default/demo", stage.context, stage.cluster)
        failed = await stage.store.last("demo")
        await uninstall(uninstall_options(), stage.cluster, stage.context)

        assert failed.status is ReleaseStatus.FAILED
        assert "during uninstall" in failed.description
        assert await stage.store.history("demo") == ()
        assert await stage.context.obligations.owed() == ()
        assert ObjectKey(kind="ConfigMap", namespace="default", name="plain") not in stage.cluster.objects

    run_virtual(test)


def test_the_debt_of_a_release_has_a_settler() -> None:
    assert list(SETTLERS) == ["helm.release"]
