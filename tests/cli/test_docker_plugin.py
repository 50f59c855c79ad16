"""``docker-boathook``: what the docker CLI asks of a plug-in, and how it hands over its command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from boathook import __version__
from boathook.cli.docker_plugin import WrongFlag, command_line, metadata
from boathook.home import Home
from tests.peers.docker import IMAGE, TestEngine
from tests.peers.lifecycle.engine import EngineView
from tests.peers.lifecycle.observing import prepare
from tests.peers.lifecycle.steps import read_step
from tests.peers.lifecycle.tools import Tool, do

INTERRUPTED = Path(__file__).parents[1] / "peers/compose-lifecycle/interrupted"
FILE = f"""\
services:
  app:
    image: {IMAGE}
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1000 & wait $$!; done"]
    stop_grace_period: 2s
    post_start: [{{command: [echo, from the hook]}}]
    pre_stop: [{{command: [sleep, "0"]}}]
"""


def test_it_says_what_the_docker_cli_lists() -> None:
    said = json.loads(metadata())

    assert said["SchemaVersion"] == "0.1.0"
    assert said["Version"] == __version__
    assert said["Vendor"]
    assert said["ShortDescription"]


def test_the_distribution_installs_it() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]

    assert project["scripts"]["docker-boathook"] == "boathook.cli.docker_plugin:run"


def test_whoever_says_docker_means_the_engine() -> None:
    environment: dict[str, str] = {}

    assert command_line(["boathook", "compose", "-f", "boathook", "ps"], environment) == [
        "compose", "-f", "boathook", "ps",
    ]  # fmt: skip
    assert environment == {"BOATHOOK_ON": "docker"}


def test_a_place_that_is_set_stays() -> None:
    environment = {"BOATHOOK_ON": "local"}

    command_line(["boathook", "compose", "ps"], environment)

    assert environment == {"BOATHOOK_ON": "local"}


@pytest.mark.parametrize(
    ("flags", "variables"),
    [
        (["--context", "ci"], {"DOCKER_CONTEXT": "ci"}),
        (["-c", "ci"], {"DOCKER_CONTEXT": "ci"}),
        (["--context=ci"], {"DOCKER_CONTEXT": "ci"}),
        (["-H", "unix:///s"], {"DOCKER_HOST": "unix:///s"}),
        (["-Hunix:///s"], {"DOCKER_HOST": "unix:///s"}),
        (["--host=unix:///s", "-D", "--log-level", "debug"], {"DOCKER_HOST": "unix:///s"}),
        (["--config", "/c"], {"DOCKER_CONFIG": "/c", "DOCKER_HOST": "unix:///given"}),
        (["--tlsverify"], {"DOCKER_TLS_VERIFY": "1", "DOCKER_HOST": "unix:///given"}),
        (["--tlsverify=false"], {"DOCKER_HOST": "unix:///given"}),
        (
            ["--tlscacert", "/t/ca.pem", "--tlskey=/t/key.pem"],
            {"DOCKER_CERT_PATH": "/t", "DOCKER_HOST": "unix:///given"},
        ),
    ],
)
def test_flags_of_the_docker_cli_count(flags: list[str], variables: dict[str, str]) -> None:
    environment = {"DOCKER_HOST": "unix:///given"}

    assert command_line([*flags, "boathook", "ps"], environment) == ["ps"]
    assert environment == {"BOATHOOK_ON": "docker", **variables}


@pytest.mark.parametrize("flags", [["--tlscacert", "/t/other.pem"], ["--unheard"], ["--context"]])
def test_a_flag_that_cannot_be_followed_is_refused(flags: list[str]) -> None:
    with pytest.raises(WrongFlag):
        command_line(flags, {})


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    """The docker CLI's, with the plug-in."""
    plugins = tmp_path / "config/cli-plugins"
    plugins.mkdir(parents=True)
    plugin = plugins / "docker-boathook"
    plugin.write_text(f"#!{sys.executable}\nfrom boathook.cli.docker_plugin import run\nrun()\n")
    plugin.chmod(0o755)
    return tmp_path / "config"


@pytest.mark.runtime
@pytest.mark.root
def test_the_docker_cli_calls_it(docker_engine: TestEngine, home: Home, configuration: Path, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(FILE)

    def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
        """The engine is named by a flag of the docker CLI alone."""
        environment = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
        return subprocess.run(
            ["docker", "--host", docker_engine.address, *arguments],
            env=environment | {"DOCKER_CONFIG": str(configuration)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    listed = docker("--help")
    compose = ("boathook", "compose", "-p", "plugged")
    up = docker(*compose, "up", "-d")
    seen = docker_engine.docker("ps", "--format", "{{.Names}}")
    shown = docker(*compose, "ps")
    down = docker(*compose, "down")

    assert "Run Compose projects and pods with their lifecycle hooks" in listed.stdout
    assert (up.returncode, down.returncode) == (0, 0), up.stderr + down.stderr
    assert "plugged-app-1" in seen
    assert "plugged-app-1" in shown.stdout
    assert docker(*compose, "--nonsense").returncode == 1


@pytest.mark.runtime
@pytest.mark.root
def test_an_interrupt_of_the_docker_cli_stops_the_project_after_its_hooks(
    docker_engine: TestEngine, home: Home, configuration: Path, tmp_path: Path
) -> None:
    """Without a terminal only the docker CLI gets it."""
    environment = {"DOCKER_CONFIG": str(configuration), "BOATHOOK_HOME": str(home.path)}
    tool = Tool(name="plugged", command=("docker", "boathook", "compose"), environment=environment, subnet="")
    place = prepare(INTERRUPTED, tmp_path / "project", "plugged-interrupted", docker_engine.address)

    (place.directory / "marks/go").touch()
    try:
        done = do(read_step("> [INT at app-runs] up"), tool, place)
    finally:
        EngineView(place.engine).clear(place.project)

    assert done.code == 130, done.stderr
    assert place.marks() == ["app-post", "app-runs", "app-pre", "app-pre.", "app-term"]
