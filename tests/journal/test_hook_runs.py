"""The runs of hooks against one target, out of all runs of the journal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from boathook.events import ContainerStarted, HookStarted
from boathook.home import Home
from boathook.hooks import run_hook
from boathook.journal.hook_runs import hook_runs
from tests.hooks.build import FakeTarget, a_hook, an_exec
from tests.journal.build import TARGET, a_context

pytestmark = pytest.mark.anyio


async def test_hooks_of_a_pod_are_found_in_all_runs_oldest_first(home: Home) -> None:
    other = replace(TARGET, instance="other/0")
    for command, target in (("one", TARGET), ("two", other), ("three", TARGET)):
        async with a_context(home, command=command) as context:
            hook = a_hook(an_exec(command))
            await run_hook(hook, target, FakeTarget(), deadline=None, events=context.events, clock=context.clock)

    found = hook_runs(home, "uid/")

    assert [one.started.hook.handler for one in found] == [an_exec("one"), an_exec("three")]
    assert all(one.finished is not None and one.finished.result.succeeded for one in found)
    assert len({one.run for one in found}) == 2


async def test_a_hook_whose_end_nobody_saw_has_none(home: Home) -> None:
    async with a_context(home) as context:
        context.events.emit(HookStarted(target=TARGET, hook=a_hook(), budget=None))

    assert [one.finished for one in hook_runs(home, "uid/")] == [None]


async def test_the_first_hook_after_a_start_is_told_from_one_that_is_run_later(home: Home) -> None:
    for starts in (True, False):
        async with a_context(home) as context:
            if starts:
                context.events.emit(ContainerStarted(target=TARGET))
            for _ in range(2):
                await run_hook(
                    a_hook(), TARGET, FakeTarget(), deadline=None, events=context.events, clock=context.clock
                )

    assert [one.first for one in hook_runs(home, "uid/")] == [True, False, False, False]


async def test_only_the_last_ones_are_given(home: Home) -> None:
    async with a_context(home) as context:
        for number in range(5):
            hook = a_hook(an_exec(str(number)))
            await run_hook(hook, TARGET, FakeTarget(), deadline=None, events=context.events, clock=context.clock)

    assert [one.started.hook.handler for one in hook_runs(home, "uid/", limit=2)] == [an_exec("3"), an_exec("4")]


async def test_without_a_journal_there_are_none(home: Home) -> None:
    assert hook_runs(home, "uid/") == ()
    assert not home.journal.exists()
