"""The life of a project in virtual time: when hooks run, in which order, and what a failure leaves."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from boathook.compose.options import UpOptions
from boathook.compose.place import Status
from boathook.compose.project import ProjectWorker
from boathook.errors import OperationFailed, UsageError
from boathook.runtimes.base import ContainerSpec
from tests.compose.build import Lived, a_project, after, down, kill, live, runtime_of, stop, takes, up

ONE = """
services:
  app:
    image: backend
    post_start:
      - command: register one
      - command: register two
    pre_stop:
      - command: backup one
      - command: backup two
"""

TWO = """
services:
  web:
    image: web
    depends_on: [db]
    post_start: [{command: warm}]
    pre_stop: [{command: drain}]
  db:
    image: db
    post_start: [{command: migrate}]
    pre_stop: [{command: dump}]
  other:
    image: other
    post_start: [{command: hello}]
    pre_stop: [{command: bye}]
"""


@pytest.mark.behaviour("compose:1", "compose:2", "compose:25")
def test_hooks_run_one_after_the_other_between_start_and_the_stop_signal() -> None:
    lived = live(ONE, up, stop, assume=(takes("post_start", "app", 1), takes("pre_stop", "app", 2)))

    assert lived.lines == [
        "0s app-1 created",
        "0s app-1 running",
        "0s app-1 post_start[0] begins",
        "1s app-1 post_start[0] succeeded",
        "1s app-1 post_start[1] begins",
        "2s app-1 post_start[1] succeeded",
        "2s app-1 Started",
        "2s app-1 pre_stop[0] begins",
        "4s app-1 pre_stop[0] succeeded",
        "4s app-1 pre_stop[1] begins",
        "6s app-1 pre_stop[1] succeeded",
        "6s app-1 SIGTERM",
        "6s app-1 exited 143",
        "6s app-1 Stopped",
    ]


@pytest.mark.behaviour("compose:3")
def test_a_dependant_waits_for_the_post_start_hooks_of_what_it_depends_on() -> None:
    lived = live(TWO, up, assume=(takes("post_start", "db", 2),))

    assert lived.at("web-1 running") == lived.at("db-1 post_start[0] succeeded") == 2


@pytest.mark.behaviour("compose:5")
def test_hooks_of_independent_services_overlap() -> None:
    lived = live(TWO, up, assume=(takes("post_start", "db", 2), takes("post_start", "other", 2)))

    assert lived.at("db-1 post_start[0] begins") == lived.at("other-1 post_start[0] begins") == 0


def test_a_dependant_has_stopped_before_what_it_depends_on_is_asked_to() -> None:
    lived = live(TWO, up, stop, assume=(takes("pre_stop", "web", 3), takes("stop", "web", 1)))

    assert lived.at("web-1 exited 143") == lived.at("db-1 pre_stop[0] begins") == 4
    assert lived.at("other-1 exited 143") == 0


@pytest.mark.behaviour("compose:7", "compose:57")
def test_a_failing_post_start_ends_the_command_and_leaves_the_container_running() -> None:
    lived = live(TWO, up, assume=(takes("post_start", "db", 1, exit_code=3), takes("post_start", "other", 5)))

    assert str(lived.error) == "db hook exited with status 3"
    assert isinstance(lived.error, OperationFailed)
    assert [result.exit_code for result in lived.error.results] == [3]
    assert lived.left == {
        "db-1": Status.RUNNING,
        "web-1": Status.CREATED,
        "other-1": Status.RUNNING,
    }
    assert lived.at("other-1 post_start[0] succeeded") == 5, "what was begun finishes"
    assert not lived.has("db-1 Started")


@pytest.mark.behaviour("compose:7")
def test_hooks_after_a_failed_one_do_not_run() -> None:
    lived = live(ONE, up, assume=(takes("post_start", "app", 0, exit_code=3),))

    assert lived.has("post_start[0] failed")
    assert not lived.has("post_start[1]")


@pytest.mark.behaviour("compose:8")
def test_the_next_up_starts_the_dependants_and_repeats_no_hook() -> None:
    async def up_and_fail(worker: ProjectWorker) -> None:
        with pytest.raises(OperationFailed):
            await worker.up()

    lived = live(TWO, up_and_fail, up, assume=(takes("post_start", "db", 0, exit_code=3),))

    assert lived.error is None
    assert lived.left["web-1"] is Status.RUNNING
    assert sum("db-1 post_start[0] begins" in line for line in lived.lines) == 1
    assert lived.has("db-1 Running")


def test_up_of_a_running_project_does_nothing() -> None:
    lived = live(ONE, up, up)

    assert sum("begins" in line for line in lived.lines) == 2


@pytest.mark.behaviour("compose:9")
def test_post_start_of_a_container_that_has_ended_fails_and_says_so() -> None:
    lived = live(ONE, up, assume=(takes("post_start", "app", 1), takes("run", "app", 1)))

    assert lived.error is not None
    assert str(lived.error).endswith("is not running")


@pytest.mark.behaviour("compose:26")
def test_the_time_of_pre_stop_is_not_taken_from_the_grace_period() -> None:
    lived = live(
        "services: {app: {image: a, stop_grace_period: 1s, pre_stop: [{command: slow}]}}",
        up,
        stop,
        assume=(takes("pre_stop", "app", 5), takes("stop", "app", 60)),
    )

    assert lived.at("app-1 SIGTERM") == 5
    assert lived.at("app-1 SIGKILL") == 6


@pytest.mark.behaviour("compose:27")
def test_a_failing_pre_stop_keeps_its_container_and_what_it_depends_on_running() -> None:
    lived = live(TWO, up, stop, assume=(takes("pre_stop", "web", 1, exit_code=4),))

    assert str(lived.error) == "web hook exited with status 4"
    assert lived.left == {
        "web-1": Status.RUNNING,
        "db-1": Status.RUNNING,
        "other-1": Status.EXITED,
    }
    assert not lived.has("web-1 SIGTERM")
    assert not lived.has("db-1 pre_stop")


@pytest.mark.behaviour("compose:28")
def test_a_failing_pre_stop_keeps_its_container_on_down_and_the_independent_ones_go() -> None:
    lived = live(TWO, up, down, assume=(takes("pre_stop", "web", 1, exit_code=4),))

    assert isinstance(lived.error, OperationFailed)
    assert lived.left == {"web-1": Status.RUNNING, "db-1": Status.RUNNING}


@pytest.mark.behaviour("compose:30")
def test_kill_runs_no_hook_and_down_afterwards_neither() -> None:
    lived = live(ONE, up, kill, down)

    assert lived.error is None
    assert lived.has("app-1 SIGKILL")
    assert not lived.has("pre_stop")
    assert lived.left == {}


@pytest.mark.behaviour("compose:31")
def test_a_container_that_has_ended_by_itself_is_taken_down_without_hooks() -> None:
    lived = live(ONE, up, after(5), stop, down, assume=(takes("run", "app", 3),))

    assert lived.error is None
    assert not lived.has("pre_stop")
    assert lived.left == {}


def test_a_container_that_ends_during_its_pre_stop_is_a_failed_hook() -> None:
    lived = live(ONE, up, stop, assume=(takes("run", "app", 3), takes("pre_stop", "app", 10)))

    assert str(lived.error) == "app hook exited with status 137"
    assert lived.left == {"app-1": Status.EXITED}


@pytest.mark.behaviour("compose:36")
def test_an_interrupted_stop_leaves_the_container_running_and_runs_no_further_hook() -> None:
    async def stop_for_a_moment(worker: ProjectWorker) -> None:
        with anyio.move_on_after(1):
            await worker.stop()

    lived = live(ONE, up, stop_for_a_moment, assume=(takes("pre_stop", "app", 10),))

    assert lived.has("app-1 pre_stop[0] cancelled")
    assert not lived.has("pre_stop[1]")
    assert lived.left == {"app-1": Status.RUNNING}


@pytest.mark.behaviour("compose:39")
def test_a_changed_hook_makes_the_next_up_replace_the_container_after_its_pre_stop() -> None:
    changed = a_project(ONE.replace("register two", "register three"))

    async def up_changed(worker: ProjectWorker) -> None:
        worker.project = changed
        await worker.up()

    lived = live(ONE, up, up_changed)

    assert [line for line in lived.lines if "begins" in line or "Recreate" in line] == [
        "0s app-1 post_start[0] begins",
        "0s app-1 post_start[1] begins",
        "0s app-1 Recreate",
        "0s app-1 pre_stop[0] begins",
        "0s app-1 pre_stop[1] begins",
        "0s app-1 Recreated",
        "0s app-1 post_start[0] begins",
        "0s app-1 post_start[1] begins",
    ]


def test_a_stopped_project_comes_up_again_with_its_hooks() -> None:
    lived = live(ONE, up, stop, up)

    assert sum("post_start[0] begins" in line for line in lived.lines) == 2
    assert lived.left == {"app-1": Status.RUNNING}


def test_down_of_nothing_says_that_there_was_nothing() -> None:
    found: list[bool] = []

    async def note_down(worker: ProjectWorker) -> None:
        found.append(await worker.down())

    live(ONE, note_down, up, note_down, note_down)

    assert found == [False, True, False]


def test_naming_a_service_starts_what_it_needs_and_nothing_else() -> None:
    async def up_web(worker: ProjectWorker) -> None:
        await worker.up(UpOptions(services=("web",)))

    lived = live(TWO, up_web)

    assert lived.left == {"db-1": Status.RUNNING, "web-1": Status.RUNNING}


@pytest.mark.behaviour("compose:57")
def test_an_unknown_service_is_named() -> None:
    async def up_zzz(worker: ProjectWorker) -> None:
        await worker.up(UpOptions(services=("zzz",)))

    lived = live(TWO, up_zzz)

    assert isinstance(lived.error, UsageError)
    assert str(lived.error) == "no such service: zzz"


@pytest.mark.behaviour("compose:53")
def test_a_container_without_config_hash_is_ignored() -> None:
    async def down_beside_a_stranger(worker: ProjectWorker) -> None:
        runtime = runtime_of(worker)
        (member,) = await worker.members()
        spec = (await runtime.inspect(member.id)).spec
        labels = {key: value for key, value in spec.labels.items() if not key.endswith("config-hash")}
        stranger = await runtime.create(_labelled(spec, labels))
        await worker.down()
        assert (await runtime.inspect(stranger)).id == stranger

    assert live(ONE, up, down_beside_a_stranger).error is None


@pytest.mark.behaviour("compose:54")
def test_containers_carry_the_names_and_labels_of_the_peer() -> None:
    seen: list[tuple[str, dict[str, str]]] = []

    async def note(worker: ProjectWorker) -> None:
        seen.extend((one.name, dict(one.labels)) for one in await worker.members())

    live(TWO, up, note)

    name, labels = next(one for one in seen if one[0] == "demo-web-1")
    prefix = "com.docker.compose."
    assert name == "demo-web-1"
    assert labels[prefix + "project"] == "demo"
    assert labels[prefix + "service"] == "web"
    assert labels[prefix + "container-number"] == "1"
    assert labels[prefix + "oneoff"] == "False"
    assert len(labels[prefix + "config-hash"]) == 64
    assert labels[prefix + "depends_on"] == "db:service_started:false"
    assert labels[prefix + "project.working_dir"] == "/project"
    assert labels[prefix + "project.config_files"] == "compose.yaml"


def _labelled(spec: ContainerSpec, labels: dict[str, str]) -> ContainerSpec:
    return replace(spec, name="stranger", labels=labels)


def test_two_failures_are_told_together() -> None:
    lived: Lived = live(
        TWO,
        up,
        assume=(takes("post_start", "db", 1, exit_code=3), takes("post_start", "other", 1, exit_code=5)),
    )

    assert set(str(lived.error).splitlines()) == {"db hook exited with status 3", "other hook exited with status 5"}
