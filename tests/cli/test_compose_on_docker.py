"""``boathook compose --on docker`` as its user meets it: texts, exit codes, interrupts, on a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from boathook.home import Home
from tests.cli.compose_command import Command, a_file, text_of
from tests.peers.docker import IMAGE, TestEngine

pytestmark = [pytest.mark.runtime, pytest.mark.root, pytest.mark.slow]

LOOP = """'trap "echo got-term; exit 0" TERM; echo serving; while :; do sleep 0.1; done'"""
APP = f"""
name: cli
services:
  app:
    image: {IMAGE}
    command: [sh, -c, {LOOP}]
    post_start: [{{command: [sh, -c, 'echo hello; printf unended']}}]
    pre_stop: [{{command: [sh, -c, 'echo bye; sleep ${{NAP:-0}}']}}, {{command: [sh, -c, 'echo second-bye']}}]
  web:
    image: {IMAGE}
    command: [sh, -c, {LOOP}]
    depends_on: [app]
"""


@pytest.fixture
def file(home: Home, tmp_path: Path, docker_engine: TestEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The file of a project; what is left of it is removed afterwards."""
    monkeypatch.setenv("BOATHOOK_ON", "docker")
    yield a_file(tmp_path, APP)
    a_file(tmp_path, APP)
    text_of(home, "-p", "cli", "kill")
    text_of(home, "-p", "cli", "down", "-v", "--remove-orphans", "--no-hooks")
    assert docker_engine.docker("ps", "-aq", "--filter", "label=com.docker.compose.project=cli") == ""


@pytest.fixture
def detached(home: Home, file: str) -> str:
    text_of(home, "-f", file, "up", "-d")
    return file


def state_of(engine: TestEngine, container: str) -> str:
    return engine.docker("inspect", "--format", "{{.State.Status}}", container).strip()


@pytest.mark.behaviour("compose:2", "compose:8")
def test_up_returns_when_the_hooks_have_ended_and_a_second_one_runs_none(home: Home, file: str) -> None:
    first = text_of(home, "-f", file, "up", "-d")
    second = text_of(home, "-f", file, "up", "-d")

    assert first.index("post_start[0] ended well") < first.index(" Container cli-web-1  Starting")
    assert " Container cli-app-1  Running\n" in second
    assert "post_start" not in second


@pytest.mark.behaviour("compose:7", "compose:8", "compose:57")
def test_a_failing_hook_ends_up_with_1_and_leaves_its_container_running(
    home: Home, file: str, tmp_path: Path, docker_engine: TestEngine
) -> None:
    a_file(tmp_path, APP.replace("printf unended", "exit 3"))

    failed = text_of(home, "-f", file, "up", "-d", code=1)

    assert "error: app hook exited with status 3" in failed
    assert state_of(docker_engine, "cli-app-1") == "running"
    assert state_of(docker_engine, "cli-web-1") == "created"
    again = text_of(home, "-f", file, "up", "-d")
    assert "post_start[0] of cli-app-1 did not end well" in again
    assert state_of(docker_engine, "cli-web-1") == "running"
    rerun = text_of(home, "-f", file, "up", "-d", "--rerun-failed-hooks", code=1)
    assert "app hook exited with status 3" in rerun


@pytest.mark.behaviour("compose:33", "compose:47", "compose:57")
def test_an_interrupted_up_stops_gracefully_and_ends_with_130(home: Home, file: str, docker_engine: TestEngine) -> None:
    with Command(home, "-f", file, "up") as command:
        command.until("cli-web-1  Started")
        command.interrupt()

        assert command.ended() == 130

    lines = command.text.splitlines()
    for line in (
        "Attaching to app-1, web-1",
        "app-1 ->  | hello",
        "app-1 ->  | unended",
        "Gracefully Stopping... press Ctrl+C again to force",
        "app-1 ->  | bye",
        "app-1 exited with code 0",
    ):
        assert line in lines
    assert command.text.index("| second-bye") < command.text.rindex("| got-term")
    assert state_of(docker_engine, "cli-app-1") == "exited"


