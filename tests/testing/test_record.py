"""Assertions on what happened say what did happen when they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from boathook.errors import UsageError
from boathook.testing import NotHappened, PlannedPod
from boathook.testing.planned import Assume, simulate
from tests.testing.build import POD, TWO_CONTAINERS, a_file


def planned(directory: Path, text: str = POD, assume: Assume | None = None) -> PlannedPod:
    path = a_file(directory, text)
    return simulate(path, directories=(), assume=assume, stop_after=None, name=None)


def test_events_are_named_moments_in_order(tmp_path: Path) -> None:
    plan = planned(tmp_path, assume={"postStart:app": 1, "preStop:app": 2})

    assert [(one.at, one.name) for one in plan.events if " event " not in one.name or "Killing" in one.name] == [
        (0, "app created"),
        (0, "app started"),
        (0, "app.postStart started"),
        (1, "app.postStart ended"),
        (1, "phase Running"),
        (1, "stop requested"),
        (1, "app event Killing"),
        (1, "app.preStop started"),
        (3, "app.preStop ended"),
        (3, "app SIGTERM"),
        (3, "app exited"),
        (3, "phase Failed"),
        (3, "app removed"),
    ]


def test_the_order_of_moments_can_be_asserted(tmp_path: Path) -> None:
    plan = planned(tmp_path)

    plan.assert_order("app started", "app.preStop started", "app.preStop ended", "app SIGTERM", "app exited")
    with pytest.raises(NotHappened, match='"app SIGTERM" happened before "app exited"'):
        plan.assert_order("app exited", "app SIGTERM")


def test_hooks_of_several_containers_are_told_apart(tmp_path: Path) -> None:
    plan = planned(tmp_path, TWO_CONTAINERS)

    assert [(hook.name, hook.started, hook.ended) for hook in plan.hooks] == [("a.preStop", 0, 3), ("b.preStop", 0, 2)]
    assert plan.happened_before("b SIGTERM", "a SIGTERM")
    with pytest.raises(UsageError, match='has 2 hooks "preStop": it has "a'):
        plan.hook("preStop")


def test_a_hook_that_did_not_run_fails_the_test_with_the_timeline(tmp_path: Path) -> None:
    text = POD.replace("spec:", "spec:\n  restartPolicy: Never", 1)
    ended_by_itself = planned(tmp_path, text, {"run:app": 3})

    with pytest.raises(NotHappened) as failed:
        ended_by_itself.hook("preStop")

    assert str(failed.value) == f'hook "app.preStop" of pod "web" has not run\n\n{ended_by_itself.timeline}'
    assert not ended_by_itself.ran("preStop")
    assert ended_by_itself.ran("postStart")


def test_a_moment_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    plan = planned(tmp_path)

    with pytest.raises(NotHappened) as failed:
        plan.at("app SIGKILL")

    message = str(failed.value)
    assert message.startswith('"app SIGKILL" has not happened; what did: "')
    assert '"app created", ' in message
    assert message.endswith(plan.timeline)


def test_a_hook_that_nothing_has_is_a_mistake_of_the_test(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='pod "web" has no hook "app'):
        planned(tmp_path).ran("app.prestop")
