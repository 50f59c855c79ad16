"""Several containers of one service: started one after the other, stopped side by side, each with its hooks."""

from __future__ import annotations

import anyio
import pytest

from boathook.compose.place import Status
from boathook.compose.project import ProjectWorker
from boathook.errors import UsageError
from tests.compose.build import (
    down,
    failing,
    kill,
    live,
    restart,
    runtime_of,
    start,
    stop,
    takes,
    up,
    up_with,
)

THREE = """
services:
  app:
    image: a
    scale: 3
    post_start: [{command: register}]
    pre_stop: [{command: leave}]
"""


@pytest.mark.behaviour("compose:6")
def test_replicas_start_in_ascending_number_and_their_hooks_do_not_overlap() -> None:
    lived = live(THREE, up, assume=(takes("post_start", "app", 1),))

    assert [lived.at(f"app-{number} running") for number in (1, 2, 3)] == [0, 1, 2]
    assert lived.stamped[-1].at == 3


@pytest.mark.behaviour("compose:6")
def test_replicas_stop_side_by_side() -> None:
    lived = live(THREE, up, stop, assume=(takes("pre_stop", "app", 2),))

    assert [lived.at(f"app-{number} SIGTERM") for number in (1, 2, 3)] == [2, 2, 2]


def test_a_failed_hook_of_one_replica_leaves_the_later_ones_unstarted() -> None:
    lived = live(THREE, up, assume=(takes("post_start", "app-2", 1, exit_code=3),))

    assert str(lived.error) == "app hook exited with status 3"
    assert lived.left == {"app-1": Status.RUNNING, "app-2": Status.RUNNING, "app-3": Status.CREATED}


@pytest.mark.behaviour("compose:40")
def test_scaling_up_starts_only_the_new_one_and_scaling_down_stops_the_highest_with_hooks() -> None:
    lived = live(THREE, up, up_with(scale={"app": 4}))

    assert len(lived.times("app-4 post_start[0] begins")) == 1
    assert sum("post_start[0] begins" in line for line in lived.lines) == 4

    lived = live(THREE, up, up_with(scale={"app": 4}), up_with(scale={"app": 2}))

    assert lived.only("pre_stop[0] begins") == ["app-4 pre_stop[0] begins", "app-3 pre_stop[0] begins"]
    assert lived.left == {"app-1": Status.RUNNING, "app-2": Status.RUNNING}


@pytest.mark.behaviour("compose:68")
def test_the_outcome_of_each_replica_is_its_own_when_a_pre_stop_of_one_fails() -> None:
    lived = live(THREE, up, stop, assume=(takes("pre_stop", "app-2", 1, exit_code=4), takes("pre_stop", "app", 3)))

    assert str(lived.error) == "app hook exited with status 4"
    assert lived.left == {"app-1": Status.EXITED, "app-2": Status.RUNNING, "app-3": Status.EXITED}
    assert lived.at("app-2 Error while Stopping") == 1
    assert lived.at("app-1 Stopped") == lived.at("app-3 Stopped") == 3


def test_a_repeated_stop_runs_the_hooks_of_what_still_runs() -> None:
    lived = live(THREE, up, failing(stop), kill, stop, down, assume=(takes("pre_stop", "app-2", 1, exit_code=4),))

    assert lived.error is None
    assert len(lived.times("app-2 pre_stop[0] begins")) == 1
    assert len(lived.times("app-1 pre_stop[0] begins")) == 1
    assert lived.left == {}


def test_restarting_replicas_goes_side_by_side() -> None:
    lived = live(THREE, up, restart, assume=(takes("pre_stop", "app", 2), takes("post_start", "app", 1)))

    assert [lived.times(f"app-{number} Restarted") for number in (1, 2, 3)] == [[5], [5], [5]]
    assert lived.stamped[-1].at == 6


def test_no_more_containers_are_worked_on_at_once_than_is_allowed() -> None:
    async def two_at_once(worker: ProjectWorker) -> None:
        worker.parallel = 2

    lived = live(THREE, up, two_at_once, stop, assume=(takes("pre_stop", "app", 2),))

    assert sorted(lived.at(f"app-{number} SIGTERM") for number in (1, 2, 3)) == [2, 2, 4]


def test_a_name_of_its_own_allows_no_second_one() -> None:
    lived = live("services: {app: {image: a, container_name: mine}}", up_with(scale={"app": 2}))

    assert isinstance(lived.error, UsageError)
    assert lived.lines == []


def test_a_replica_that_somebody_removed_is_made_again_with_a_number_of_its_own() -> None:
    async def remove_one(worker: ProjectWorker) -> None:
        (second,) = [one for one in await worker.members() if one.number == 2]
        await runtime_of(worker).remove(second.id)

    lived = live(THREE, up, remove_one, up)

    assert set(lived.left) == {"app-1", "app-3", "app-4"}


def test_one_that_is_removed_while_its_siblings_stop_is_no_failure() -> None:
    async def stop_and_remove(worker: ProjectWorker) -> None:
        (second,) = [one for one in await worker.members() if one.number == 2]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.stop)
            await anyio.sleep(1)
            await runtime_of(worker).remove(second.id)

    lived = live(THREE, up, stop_and_remove, start, assume=(takes("pre_stop", "app-1", 3), takes("stop", "app", 5)))

    assert lived.error is None
    assert lived.left == {"app-1": Status.RUNNING, "app-3": Status.RUNNING}
