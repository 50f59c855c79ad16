"""``boathook hook`` for Compose files: their hooks are listed, and one is run alone in a container that runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from boathook.cli.main import main
from boathook.home import Home
from tests.cli.test_pod import boathook, supervised
from tests.peers.docker import IMAGE, TestEngine

__all__ = ["supervised"]

PROJECT = """\
name: shop
services:
  app:
    image: busybox
    command: sleep inf
    stop_grace_period: 0s
    environment: {GREETING: hello}
    working_dir: /tmp
    pre_start:
      - command: "true"
    post_start:
      - command: echo started
    pre_stop:
      - command: sh -c 'echo $$GREETING from $$(pwd)'
      - command: sh -c 'exit 3'
"""


def a_project(tmp_path: Path, text: str = PROJECT) -> Path:
    file = tmp_path / "compose.yaml"
    file.write_text(text)
    return file


def called(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [*map(str, args)])


def test_the_hooks_of_a_compose_file_are_listed_with_what_they_do_and_where_they_stand(tmp_path: Path) -> None:
    file = a_project(tmp_path)

    listed = called("hook", "list", file)
    of_directory = called("hook", "list", tmp_path, "-o", "json")

    assert [line.split()[0] for line in listed.output.splitlines()] == [
        "HOOK", "app.pre_start[0]", "app.post_start[0]", "app.pre_stop[0]", "app.pre_stop[1]",
    ]  # fmt: skip
    assert f"{file}:12:9" in listed.output
    assert json.loads(of_directory.output)[1] == {
        "hook": "app.post_start[0]",
        "handler": "exec echo started",
        "where": f"{file}:12:9",
    }


def test_a_directory_without_a_compose_file_has_no_hooks(tmp_path: Path) -> None:
    refused = called("hook", "list", tmp_path)

    assert refused.exit_code == 2
    assert f'no hooks in "{tmp_path}": it has no Compose file' in refused.output


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app.post_stop", 'project "shop" has no hook "app.post_stop"'),
        ("pre_stop", 'project "shop" has 2 hooks "pre_stop"'),
        ("app.pre_start", "app.pre_start[0] cannot be run alone"),
        ("app.post_start", 'service "app" of project "shop" is not running'),
        ("app-2.post_start", '"app-2" of project "shop" is not running'),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_hook_that_cannot_be_run_is_told_with_what_to_do(tmp_path: Path, name: str, expected: str) -> None:
    refused = called("hook", "run", a_project(tmp_path), name)

    assert refused.exit_code != 0
    assert expected in refused.output
    assert "hint: " in refused.output


@pytest.mark.runtime
def test_a_hook_runs_in_a_container_of_the_project_and_is_recorded(tmp_path: Path, supervised: Home) -> None:
    file = a_project(tmp_path)
    up = boathook("compose", "-f", file, "up", "-d", "--scale", "app=2")

    ended = boathook("hook", "run", file, "app-2.pre_stop[0]")
    failed = boathook("hook", "run", file, "app-1.pre_stop[1]")
    ambiguous = boathook("hook", "run", file, "app.post_start")
    listed = boathook("history", "-o", "json")
    standing = boathook("compose", "-f", file, "ps", "--format", "{{.Name}} {{.State}}")
    boathook("compose", "-f", file, "kill")
    boathook("compose", "-f", file, "down")

    assert up.returncode == 0, up.stderr
    assert (ended.returncode, failed.returncode) == (0, 1), ended.stderr
    assert "| hello from /tmp" in ended.stdout
    assert "app-1.pre_stop[1] failed: exited with code 3" in failed.stdout
    assert "hint: choose one of app-1.post_start[0], app-2.post_start[0]" in ambiguous.stderr
    runs = {one["command"]: one["result"] for one in json.loads(listed.stdout)}
    assert runs[f"hook run {file} app-2.pre_stop[0]"] == "succeeded"
    assert runs[f"hook run {file} app-1.pre_stop[1]"] == "failed"
    assert standing.stdout.count("running") == 2


@pytest.mark.root
@pytest.mark.peer
@pytest.mark.usefixtures("home")
def test_a_hook_runs_in_a_container_of_an_engine(
    tmp_path: Path, docker_engine: TestEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOATHOOK_ON", "docker")
    file = a_project(tmp_path, PROJECT.replace("image: busybox", f"image: {IMAGE}"))
    up = boathook("compose", "-f", file, "up", "-d")

    ended = boathook("hook", "run", file, "app.pre_stop[0]")
    boathook("compose", "-f", file, "kill")
    boathook("compose", "-f", file, "down")

    assert docker_engine.docker("ps", "--all", "--quiet") == ""
    assert up.returncode == 0, up.stderr
    assert ended.returncode == 0, ended.stderr
    assert "| hello from /tmp" in ended.stdout
