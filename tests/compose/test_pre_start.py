"""pre_start hooks: each in a container of its own, run to its end before the service starts."""

from __future__ import annotations

import pytest

from boathook import events as e
from boathook.compose.options import HookWishes
from boathook.compose.place import Status
from boathook.compose.project import ProjectWorker
from tests.compose.build import (
    changed_to,
    down,
    failing,
    live,
    restart,
    runtime_of,
    start,
    stop,
    takes,
    up,
    up_with,
    within,
)

TEXT = """
services:
  app:
    image: app
    scale: 2
    depends_on: [db]
    environment: {A: "%s"}
    pre_start:
      - command: prepare
      - {image: other, command: fill}
    post_start: [{command: register}]
  db:
    image: db
    post_start: [{command: migrate}]
"""
FIRST = TEXT % 1


@pytest.mark.behaviour("compose:60", "compose:65", "compose:62")
def test_they_run_once_for_all_replicas_after_the_dependencies_and_before_the_start() -> None:
    lived = live(FIRST, up, assume=(takes("pre_start", "app", 2), takes("post_start", "db", 1)))

    assert lived.only("app-1", "app-2")[2:] == [
        "app-1 pre_start[0] begins",
        "app-1 pre_start[0] succeeded",
        "app-1 pre_start[1] begins",
        "app-1 pre_start[1] succeeded",
        "app-1 running",
        "app-1 post_start[0] begins",
        "app-1 post_start[0] succeeded",
        "app-1 Started",
        "app-2 running",
        "app-2 post_start[0] begins",
        "app-2 post_start[0] succeeded",
        "app-2 Started",
    ]
    assert lived.at("app-1 pre_start[0] begins") == 1
    assert lived.at("app-1 running") == 5


@pytest.mark.behaviour("compose:60")
def test_nothing_is_left_of_those_that_end_well() -> None:
    left: list[int] = []

    async def count(worker: ProjectWorker) -> None:
        left.append(len(await runtime_of(worker).list({})))

    live(FIRST, up, count)

    assert left == [3]


@pytest.mark.behaviour("compose:62")
def test_they_do_not_run_while_a_replica_runs() -> None:
    lived = live(FIRST, up, up, up_with(scale={"app": 3}), restart)

    assert len(lived.times("app-1 pre_start[0] begins")) == 1
    assert not lived.has("app-3 pre_start")


@pytest.mark.behaviour("compose:62")
def test_they_run_again_after_a_stop_a_forced_replacement_and_a_change() -> None:
    for acts in ((up, stop, up), (up, stop, start), (up, up_with(force_recreate=True)), (up, changed_to(TEXT % 2), up)):
        lived = live(FIRST, *acts)

        assert len(lived.times("app-1 pre_start[0] begins")) == 2


@pytest.mark.behaviour("compose:61", "compose:67")
def test_one_that_fails_keeps_the_service_from_starting_and_is_kept_for_inspection() -> None:
    lived = live(FIRST, up, assume=(takes("pre_start", "app", 1, exit_code=17, output="one\n\ntwo\n"),))

    message = str(lived.error)
    assert message.startswith('service "app" pre_start[0] exited with code 17: one\ntwo (hook container ')
    assert message.endswith(" retained for inspection)")
    assert lived.left == {"app-1": Status.CREATED, "app-2": Status.CREATED, "db-1": Status.RUNNING}


@pytest.mark.behaviour("compose:61")
def test_what_was_kept_goes_at_the_next_start_and_at_down() -> None:
    left: list[list[str]] = []

    async def helpers(worker: ProjectWorker) -> None:
        found = await runtime_of(worker).list({"com.docker.compose.hook": "pre_start"})
        left.append([one.spec.labels["com.docker.compose.service"] for one in found])

    lived = live(
        FIRST,
        failing(up),
        helpers,
        failing(up),
        helpers,
        down,
        helpers,
        assume=(takes("pre_start", "app", 1, exit_code=1),),
    )

    assert lived.error is None
    assert left == [["app"], ["app"], []]


@pytest.mark.behaviour("compose:66")
def test_an_interrupted_one_is_removed() -> None:
    left: list[int] = []

    async def count(worker: ProjectWorker) -> None:
        left.append(len(await runtime_of(worker).list({"com.docker.compose.hook": "pre_start"})))

    lived = live(FIRST, within(2, up), count, assume=(takes("pre_start", "app", 10),))

    assert lived.has("app-1 pre_start[0] cancelled")
    assert left == [0]
    assert lived.left["app-1"] is Status.CREATED


def test_the_dependants_of_a_service_that_was_not_started_are_not_started() -> None:
    text = "services: {a: {image: a, depends_on: [b]}, b: {image: b, pre_start: [{command: x}]}}"

    lived = live(text, up, assume=(takes("pre_start", "b", 1, exit_code=1),))

    assert lived.left == {"a-1": Status.CREATED, "b-1": Status.CREATED}


def test_they_can_be_left_out_and_that_is_said() -> None:
    lived = live(FIRST, up_with(hooks=HookWishes(skip=True)))

    assert not lived.has("begins")
    assert lived.notes[:2] == [
        "post_start[0] of demo-db-1 was not run: --no-hooks",
        "pre_start[0] of demo-app-1 was not run: --no-hooks",
    ]


@pytest.mark.behaviour("compose:63")
def test_one_without_an_image_has_the_services_and_the_services_environment() -> None:
    specs: list[tuple[str, tuple[str, ...]]] = []

    async def look(worker: ProjectWorker) -> None:
        async for event in runtime_of(worker).events():
            if event.what == "started":
                found = await runtime_of(worker).inspect(event.container)
                specs.append((found.spec.image.reference, found.spec.command))

    async def up_and_look(worker: ProjectWorker) -> None:
        import anyio

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look, worker)
            await anyio.lowlevel.checkpoint()
            await worker.up()
            tasks.cancel_scope.cancel()

    lived = live(FIRST, up_and_look, assume=(takes("pre_start", "app", 1),))

    assert lived.error is None
    assert ("app", ("prepare",)) in specs
    assert ("other", ("fill",)) in specs
    assert any(isinstance(one.event, e.HookStarted) for one in lived.stamped)
