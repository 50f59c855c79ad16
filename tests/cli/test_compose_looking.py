"""Commands that look at a project without an engine: lists, logs with and without hooks, programs, files."""

from __future__ import annotations

import json
import subprocess
import sys
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
    command: [sh, -c, 'trap "exit 0" TERM; echo serving; while :; do sleep 0.1 & wait $$!; done']
    volumes: [data:/data]
    post_start: [{command: [sh, -c, 'sleep 0.3; echo hello; printf unended']}]
    pre_stop: [{command: [sh, -c, 'echo bye']}]
  job: {image: busybox, command: [sh, -c, 'echo worked; exit 3']}
volumes: {data: {}}
"""


@pytest.fixture
def detached(home: Home, tmp_path: Path) -> Iterator[str]:
    """The file of a project that was brought up by ``up -d``; it is taken down afterwards."""
    file = a_file(tmp_path, APP)
    with Command(home, "-f", file, "up", "-d") as command:
        assert command.ended() == 0, command.text
    yield file
    with Command(home, "-f", file, "down", "-v", "-t", "1") as command:
        assert command.ended() == 0, command.text


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:48")
def test_what_hooks_write_is_in_no_log_but_in_that_of_hooks(home: Home, detached: str) -> None:
    assert text_of(home, "-f", detached, "logs", "app") == "app-1  | serving\n"
    assert text_of(home, "-f", detached, "logs", "--hooks", "app").splitlines() == [
        "app-1  | serving",
        "app-1 ->  | hello",
        "app-1 ->  | unended",
    ]
    assert text_of(home, "-f", detached, "logs", "--hooks", "job") == "job-1  | worked\n"
    unprefixed = text_of(home, "-f", detached, "logs", "--hooks", "--no-log-prefix", "app")
    assert unprefixed == "serving\nhello\nunended\n"


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:48")
def test_a_log_is_followed_over_a_restart_with_its_hooks_until_all_has_ended(home: Home, detached: str) -> None:
    with Command(home, "-f", detached, "logs", "-f", "--hooks") as following:
        following.until("app-1 ->  | unended")
        text_of(home, "-f", detached, "restart", "-t", "1", "app")
        following.until("app-1 ->  | bye")
        following.until("app-1 ->  | unended")
        text_of(home, "-f", detached, "stop", "-t", "1")

        assert following.ended() == 0

    assert following.text.count("| serving\n") == 2
    assert following.text.count("->  | hello\n") == 2
    # Whether the first says that it restarts depends on whether it runs again when that is looked at.
    assert following.text.count("app-1 exited with code 0") == 2
    assert "job-1     | worked\n" in following.text or "job-1  | worked\n" in following.text


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.behaviour("compose:57")
def test_a_program_reads_what_it_is_given_and_its_exit_code_is_ours(home: Home, detached: str) -> None:
    command = [sys.executable, "-m", "boathook", "compose", "-f", detached, "exec", "-T", "-e", "A=1", "-w", "/tmp"]
    done = subprocess.run(
        [*command, "app", "sh", "-c", "cat; echo $A; pwd; echo err >&2; exit 4"],
        input=b"given\n",
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (4, b"given\n1\n/tmp\n", b"err\n")


@pytest.mark.runtime
@pytest.mark.slow
def test_what_stands_is_listed(home: Home, detached: str) -> None:
    rows = [json.loads(line) for line in text_of(home, "-f", detached, "ps", "-a", "--format", "json").splitlines()]
    projects = json.loads(text_of(home, "ls", "-a", "--format", "json"))

    assert [(row["Service"], row["State"], row["ExitCode"]) for row in rows] == [
        ("app", "running", 0),
        ("job", "exited", 3),
    ]
    assert [(one["Name"], one["Status"]) for one in projects] == [("demo", "exited(1), running(1)")]
    assert text_of(home, "-f", detached, "ps", "--services") == "app\n"
    assert text_of(home, "-p", "demo", "ps", "-q", "app").startswith(rows[0]["ID"])
    assert "demo_data" in text_of(home, "-f", detached, "volumes")
    assert "demo-job-1" in text_of(home, "-f", detached, "images")
    assert "sh -c trap" in text_of(home, "-f", detached, "top")


@pytest.mark.runtime
@pytest.mark.slow
def test_files_are_copied_in_and_out(home: Home, detached: str, tmp_path: Path) -> None:
    (tmp_path / "given").write_text("given")
    text_of(home, "-f", detached, "cp", str(tmp_path / "given"), "app:/data/x")
    text_of(home, "-f", detached, "cp", "app:/data", str(tmp_path / "taken"))

    assert (tmp_path / "taken/x").read_text() == "given"


@pytest.mark.runtime
@pytest.mark.slow
def test_what_cannot_be_done_here_is_refused_by_name(home: Home, detached: str) -> None:
    for arguments, message in (
        (("exec", "-d", "app", "true"), "exec --detach is not supported by --on local"),
        (("events", "--since", "1m"), "what has happened is not remembered by --on local"),
    ):
        result = boathook("-f", detached, *arguments)

        assert (result.exit_code, message in result.stderr) == (1, True)


@pytest.mark.behaviour("compose:57")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("exec zzz true", 'service "zzz" is not running'),
        ("exec app", "requires at least 2 arg(s), only received 1"),
        ("port app 80", 'service "app" is not running'),
        ("port app x", 'strconv.ParseUint: parsing "x": invalid syntax'),
        ("ps zzz", "no such service: zzz"),
        ("ps --filter x", "arguments to --filter should be in form KEY=VAL"),
        ("logs --index 2", "--index requires one service to be selected"),
        ("logs --since never", 'invalid value for "since": failed to parse value as time or duration: "never"'),
        ("logs zzz", "no such service: zzz"),
        ("port app", "requires at least 2 arg(s), only received 1"),
        ("cp a", "'compose cp' requires 2 arguments"),
        ("cp app:/a app:/b", "copying between services is not supported"),
        ("cp a b", "unknown copy direction"),
        ("cp app:/a b", 'no container found for service "app"'),
        ("pull zzz", "no such service: zzz"),
        ("pull --policy never", 'unsupported --policy value "never"'),
        ("build --push", "--push is not supported"),
        ("build -m x", 'invalid argument "x" for "-m, --memory" flag'),
        ("attach app", 'service "app" is not running'),
        ("plan zzz", "no such service: zzz"),
        ("ls --format x", 'format value "x" could not be parsed'),
        ("ls --filter x=y", "invalid filter 'x'"),
    ],
)
def test_what_is_wrong_is_said_in_the_peers_words(home: Home, tmp_path: Path, arguments: str, message: str) -> None:
    result = boathook("-f", a_file(tmp_path, APP), *arguments.split())

    assert result.exit_code == 1
    assert message in result.stderr


def test_the_version_names_the_release_whose_ways_these_are() -> None:
    assert boathook("version", "--short").stdout == "2.40.3\n"
    assert json.loads(boathook("version", "-f", "json").stdout)["version"] == "v2.40.3"
    assert "as Docker Compose version v2.40.3" in boathook("version").stdout


def test_a_plan_shows_only_what_is_asked_for_and_what_it_needs(tmp_path: Path) -> None:
    file = a_file(tmp_path, APP)

    whole, part = boathook("-f", file, "plan"), boathook("-f", file, "plan", "--assume", "post_start:app=3s", "app")

    assert "job-1" in whole.stdout
    assert "job-1" not in part.stdout
    assert "post_start" in part.stdout
    assert "3.000" in part.stdout
