"""``down``, ``rm`` and orphans: what goes, in which order, and what is left alone."""

from __future__ import annotations

import dataclasses

import pytest

from boathook.compose.place import Status
from boathook.compose.project import ProjectWorker
from tests.compose.build import (
    a_project,
    changed_to,
    down,
    down_with,
    kill,
    live,
    remove_with,
    runtime_of,
    stop,
    stop_with,
    takes,
    up,
    up_with,
)

TEXT = """
services:
  web: {image: web, depends_on: [db], pre_stop: [{command: drain}], volumes: ['files:/f']}
  db: {image: db, pre_stop: [{command: dump}], volumes: ['data:/d', 'files:/f']}
volumes: {data: {}, files: {}, unused: {}}
"""
WITHOUT_DB = "services: {web: {image: web, pre_stop: [{command: drain}]}}"
ORPHANS = (
    "Found orphan containers ([demo-db-1]) for this project. If you removed or renamed this service in your compose"
    " file, you can run this command with the --remove-orphans flag to clean it up."
)


async def volumes(worker: ProjectWorker) -> set[str]:
    return {one.name for one in await runtime_of(worker).list_volumes({})}


def test_a_dependant_is_removed_before_what_it_depends_on_stops() -> None:
    lived = live(TEXT, up, down)

    assert lived.only("SIGTERM", "removed") == [
        "web-1 SIGTERM",
        "web-1 removed",
        "db-1 SIGTERM",
        "db-1 removed",
    ]


@pytest.mark.behaviour("compose:59")
def test_volumes_that_nobody_uses_are_not_made_and_those_that_are_stay_without_a_wish() -> None:
    seen: list[set[str]] = []

    async def look(worker: ProjectWorker) -> None:
        seen.append(await volumes(worker))

    live(TEXT, up, look, down, look, up, down_with(volumes=True), look)

    assert seen == [{"demo_data", "demo_files"}, {"demo_data", "demo_files"}, set()]


def test_taking_down_one_service_removes_no_volume_that_another_one_mounts() -> None:
    seen: list[set[str]] = []

    async def look(worker: ProjectWorker) -> None:
        seen.append(await volumes(worker))

    lived = live(TEXT, up, stop_with("web"), down_with("db", volumes=True), look)

    assert seen == [{"demo_files"}]
    assert lived.left == {"web-1": Status.EXITED}


@pytest.mark.behaviour("compose:28")
def test_after_a_failure_networks_and_volumes_stay() -> None:
    seen: list[set[str]] = []

    async def down_and_look(worker: ProjectWorker) -> None:
        try:
            await down_with(volumes=True)(worker)
        finally:
            seen.append(await volumes(worker))

    lived = live(TEXT, up, down_and_look, assume=(takes("pre_stop", "db", 1, exit_code=4),))

    assert str(lived.error) == "db hook exited with status 4"
    assert lived.left == {"db-1": Status.RUNNING}
    assert seen == [{"demo_data", "demo_files"}]


@pytest.mark.behaviour("compose:45")
def test_orphans_are_named_or_removed_without_hooks_and_that_is_said() -> None:
    lived = live(TEXT, up, changed_to(WITHOUT_DB), up)

    assert lived.notes == [ORPHANS]
    assert lived.left["db-1"] is Status.RUNNING

    lived = live(TEXT, up, changed_to(WITHOUT_DB), up_with(remove_orphans=True))

    assert lived.notes == ['demo-db-1 is stopped without hooks: the file has no service "db"']
    assert not lived.has("db-1 pre_stop")
    assert set(lived.left) == {"web-1"}


@pytest.mark.behaviour("compose:45")
def test_down_leaves_orphans_unless_they_are_to_go() -> None:
    lived = live(TEXT, up, changed_to(WITHOUT_DB), down)

    assert lived.left == {"db-1": Status.RUNNING}
    assert lived.notes == ["Network demo_default  Resource is still in use"]

    lived = live(TEXT, up, changed_to(WITHOUT_DB), down_with(remove_orphans=True))

    assert lived.left == {}
    assert not lived.has("db-1 pre_stop")


def test_orphans_can_be_ignored() -> None:
    assert live(TEXT, up, changed_to(WITHOUT_DB), up_with(ignore_orphans=True)).notes == []


@pytest.mark.behaviour("compose:58")
def test_a_disabled_service_is_no_orphan_and_stays() -> None:
    async def disable(worker: ProjectWorker) -> None:
        project = a_project(WITHOUT_DB + "\nnetworks: {default: {}}")
        worker.project = dataclasses.replace(project, disabled=("db",))

    lived = live(TEXT, up, disable, down_with(remove_orphans=True))

    assert lived.error is None
    assert lived.left == {"db-1": Status.RUNNING}
    assert any("Resource is still in use" in note for note in lived.notes)


@pytest.mark.behaviour("compose:43")
def test_rm_with_stop_runs_pre_stop_and_without_it_takes_only_what_does_not_run() -> None:
    lived = live(TEXT, up, remove_with("web", stop=True))

    assert lived.only("pre_stop[0] begins", "removed") == ["web-1 pre_stop[0] begins", "web-1 removed"]

    lived = live(TEXT, up, remove_with())

    assert lived.only("removed") == []

    lived = live(TEXT, up, kill, remove_with())

    assert not lived.has("pre_stop")
    assert lived.left == {}


def test_rm_says_what_it_would_take() -> None:
    seen: list[tuple[str, ...]] = []

    async def look(worker: ProjectWorker) -> None:
        seen.append(await worker.removable())

    live(TEXT, up, look, stop, look)

    assert seen == [(), ("demo-db-1", "demo-web-1")]


def test_a_container_that_somebody_removed_first_is_no_failure() -> None:
    async def down_and_remove(worker: ProjectWorker) -> None:
        import anyio

        (db,) = [one for one in await worker.members() if one.service == "db"]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.down)
            await anyio.sleep(1)
            await runtime_of(worker).remove(db.id)

    lived = live(TEXT, up, down_and_remove, assume=(takes("pre_stop", "web", 3),))

    assert (lived.error, lived.left) == (None, {})
