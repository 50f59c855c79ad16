"""``boathook compose`` as its user meets it: texts, streams and exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from boathook.home import Home
from tests.cli.compose_command import Command, a_file, boathook, text_of

APP = """
name: demo
services:
  app:
    image: busybox
    command: [sh, -c, 'trap "echo got-term; exit 0" TERM; echo serving; while :; do sleep 0.1 & wait $$!; done']
    post_start: [{command: [sh, -c, 'echo hello; printf unended']}]
    pre_stop: [{command: [sh, -c, 'echo bye; sleep ${NAP:-0}']}]
"""


@pytest.mark.parametrize("command", ["watch", "push", "export"])
def test_a_command_of_the_peer_that_is_not_there_is_named(command: str) -> None:
    result = boathook(command, "x")

    assert result.exit_code == 1
    assert f'error: "compose {command}" is not supported\n' in result.stderr


@pytest.mark.behaviour("compose:57")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--x", "up"), "unknown flag: --x"),
        (("up", "--x"), "unknown flag: --x"),
        (("up", "-Z"), "unknown shorthand flag: 'Z' in -Z"),
        (("up", "-t", "x"), 'invalid argument "x" for "-t, --timeout" flag: strconv.ParseInt: parsing "x":'),
        (("up", "-t"), "flag needs an argument: 't' in -t"),
        (("up", "--scale"), "flag needs an argument: --scale"),
        (("--parallel", "x", "up"), 'invalid argument "x" for "--parallel" flag: strconv.ParseInt: parsing "x":'),
        (("--progress", "foo", "up"), 'error: unsupported --progress value "foo"'),
        (("--compatibility", "up"), "error: --compatibility is not supported"),
        (("--dry-run", "up"), "error: --dry-run is not supported"),
        (("up", "--dry-run"), "error: --dry-run is not supported"),
        (("run",), "requires at least 1 arg(s), only received 0"),
        (("wait",), "requires at least 1 arg(s), only received 0"),
        (("-f", "/nope.yaml", "up"), "error: open /nope.yaml: no such file or directory"),
        (("-f", "/nope.yaml", "-f", "/b", "config"), "error: open /nope.yaml: no such file or directory"),
        (("nope",), 'unknown command: "compose nope"'),
    ],
)
def test_every_wrong_command_line_ends_with_1(home: Home, arguments: tuple[str, ...], message: str) -> None:
    result = boathook(*arguments)

    assert result.exit_code == 1
    assert result.stderr.startswith(message)


@pytest.mark.behaviour("compose:57")
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("up zzz", "no such service: zzz"),
        ("stop zzz", "no such service: zzz"),
        ("down zzz", "no such service: zzz"),
        ("kill zzz", "no such service: zzz"),
        ("restart zzz", "no such service: zzz"),
        ("start zzz", "no such service: zzz"),
        ("pause zzz", "no such service: zzz"),
        ("unpause zzz", "no such service: zzz"),
        ("rm zzz", "no such service: zzz"),
        ("wait zzz", "no such service: zzz"),
        ("create zzz", "no such service: zzz"),
        ("run zzz", "no such service: zzz"),
        ("scale zzz=1", "no such service: zzz"),
        ("up --scale zzz=1", "no such service: zzz"),
        ("up --exit-code-from zzz", "no such service: zzz"),
        ("up --scale app", 'invalid --scale option "app". Should be SERVICE=NUM'),
        ("up --scale app=x", 'strconv.Atoi: parsing "x": invalid syntax'),
        ("scale app", "invalid scale specifier: app"),
        ("up --no-recreate --force-recreate", "--force-recreate and --no-recreate are incompatible"),
        ("create --no-recreate --force-recreate", "--force-recreate and --no-recreate are incompatible"),
        ("up --always-recreate-deps --no-recreate", "--always-recreate-deps and --no-recreate are incompatible"),
        ("up --build --no-build", "--build and --no-build are incompatible"),
        ("up --pull x", 'invalid --pull option "x"'),
        (
            "up -d --abort-on-container-exit",
            "--detach cannot be combined with --abort-on-container-exit, --abort-on-container-failure, --attach, "
            "--attach-dependencies or --watch",
        ),
        (
            "up --wait --attach app",
            "--wait cannot be combined with --abort-on-container-exit, --attach or --attach-dependencies",
        ),
        (
            "up --abort-on-container-exit --abort-on-container-failure",
            "--abort-on-container-failure cannot be combined with --abort-on-container-exit",
        ),
        ("up --attach app --attach-dependencies", "cannot combine --attach and --attach-dependencies"),
        ("up --attach zzz", "cannot attach to services not included in up: zzz"),
        ("down --rmi x", 'invalid value for --rmi: "x"'),
        ("run --service-ports -p 80 app", "--service-ports and --publish are incompatible"),
    ],
)
def test_what_contradicts_itself_is_refused_in_the_peers_words(
    home: Home, tmp_path: Path, command: str, message: str
) -> None:
    result = boathook("-f", a_file(tmp_path, APP), *command.split())

    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == f"error: {message}"
    assert not home.containers.exists() or list(home.containers.iterdir()) == []


@pytest.mark.runtime
@pytest.mark.behaviour("compose:57")
@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("down", 0, 'warning: No resource found to remove for project "demo".'),
        ("kill", 0, "no container to kill"),
        ("rm -f", 0, "No stopped containers"),
        ("start app", 1, 'error: service "app" has no container to start'),
        ("stop", 0, ""),
        ("restart", 0, ""),
        ("pause", 0, ""),
        ("wait app", 1, 'error: no containers for project "demo"'),
    ],
)
def test_where_nothing_stands_it_is_said_as_the_peer_does(
    home: Home, tmp_path: Path, command: str, code: int, said: str
) -> None:
    result = boathook("-f", a_file(tmp_path, APP), *command.split())

    assert (result.exit_code, result.stderr.strip()) == (code, said)


@pytest.mark.behaviour("compose:21", "compose:57")
def test_a_wrong_file_is_refused_with_all_its_problems(home: Home, tmp_path: Path) -> None:
    file = a_file(tmp_path, "services:\n  app:\n    image: busybox\n    nope: 1\n    pre_stop: [{user: root}]\n")

    result = boathook("-f", file, "up")

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f'error: {file}:4:5: services.app.nope: unknown field "services.app.nope"',
        f"{file}:5:16: services.app.pre_stop[0].command: required field is missing",
    ]
    assert not home.containers.exists()


@pytest.mark.behaviour("compose:55", "compose:57")
def test_a_wrong_project_name_is_refused_in_the_peers_words(home: Home, tmp_path: Path) -> None:
    result = boathook("-f", a_file(tmp_path, APP), "-p", "Bad!", "up")

    assert result.exit_code == 1
    assert 'invalid project name "Bad!": must consist only of lowercase alphanumeric' in result.stderr


def test_without_a_file_there_is_none_to_be_found(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = boathook("up")

    assert result.exit_code == 1
    assert "no configuration file provided: not found" in result.stderr


@pytest.mark.runtime
@pytest.mark.behaviour("compose:33", "compose:47", "compose:57")
def test_an_interrupted_up_stops_gracefully_and_ends_with_130(home: Home, tmp_path: Path) -> None:
    with Command(home, "-f", a_file(tmp_path, APP), "up") as command:
        command.until("demo-app-1  Started")
        command.interrupt()

        assert command.ended() == 130

    lines = command.text.splitlines()
    for line in (
        "app-1 ->  | hello",
        "app-1 ->  | unended",
        "Gracefully Stopping... press Ctrl+C again to force",
        "app-1 ->  | bye",
        "app-1 exited with code 0",
    ):
        assert line in lines
    assert any(line.endswith("| got-term") for line in lines)
    assert list(home.containers.iterdir()) == []


@pytest.mark.runtime
@pytest.mark.behaviour("compose:34")
def test_a_second_interrupt_ends_it_at_once(home: Home, tmp_path: Path) -> None:
    with Command(home, "-f", a_file(tmp_path, APP), "up", NAP="60") as command:
        command.until("demo-app-1  Started")
        command.interrupt()
        command.until("app-1 ->  | bye")
        command.interrupt()

        assert command.ended() == 130

    assert "| got-term" not in command.text
    assert list(home.containers.iterdir()) == []


@pytest.mark.runtime
@pytest.mark.behaviour("compose:57")
def test_an_attached_project_ends_with_0_when_its_services_have_ended_whatever_their_codes(
    home: Home, tmp_path: Path
) -> None:
    text = "services: {app: {image: busybox, command: [sh, -c, exit 7]}}"
    with Command(home, "-f", a_file(tmp_path, text), "-p", "demo", "up") as command:
        assert command.ended() == 0

    assert "app-1 exited with code 7" in command.text


@pytest.mark.runtime
@pytest.mark.behaviour("compose:7", "compose:57")
def test_a_failing_post_start_ends_up_with_1(home: Home, tmp_path: Path) -> None:
    text = (
        "services: {app: {image: busybox, command: sleep 60, stop_signal: SIGKILL, post_start: [{command: 'false'}]}}"
    )
    with Command(home, "-f", a_file(tmp_path, text), "-p", "demo", "up") as command:
        assert command.ended() == 1

    assert "app hook exited with status 1" in command.text


@pytest.fixture
def detached(home: Home, tmp_path: Path) -> Iterator[str]:
    """The file of a project that was brought up by ``up -d``; it is taken down afterwards."""
    file = a_file(tmp_path, APP)
    with Command(home, "-f", file, "up", "-d") as command:
        assert command.ended() == 0, command.text
    yield file
    with Command(home, "-f", file, "kill") as command:
        command.ended()
    with Command(home, "-f", file, "down", "-v") as command:
        assert command.ended() == 0, command.text
    assert list(home.containers.iterdir()) == []


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:2", "compose:48")
def test_a_detached_project_lives_on_and_is_seen(home: Home, detached: str) -> None:
    table = text_of(home, "-f", detached, "ps")
    logs = text_of(home, "-f", detached, "logs")

    assert "demo-app-1" in table
    assert "Up " in table
    assert "app-1  | serving\n" in logs
    assert "hello" not in logs, "what hooks write is not in the container's log"


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:8")
def test_a_second_up_runs_no_hook_again(home: Home, detached: str) -> None:
    again = text_of(home, "-f", detached, "up", "-d")

    assert " Container demo-app-1  Running\n" in again
    assert "post_start" not in again


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:25")
def test_stop_runs_pre_stop_before_the_signal(home: Home, detached: str) -> None:
    stopped = text_of(home, "-f", detached, "stop")

    assert stopped.index("pre_stop[0] ended well") < stopped.index("SIGTERM")
    assert "| got-term" in text_of(home, "-f", detached, "logs")
    assert "Exited (0)" in text_of(home, "-f", detached, "ps", "-a")


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:30")
def test_kill_and_down_run_no_hook(home: Home, detached: str) -> None:
    killed = text_of(home, "-f", detached, "kill")
    gone = text_of(home, "-f", detached, "down")

    assert "pre_stop" not in killed + gone
    assert "warning: No resource found" in text_of(home, "-f", detached, "down")


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:46")
def test_a_project_is_stopped_by_its_name_alone_with_its_hooks(home: Home, detached: str) -> None:
    stopped = text_of(home, "-p", "demo", "stop")
    text_of(home, "-p", "demo", "start")
    by_variable = text_of(home, "stop", COMPOSE_PROJECT_NAME="demo")

    assert "pre_stop[0] ended well" in stopped
    assert "pre_stop[0] ended well" in by_variable


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:46")
def test_without_its_file_it_is_said_that_no_hook_runs(home: Home, detached: str) -> None:
    moved = Path(detached).rename(Path(detached).with_name("moved.yaml"))

    stopped = text_of(home, "-p", "demo", "stop")

    moved.rename(detached)
    assert 'warning: no Compose file of project "demo" is there any more: no hook runs' in stopped
    assert "pre_stop" not in stopped


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:36")
def test_an_interrupted_stop_ends_with_130_and_leaves_the_container_running(home: Home, detached: str) -> None:
    with Command(home, "-f", detached, "stop", NAP="60") as command:
        command.until("pre_stop[0] running")
        command.interrupt()

        assert command.ended() == 130

    assert "Up " in text_of(home, "-f", detached, "ps")


@pytest.mark.runtime
@pytest.mark.slow
def test_an_attached_project_is_stopped_from_another_terminal(home: Home, tmp_path: Path) -> None:
    file = a_file(tmp_path, APP)
    with Command(home, "-f", file, "up") as command:
        command.until("demo-app-1  Started")

        stopped = text_of(home, "-f", file, "stop")

        assert command.ended() == 0

    assert "pre_stop[0] ended well" in stopped
    assert "app-1 exited with code 0" in command.text


@pytest.mark.runtime
@pytest.mark.slow
def test_a_project_of_another_terminal_is_not_added_to(home: Home, tmp_path: Path) -> None:
    file = a_file(tmp_path, APP)
    with Command(home, "-f", file, "up") as command:
        command.until("demo-app-1  Started")

        refused = text_of(home, "-f", file, "up", "-d", code=1)

        command.interrupt()
        assert command.ended() == 130

    assert 'project "demo" is already run by process' in refused


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:33")
def test_what_runs_in_the_background_can_be_looked_on_at_and_an_interrupt_stops_it(home: Home, detached: str) -> None:
    with Command(home, "-f", detached, "up") as command:
        command.until("Attaching to app-1")
        command.until("Container demo-app-1  Running")
        command.interrupt()

        assert command.ended() == 130

    assert "app-1 ->  | bye\n" in command.text
    assert "| got-term\n" in command.text
    assert "app-1 exited with code 0\n" in command.text
    assert "Exited (0)" in text_of(home, "-f", detached, "ps", "-a"), "it outlives the command that looked on"


@pytest.mark.runtime
@pytest.mark.slow
def test_what_was_killed_in_the_middle_of_up_is_finished_by_the_next_one(home: Home, tmp_path: Path) -> None:
    file = a_file(tmp_path, APP.replace("echo hello", "echo hello; sleep ${SLEEP:-0}"))
    with Command(home, "-f", file, "up", SLEEP="60") as command:
        command.until("app-1 ->  | hello")
        command.kill()

    again = text_of(home, "-f", file, "up", "-d")
    down = text_of(home, "-f", file, "down")

    assert "post_start[0] ended well" in again
    assert "pre_stop[0] ended well" in down
    assert list(home.containers.iterdir()) == []
