"""Containers that are replaced: because the file has changed, or because somebody wants it."""

from __future__ import annotations

import pytest

from boathook.compose.place import Status
from boathook.compose.project import ProjectWorker
from boathook.errors import PlaceError
from boathook.runtimes.base import ContainerId
from tests.compose.build import (
    Act,
    changed_to,
    failing,
    live,
    runtime_of,
    stop,
    takes,
    up,
    up_with,
    within,
)

APP = """
services:
  dep:
    image: dep
    depends_on: {app: {condition: service_started, restart: true}}
    post_start: [{command: dep up}]
    pre_stop: [{command: dep down}]
  app:
    image: app
    environment: {A: %s}
    post_start: [{command: app up}]
    pre_stop: [{command: app down}]
"""
OLD, NEW = APP % "old", APP % "new"


@pytest.mark.behaviour("compose:38")
def test_a_forced_replacement_runs_pre_stop_in_the_old_one_and_post_start_in_the_new_one() -> None:
    lived = live(OLD, up, up_with("app", force_recreate=True))

    assert lived.only("Recreate", "begins", "SIGTERM", "removed")[2:] == [
        "app-1 Recreate",
        "app-1 pre_stop[0] begins",
        "app-1 SIGTERM",
        "app-1 removed",
        "app-1 Recreated",
        "app-1 post_start[0] begins",
    ]


def test_the_new_one_has_the_old_ones_name_and_says_whom_it_replaced() -> None:
    seen: list[tuple[str, str, str]] = []

    async def look(worker: ProjectWorker) -> None:
        seen.extend(
            (one.name, str(one.number), one.labels.get("com.docker.compose.replace", ""))
            for one in await worker.members()
        )

    live(OLD, up, up_with("app", force_recreate=True), look)

    assert sorted(seen) == [("demo-app-1", "1", "app-1"), ("demo-dep-1", "1", "")]


def test_force_concerns_the_named_services_and_their_dependencies_only_when_asked() -> None:
    assert live(OLD, up, up_with("dep", force_recreate=True)).only("Recreated") == ["dep-1 Recreated"]

    lived = live(OLD, up, up_with("dep", force_recreate=True, recreate_deps=True))

    assert lived.only("Recreated") == ["app-1 Recreated", "dep-1 Recreated"]


def test_dependants_that_are_to_be_restarted_stop_before_and_start_after_the_replacement() -> None:
    lived = live(OLD, up, changed_to(NEW), up, assume=(takes("pre_stop", "dep", 2), takes("pre_stop", "app", 3)))

    assert lived.error is None
    assert lived.only("dep-1", "app-1")[10:] == [
        "dep-1 pre_stop[0] begins",
        "dep-1 pre_stop[0] succeeded",
        "dep-1 SIGTERM",
        "dep-1 exited 143",
        "dep-1 Stopped",
        "app-1 Recreate",
        "app-1 pre_stop[0] begins",
        "app-1 pre_stop[0] succeeded",
        "app-1 SIGTERM",
        "app-1 exited 143",
        "app-1 Stopped",
        "app-1 removed",
        "app-1 created",
        "app-1 Recreated",
        "app-1 running",
        "app-1 post_start[0] begins",
        "app-1 post_start[0] succeeded",
        "app-1 Started",
        "dep-1 running",
        "dep-1 post_start[0] begins",
        "dep-1 post_start[0] succeeded",
        "dep-1 Started",
    ]


def test_a_dependant_of_two_that_are_replaced_has_stopped_before_either_is() -> None:
    text = """
services:
  dep:
    image: dep
    depends_on: {a: {condition: service_started, restart: true}, b: {condition: service_started, restart: true}}
    pre_stop: [{command: leave}]
  a: {image: a, environment: {A: %s}}
  b: {image: b, environment: {A: %s}}
"""

    lived = live(text % ("1", "1"), up, changed_to(text % ("2", "2")), up, assume=(takes("pre_stop", "dep", 5),))

    assert lived.at("dep-1 Stopped") == lived.at("a-1 Recreate") == lived.at("b-1 Recreate") == 5
    assert len(lived.times("dep-1 pre_stop[0] begins")) == 1


def test_without_recreation_what_differs_runs_on() -> None:
    lived = live(OLD, up, changed_to(NEW), up_with(recreate=False))

    assert not lived.has("Recreate")


def test_a_stopped_container_that_is_unchanged_is_kept_and_started() -> None:
    lived = live(OLD, up, stop, up)

    assert not lived.has("removed")
    assert len(lived.times("app-1 created")) == 1
    assert len(lived.times("app-1 running")) == 2


@pytest.mark.behaviour("compose:42")
def test_containers_that_are_only_made_run_no_hook() -> None:
    lived = live(OLD, up_with(start=False))

    assert lived.lines == ["0s app-1 created", "0s dep-1 created"]
    assert set(lived.left.values()) == {Status.CREATED}


def test_a_pre_stop_that_fails_leaves_the_old_one_running_and_nothing_half_made() -> None:
    lived = live(OLD, up, changed_to(NEW), up, assume=(takes("pre_stop", "app", 1, exit_code=4),))

    assert str(lived.error) == "app hook exited with status 4"
    assert lived.left == {"app-1": Status.RUNNING, "dep-1": Status.EXITED}


def test_an_interrupted_replacement_leaves_the_old_one_and_the_next_up_does_it() -> None:
    lived = live(OLD, up, changed_to(NEW), within(3, up), assume=(takes("pre_stop", "app", 5),))

    assert lived.left == {"app-1": Status.RUNNING, "dep-1": Status.EXITED}

    lived = live(OLD, up, changed_to(NEW), within(3, up), up, assume=(takes("pre_stop", "app", 5),))

    assert lived.left == {"app-1": Status.RUNNING, "dep-1": Status.RUNNING}
    assert len(lived.times("app-1 Recreated")) == 1


def breaking(method: str) -> Act:
    """From now on the place fails at this, once."""

    async def break_it(worker: ProjectWorker) -> None:
        place = worker.place

        class Breaking:
            broken = False

            def __getattr__(self, name: str) -> object:
                if name == method and not self.broken:
                    Breaking.broken = True
                    raise PlaceError("the engine is gone: connection reset")
                return getattr(place, name)

        worker.place = Breaking()  # type: ignore[assignment]

    return break_it


@pytest.mark.parametrize("act", ["create", "stop", "remove", "rename", "start"])
def test_a_place_that_breaks_away_in_the_middle_is_an_error_and_a_repeated_up_converges(act: str) -> None:
    lived = live(OLD, up, changed_to(NEW), breaking(act), failing(up), up)

    assert lived.error is None
    assert lived.left == {"app-1": Status.RUNNING, "dep-1": Status.RUNNING}


def test_one_that_somebody_removes_while_it_is_replaced_is_replaced_all_the_same() -> None:
    async def up_and_remove(worker: ProjectWorker) -> None:
        import anyio

        old = ContainerId(next(one.id for one in await worker.members() if one.service == "app"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.up)
            await anyio.sleep(1)
            await runtime_of(worker).remove(old)

    lived = live(OLD, up, changed_to(NEW), up_and_remove, assume=(takes("stop", "app", 5),))

    assert lived.error is None
    assert lived.left == {"app-1": Status.RUNNING, "dep-1": Status.RUNNING}
