"""Stopping, restarting, pausing and killing: which of them run hooks, and what a failure leaves."""

from __future__ import annotations

import anyio
import pytest

from boathook.compose.place import Status
from boathook.compose.project import ProjectWorker
from boathook.errors import OperationFailed
from tests.compose.build import (
    after,
    down,
    failing,
    live,
    pause,
    restart,
    restart_with,
    runtime_of,
    start,
    stop,
    stop_with,
    takes,
    unpause,
    up,
)

TEXT = """
services:
  web:
    image: web
    depends_on: {db: {condition: service_started, restart: true}}
    post_start: [{command: warm}]
    pre_stop: [{command: drain}]
  db:
    image: db
    post_start: [{command: migrate}]
    pre_stop: [{command: dump}]
"""


@pytest.mark.behaviour("compose:37")
def test_a_restart_runs_pre_stop_and_post_start_and_takes_dependants_along_after_it() -> None:
    lived = live(TEXT, up, restart_with("db"), assume=(takes("pre_stop", "db", 1), takes("post_start", "db", 2)))

    assert lived.only("-1")[10:] == [
        "db-1 pre_stop[0] begins",
        "db-1 pre_stop[0] succeeded",
        "db-1 Restarting",
        "db-1 SIGTERM",
        "db-1 running",
        "db-1 Restarted",
        "db-1 post_start[0] begins",
        "db-1 post_start[0] succeeded",
        "web-1 pre_stop[0] begins",
        "web-1 pre_stop[0] succeeded",
        "web-1 Restarting",
        "web-1 SIGTERM",
        "web-1 running",
        "web-1 Restarted",
        "web-1 post_start[0] begins",
        "web-1 post_start[0] succeeded",
    ]
    assert lived.times("web-1 pre_stop[0] begins") == [5]


@pytest.mark.behaviour("compose:37")
def test_a_restart_without_dependencies_restarts_only_what_is_named() -> None:
    lived = live(TEXT, up, restart_with("db", deps=False))

    assert lived.only("Restarted") == ["db-1 Restarted"]
    assert live(TEXT, up, restart_with("web")).only("Restarted") == ["web-1 Restarted"]


@pytest.mark.behaviour("compose:29")
def test_a_failing_pre_stop_prevents_the_restart() -> None:
    lived = live(TEXT, up, restart, assume=(takes("pre_stop", "db", 1, exit_code=4),))

    assert str(lived.error) == "db hook exited with status 4"
    assert lived.only("Restarting") == []
    assert len(lived.times("db-1 post_start[0] begins")) == 1


def test_a_restart_starts_what_has_ended_without_pre_stop() -> None:
    lived = live(TEXT, up, stop, restart)

    assert len(lived.times("db-1 pre_stop[0] begins")) == 1
    assert len(lived.times("db-1 post_start[0] begins")) == 2
    assert lived.left == {"db-1": Status.RUNNING, "web-1": Status.RUNNING}


def test_start_runs_post_start_in_order_and_makes_nothing() -> None:
    lived = live(TEXT, up, stop, start, start, assume=(takes("post_start", "db", 2),))

    assert len(lived.times("web-1 created")) == 1
    assert lived.times("web-1 running") == [2, 4]


def test_start_of_what_was_never_made_is_an_error() -> None:
    lived = live(TEXT, start)

    assert isinstance(lived.error, OperationFailed)
    assert str(lived.error) == 'service "db" has no container to start'


def test_stop_of_a_service_leaves_its_dependants_alone() -> None:
    lived = live(TEXT, up, stop_with("db"))

    assert lived.left == {"db-1": Status.EXITED, "web-1": Status.RUNNING}


@pytest.mark.behaviour("compose:32")
def test_a_paused_container_goes_on_for_its_pre_stop_and_is_then_stopped() -> None:
    lived = live(TEXT, up, pause, stop)

    assert lived.error is None
    assert lived.only("db-1")[5:] == [
        "db-1 Paused",
        "db-1 Unpaused",
        "db-1 pre_stop[0] begins",
        "db-1 pre_stop[0] succeeded",
        "db-1 SIGTERM",
        "db-1 exited 143",
        "db-1 Stopped",
    ]


@pytest.mark.behaviour("compose:42")
def test_pausing_runs_no_hook() -> None:
    lived = live(TEXT, up, pause, unpause)

    assert sorted(lived.only("aused", "pre_stop")) == [
        "db-1 Paused",
        "db-1 Unpaused",
        "web-1 Paused",
        "web-1 Unpaused",
    ]
    assert len(lived.times("db-1 post_start[0] begins")) == 1


@pytest.mark.behaviour("compose:30")
def test_killing_counts_those_that_got_the_signal() -> None:
    counts: list[int] = []

    async def count(worker: ProjectWorker) -> None:
        counts.append(await worker.kill())

    live(TEXT, up, count, count, down)

    assert counts == [2, 0]


@pytest.mark.behaviour("compose:44")
def test_a_restart_by_policy_runs_no_hook() -> None:
    lived = live(
        "services: {app: {image: a, restart: always, post_start: [{command: x}], pre_stop: [{command: y}]}}",
        up,
        after(100),
        stop,
        assume=(takes("run", "app", 30, exit_code=1),),
    )

    assert len(lived.times("app-1 post_start[0] begins")) == 1
    assert len(lived.times("app-1 pre_stop[0] begins")) == 1
    assert lived.left == {"app-1": Status.EXITED}


def test_a_container_that_ends_while_others_stop_has_no_hook_any_more() -> None:
    lived = live(TEXT, up, stop, assume=(takes("pre_stop", "web", 5), takes("run", "db", 3)))

    assert lived.error is None
    assert not lived.has("db-1 pre_stop")


def test_a_container_that_is_removed_while_its_hook_runs_has_failed_to_stop() -> None:
    async def stop_and_remove(worker: ProjectWorker) -> None:
        (db,) = [one for one in await worker.members() if one.service == "db"]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(failing(stop), worker)
            await anyio.sleep(1)
            await runtime_of(worker).remove(db.id)

    lived = live(TEXT, up, stop_and_remove, stop, assume=(takes("pre_stop", "db", 3),))

    assert lived.has("db-1 pre_stop[0] failed")
    assert (lived.error, lived.left) == (None, {"web-1": Status.EXITED})


def test_two_stops_at_once_stop_everything_once() -> None:
    async def twice(worker: ProjectWorker) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.stop)
            tasks.start_soon(worker.stop)

    lived = live(TEXT, up, twice)

    assert lived.left == {"db-1": Status.EXITED, "web-1": Status.EXITED}


def test_a_container_that_its_policy_is_about_to_restart_is_stopped_all_the_same() -> None:
    lived = live(
        "services: {app: {image: a, restart: always, pre_stop:"
        " [{command: x, x-boathook: {on_failure: continue}}, {command: y}]}}",
        up,
        after(9),
        stop,
        after(3600),
        assume=(takes("run", "app", 10, exit_code=1), takes("pre_stop", "app", 5)),
    )

    assert lived.only("pre_stop") == [
        "app-1 pre_stop[0] begins",
        "app-1 pre_stop[0] failed",
        "app-1 pre_stop[1] begins",
        "app-1 pre_stop[1] could_not_start",
    ]
    assert (lived.error, lived.left) == (None, {"app-1": Status.EXITED})