@pytest.mark.behaviour("compose:34")
def test_a_second_interrupt_kills_at_once(home: Home, file: str, docker_engine: TestEngine) -> None:
    with Command(home, "-f", file, "up", "app", NAP="60") as command:
        command.until("cli-app-1  Started")
        command.interrupt()
        command.until("app-1 ->  | bye")
        command.interrupt()

        assert command.ended() == 130

    assert "| got-term" not in command.text
    assert docker_engine.docker("inspect", "--format", "{{.State.ExitCode}}", "cli-app-1").strip() == "137"


@pytest.mark.behaviour("compose:35")
def test_a_failing_pre_stop_is_told_after_an_interrupt_and_the_container_runs_on(
    home: Home, file: str, tmp_path: Path, docker_engine: TestEngine
) -> None:
    a_file(tmp_path, APP.replace("echo bye;", "exit 4;"))
    with Command(home, "-f", file, "up", "app") as command:
        command.until("cli-app-1  Started")
        command.interrupt()

        assert command.ended() == 130

    assert "\napp hook exited with status 4\n" in command.text
    assert state_of(docker_engine, "cli-app-1") == "running"


@pytest.mark.behaviour("compose:49", "compose:57")
def test_with_abort_the_others_are_stopped_with_their_hooks_and_the_first_exit_code_counts(
    home: Home, file: str, tmp_path: Path
) -> None:
    a_file(tmp_path, f"{APP}\n  short: {{image: {IMAGE}, command: [sh, -c, 'sleep 1; exit 7'], depends_on: [app]}}\n")

    text = text_of(home, "-f", file, "up", "--abort-on-container-exit", "app", "short", code=7)

    assert "Aborting on container exit...\n" in text
    assert "app-1 ->  | bye\n" in text
    assert "short-1 exited with code 7\n" in text


def test_what_an_attached_up_has_started_outlives_its_crash(home: Home, file: str, docker_engine: TestEngine) -> None:
    with Command(home, "-f", file, "up") as command:
        command.until("cli-web-1  Started")
        command.kill()

    assert state_of(docker_engine, "cli-app-1") == "running"
    stopped = text_of(home, "-f", file, "stop")
    assert "pre_stop[0] ended well" in stopped


@pytest.mark.behaviour("compose:36", "compose:57")
def test_an_interrupted_stop_ends_with_130_and_runs_no_further_hook(
    home: Home, detached: str, docker_engine: TestEngine
) -> None:
    with Command(home, "-f", detached, "stop", NAP="60") as command:
        command.until("pre_stop[0] running")
        command.interrupt()

        assert command.ended() == 130

    assert "second-bye" not in command.text
    assert state_of(docker_engine, "cli-app-1") == "running"


def test_what_was_killed_in_the_middle_of_a_stop_is_finished_by_the_next_command(
    home: Home, detached: str, docker_engine: TestEngine
) -> None:
    with Command(home, "-f", detached, "stop", NAP="60") as command:
        command.until("pre_stop[0] running")
        command.kill()

    again = text_of(home, "-f", detached, "stop")

    assert "pre_stop[1] ended well" in again
    assert state_of(docker_engine, "cli-app-1") == "exited"


def test_a_second_command_on_a_project_says_who_holds_it(home: Home, detached: str) -> None:
    with Command(home, "-f", detached, "stop", NAP="60") as command:
        command.until("pre_stop[0] running")

        refused = text_of(home, "-f", detached, "down", code=1)
        killed = text_of(home, "-f", detached, "kill", "app")

        assert command.ended() == 1
    assert 'error: "cli" is held by process' in refused
    assert "(compose stop)" in refused
    assert " Container cli-app-1  Killed\n" in killed, "the way out of a hook that hangs"


@pytest.mark.behaviour("compose:46")
def test_a_project_is_stopped_by_its_name_alone_with_its_hooks(home: Home, detached: str, tmp_path: Path) -> None:
    stopped = text_of(home, "-p", "cli", "stop")
    text_of(home, "-p", "cli", "start")
    (tmp_path / "compose.yaml").rename(tmp_path / "moved.yaml")
    without = text_of(home, "-p", "cli", "stop")

    assert f"using {detached}, which the containers were made from" in stopped
    assert "pre_stop[0] ended well" in stopped
    assert 'warning: no Compose file of project "cli" is there any more: no hook runs' in without
    assert "pre_stop" not in without


