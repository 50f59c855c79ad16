"""One-off containers: their names and labels, what starts before them, and which hooks they have."""

from __future__ import annotations

import pytest

from boathook.compose.options import HookWishes, OneOff, RunOptions
from boathook.compose.place import Member, Status
from boathook.compose.project import ProjectWorker
from tests.compose.build import Act, after, changed_to, down, down_with, kill, live, stop, takes, up, up_with

TEXT = """
services:
  app:
    image: app
    depends_on: [db]
    post_start: [{command: register}]
    pre_stop: [{command: leave}]
  db:
    image: db
    post_start: [{command: migrate}]
"""
MADE: list[Member] = []


def run(*, name: str = "", **options: object) -> Act:
    async def run_it(worker: ProjectWorker) -> None:
        made = await worker.create_oneoff(RunOptions(service="app", name=name, **options))  # type: ignore[arg-type]
        MADE[:] = [made]
        await worker.start_oneoff(made)

    return run_it


@pytest.mark.behaviour("compose:41")
def test_a_one_off_starts_what_it_depends_on_and_has_post_start_hooks() -> None:
    lived = live(TEXT, run(), assume=(takes("post_start", "db", 2),))

    assert lived.only("running", "begins") == [
        "db-1 running",
        "db-1 post_start[0] begins",
        "app-run-100000000000 running",
        "app-run-100000000000 post_start[0] begins",
    ]
    assert lived.at("app-run-100000000000 running") == 2


@pytest.mark.behaviour("compose:54")
def test_a_one_off_is_called_and_labelled_as_the_peers_are() -> None:
    live(TEXT, run(labels=(("mine", "1"),)))

    (made,) = MADE
    prefix = "com.docker.compose."
    assert (made.name, made.oneoff, made.number) == ("demo-app-run-100000000000", True, 0)
    assert made.labels[prefix + "oneoff"] == "True"
    assert len(made.labels[prefix + "slug"]) == 64
    assert prefix + "container-number" not in made.labels
    assert made.labels["mine"] == "1"


def test_a_one_off_has_the_name_and_command_that_it_is_given() -> None:
    live(TEXT, run(name="mine", oneoff=OneOff(command=("echo", "hi"))))

    assert (MADE[0].name, MADE[0].command) == ("mine", ("echo", "hi"))


def test_without_dependencies_nothing_else_starts() -> None:
    assert live(TEXT, run(deps=False)).only("running") == ["app-run-100000000000 running"]


@pytest.mark.behaviour("compose:41")
def test_a_failed_hook_of_a_dependency_prevents_the_one_off() -> None:
    lived = live(TEXT, run(), assume=(takes("post_start", "db", 1, exit_code=3),))

    assert str(lived.error) == "db hook exited with status 3"
    assert lived.left == {"db-1": Status.RUNNING}


@pytest.mark.behaviour("compose:41")
def test_only_down_with_orphans_ends_a_one_off_and_its_pre_stop_runs_then() -> None:
    lived = live(TEXT, run(), stop, down)

    assert lived.left == {"app-run-100000000000": Status.RUNNING}
    assert not lived.has("pre_stop")

    lived = live(TEXT, run(), down_with(remove_orphans=True))

    assert lived.left == {}
    assert lived.only("pre_stop[0] begins") == ["app-run-100000000000 pre_stop[0] begins"]


def test_a_one_off_that_ends_while_its_hooks_run_has_no_failed_hook() -> None:
    lived = live(TEXT, run(), assume=(takes("run", "demo-app-run-100000000000", 1), takes("post_start", "app", 3)))

    assert lived.error is None
    assert lived.notes == ["post_start of demo-app-run-100000000000 was cut short: the container has ended"]


def test_a_one_off_that_has_ended_is_an_orphan() -> None:
    lived = live(TEXT, run(), after(2), up, assume=(takes("run", "demo-app-run-100000000000", 1),))

    assert any("([demo-app-run-100000000000])" in note for note in lived.notes)


def test_a_one_off_of_a_service_that_is_gone_goes_with_the_orphans() -> None:
    lived = live(TEXT, run(deps=False), changed_to("services: {other: {image: o}}"), down_with(remove_orphans=True))

    assert lived.left == {}
    assert not lived.has("pre_stop")


def test_a_one_off_can_take_orphans_away_even_when_nothing_is_started_for_it() -> None:
    gone = TEXT + "\n  gone: {image: gone}\n"

    lived = live(gone, up, changed_to(TEXT), run(deps=False, remove_orphans=True))

    assert set(lived.left) == {"app-1", "db-1", "app-run-100000000000"}


def test_a_killed_one_off_counts() -> None:
    assert live(TEXT, run(), kill, up_with(remove_orphans=True)).left == {
        "app-1": Status.RUNNING,
        "db-1": Status.RUNNING,
    }


def test_hooks_of_a_one_off_can_be_left_out() -> None:
    async def run_without(worker: ProjectWorker) -> None:
        made = await worker.create_oneoff(RunOptions(service="app", deps=False))
        await worker.start_oneoff(made, HookWishes(skip=True))

    lived = live(TEXT, run_without)

    assert not lived.has("begins")
    assert lived.notes == ["post_start[0] of demo-app-run-100000000000 was not run: --no-hooks"]
