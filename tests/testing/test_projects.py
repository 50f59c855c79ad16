"""Compose projects that tests run for real: brought up with their hooks, looked into, and gone with the block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from boathook.errors import ManifestError, NotFound, OperationFailed, UsageError
from boathook.home import Home
from boathook.model import Outcome
from boathook.settings import Settings
from boathook.testing import EmbeddedPlaces, NotHappened, RunProject
from boathook.testing.embedded import open_places
from boathook.testing.projects import run_projects
from tests.peers.docker import IMAGE, TestEngine
from tests.testing.build import PROJECT, a_file

pytestmark = pytest.mark.runtime
SETTINGS = Settings(on="local", network="pod", image_map={}, offline=True)


@pytest.fixture
def places(home: Home) -> Iterator[EmbeddedPlaces]:
    with open_places(SETTINGS) as found:
        yield found


@pytest.fixture
def run_project(places: EmbeddedPlaces, tmp_path: Path) -> Iterator[RunProject]:
    with run_projects(places, tmp_path) as running:
        yield running


def test_a_project_is_brought_up_and_taken_down_with_its_hooks(run_project: RunProject, tmp_path: Path) -> None:
    a_file(tmp_path, PROJECT, "compose.yaml")

    project = run_project("compose.yaml")

    assert project.states == {"db-1": "running", "app-1": "running"}
    hook = project.hook("db.post_start")
    assert (hook.name, hook.outcome, hook.stdout, hook.stderr) == (
        "db-1.post_start[0]", Outcome.SUCCEEDED, "migrated\n", "warned\n",
    )  # fmt: skip
    project.assert_order("db started", "db.post_start ended", "app started", "app.post_start ended")
    assert not project.ran("app.pre_stop[0]")

    project.down()

    assert project.hook("app.pre_stop[0]").stdout == "drained\n"
    project.assert_order("app.pre_stop[1] ended", "app SIGTERM", "app exited", "db SIGTERM", "db exited")
    assert project.exit_codes == {"app-1": 0, "db-1": 0}
    assert project.states == {}


def test_a_hook_that_fails_raises_what_the_command_line_would_say(run_project: RunProject, tmp_path: Path) -> None:
    text = PROJECT.replace("echo registered", "echo oops >&2; exit 3")
    project = run_project(a_file(tmp_path, text, "compose.yaml"), up=False)

    with pytest.raises(OperationFailed, match="app hook exited with status 3"):
        project.up()

    hook = project.hook("app.post_start")
    assert (hook.succeeded, hook.exit_code, hook.stderr) == (False, 3, "oops\n")
    assert project.states["app-1"] == "running"


def test_a_hook_that_runs_again_in_its_container_is_told_apart_from_the_time_before(
    run_project: RunProject, tmp_path: Path
) -> None:
    project = run_project(a_file(tmp_path, PROJECT, "compose.yaml"))

    project.restart("app")

    first, second = project.hook_runs("app.post_start")
    assert first.ended is not None
    assert first.ended < second.started
    assert second.stdout == "registered\n"


def test_files_are_read_anew_for_each_command(run_project: RunProject, tmp_path: Path) -> None:
    file = a_file(tmp_path, PROJECT, "compose.yaml")
    project = run_project()

    file.write_text(PROJECT.replace("echo registered", "echo announced"))
    project.up()

    assert project.hook("app.post_start").stdout == "announced\n"
    assert project.ran("app.pre_stop[0]")


def test_a_project_can_be_written_into_the_test(run_project: RunProject, tmp_path: Path) -> None:
    project = run_project(
        text="""
        name: written
        services:
          app:
            image: busybox
            command: sleep inf
            volumes: [./data:/data]
            post_start:
              - command: sh -c "echo ${WORD} > /data/word"
        """,
        environment={"WORD": "hello"},
    )

    assert project.name == "written"
    assert (tmp_path / "data" / "word").read_text() == "hello\n"


def test_containers_can_be_looked_into(run_project: RunProject, tmp_path: Path) -> None:
    project = run_project(a_file(tmp_path, PROJECT, "compose.yaml"))

    ran = project.exec("db", "sh", "-c", "echo out; echo err >&2; exit 4")

    assert (ran.exit_code, ran.stdout, ran.stderr) == (4, "out\n", "err\n")
    assert project.logs("db") == "hello\n"
    with pytest.raises(NotFound, match='service "app" of project "shop" has no container 2'):
        project.logs("app", number=2)
    with pytest.raises(UsageError, match="no such service: nope"):
        project.exec("nope", "true")


def test_a_container_that_ends_by_itself_can_be_waited_for(run_project: RunProject) -> None:
    project = run_project(text="{name: one, services: {task: {image: busybox, command: sh -c 'exit 7'}}}")

    assert project.wait("task") == 7


def test_containers_of_one_service_are_told_apart(run_project: RunProject, tmp_path: Path) -> None:
    project = run_project(a_file(tmp_path, PROJECT, "compose.yaml"))

    project.up(scale={"app": 2})

    assert [run.container for run in project.hook_runs("app.post_start")] == ["app-1", "app-2"]
    assert project.hook("app-2.post_start").started == project.at("app-2.post_start[0] started")
    with pytest.raises(
        UsageError, match=r'"app started" is of several containers of project "shop": say which: "app-1'
    ):
        project.at("app started")


def test_hooks_can_be_left_out_and_that_is_said(run_project: RunProject, tmp_path: Path) -> None:
    project = run_project(a_file(tmp_path, PROJECT, "compose.yaml"), up=False).up(hooks=False)

    assert project.hooks == ()
    assert any("post_start[0] of" in one for one in project.warnings)


def test_a_hook_that_there_is_not_is_told_with_those_that_there_are(run_project: RunProject, tmp_path: Path) -> None:
    project = run_project(a_file(tmp_path, PROJECT, "compose.yaml"))

    with pytest.raises(NotFound, match=r'project "shop" has no hook "app\.pre_start"') as unknown:
        project.hook("app.pre_start")
    with pytest.raises(UsageError, match='project "shop" has 2 hooks "post_start"') as ambiguous:
        project.hook("post_start")
    assert '"app.pre_stop[1]"' in str(unknown.value.hint)
    assert ambiguous.value.hint == 'choose one of "app.post_start[0]", "db.post_start[0]"'
    with pytest.raises(NotHappened, match=r'hook "app.pre_stop\[0\]" of project "shop" has not run'):
        project.hook("app.pre_stop[0]")


def test_a_command_that_takes_too_long_is_given_up(run_project: RunProject) -> None:
    project = run_project(
        text="{name: one, services: {app: {image: busybox, command: sleep inf, post_start: [{command: sleep 60}]}}}",
        up=False,
    )

    with pytest.raises(NotHappened, match='up of project "one" took more than 1 s'):
        project.up(timeout=1)


def test_a_file_that_is_refused_is_refused_with_every_problem(run_project: RunProject, tmp_path: Path) -> None:
    a_file(tmp_path, "services: {app: {image: busybox, post_start: [{command: []}], nope: 1}}", "compose.yaml")

    with pytest.raises(ManifestError) as refused:
        run_project()

    assert len(refused.value.problems) == 2


def test_files_that_are_not_there_are_told(run_project: RunProject, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no Compose file in"):
        run_project()
    with pytest.raises(UsageError, match="by its files or by a text, not by both"):
        run_project("compose.yaml", text="{}")
    with pytest.raises(UsageError, match='unknown place: found "moon"'):
        run_project(text="services: {}", on="moon")


def test_nothing_is_left_of_a_project(places: EmbeddedPlaces, tmp_path: Path) -> None:
    with run_projects(places, tmp_path) as run_project:
        run_project(a_file(tmp_path, PROJECT, "compose.yaml"))

    assert list(places.home.path.glob("place-*")) == []


@pytest.mark.peer
@pytest.mark.root
def test_a_project_runs_by_an_engine_under_a_name_of_its_own_and_nothing_of_it_is_left(
    docker_engine: TestEngine, places: EmbeddedPlaces, tmp_path: Path
) -> None:
    a_file(tmp_path, PROJECT.replace("image: busybox", f"image: {IMAGE}"), "compose.yaml")

    with run_projects(places, tmp_path) as run_project:
        project = run_project(on="docker")
        stands = docker_engine.docker("ps", "--format", "{{.Names}}").split()
        project.stop()

    assert project.name.startswith("shop-")
    assert sorted(stands) == [f"{project.name}-app-1", f"{project.name}-db-1"]
    assert project.hook("app.pre_stop[0]").stdout == "drained\n"
    for kind in ("ps --all", "network ls", "volume ls"):
        assert (
            docker_engine.docker(
                *kind.split(), "--quiet", "--filter", f"label=com.docker.compose.project={project.name}"
            )
            == ""
        )