@pytest.mark.behaviour("compose:41", "compose:57")
def test_run_starts_what_the_service_needs_and_has_its_exit_code(home: Home, file: str) -> None:
    text = text_of(home, "-f", file, "run", "--rm", "web", "sh", "-c", "echo out; exit 9", code=9)

    assert " Container cli-app-1  post_start[0] ended well" in text
    assert "\nout\n" in f"\n{text}"


@pytest.mark.behaviour("compose:41")
def test_a_one_offs_post_start_runs_and_its_pre_stop_only_when_it_is_removed_as_an_orphan(
    home: Home, detached: str
) -> None:
    ran = text_of(home, "-f", detached, "run", "-d", "--name", "cli-once", "app")
    down = text_of(home, "-f", detached, "down")
    removed = text_of(home, "-f", detached, "down", "--remove-orphans")

    assert " Container cli-once  post_start[0] ended well" in ran
    assert "cli-once" not in down
    assert " Network cli_default  Resource is still in use\n" in down
    assert " Container cli-once  pre_stop[1] ended well" in removed


@pytest.mark.behaviour("compose:30", "compose:42", "compose:43")
def test_commands_that_run_no_hook_and_rm_which_does_when_it_stops(
    home: Home, file: str, docker_engine: TestEngine
) -> None:
    texts = [text_of(home, "-f", file, "create"), text_of(home, "-f", file, "up", "--no-start")]
    text_of(home, "-f", file, "up", "-d")
    removed = text_of(home, "-f", file, "rm", "-fs", "app")
    texts += [text_of(home, "-f", file, "kill"), text_of(home, "-f", file, "rm", "-f")]

    assert not any("post_start" in text or "pre_stop" in text for text in texts)
    assert "pre_stop[1] ended well" in removed
    assert "Going to remove cli-app-1" in removed
    assert docker_engine.docker("ps", "-aq", "--filter", "label=com.docker.compose.project=cli") == ""


@pytest.mark.behaviour("compose:50")
def test_the_time_out_of_waiting_cuts_no_hook(home: Home, file: str, tmp_path: Path) -> None:
    a_file(tmp_path, APP.replace("printf unended", "sleep 3"))

    text = text_of(home, "-f", file, "up", "--wait", "--wait-timeout", "1", "app")

    assert "post_start[0] ended well after 3." in text


def test_scaling_down_stops_the_highest_numbers(home: Home, file: str) -> None:
    text_of(home, "-f", file, "up", "-d", "--scale", "app=3", "app")

    text = text_of(home, "-f", file, "scale", "app=1")

    assert " Container cli-app-3  pre_stop[1] ended well" in text
    assert " Container cli-app-2  Removed\n" in text
    assert "cli-app-1  Stopping" not in text


def test_wait_ends_with_the_containers_exit_code(home: Home, file: str, tmp_path: Path) -> None:
    a_file(tmp_path, f"name: cli\nservices: {{app: {{image: {IMAGE}, command: [sh, -c, 'sleep 2; exit 5']}}}}")
    text_of(home, "-f", file, "up", "-d")

    text = text_of(home, "-f", file, "wait", "app", code=5)

    assert "exited with status code 5" in text


@pytest.mark.behaviour("compose:60", "compose:66")
def test_pre_start_is_shown_once_and_an_interrupt_in_it_leaves_no_helper(
    home: Home, file: str, tmp_path: Path, docker_engine: TestEngine
) -> None:
    text = f"""
name: cli
services:
  app:
    image: {IMAGE}
    command: [sh, -c, {LOOP}]
    pre_start: [{{command: [sh, -c, 'echo prepared; sleep ${{NAP:-0}}']}}]
"""
    a_file(tmp_path, text)
    with Command(home, "-f", file, "up", NAP="60") as interrupted:
        interrupted.until("| prepared")
        interrupted.interrupt()

        assert interrupted.ended() == 130

    assert docker_engine.docker("ps", "-aq", "--filter", "label=com.docker.compose.hook").strip() == ""
    with Command(home, "-f", file, "up") as command:
        command.until("cli-app-1  Started")
        command.interrupt()

        assert command.ended() == 130

    # The timeline that follows is indented.
    lines = [line for line in command.text.splitlines() if line.endswith("| prepared") and not line.startswith(" ")]
    assert lines == ["app pre_start[0] ->  | prepared"]
