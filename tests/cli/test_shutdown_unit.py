"""``boathook compose shutdown-unit``: what it writes is a unit for systemd, and its command stops the project."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from boathook.cli.compose import compose
from boathook.home import Home
from tests.peers.docker import IMAGE, TestEngine

MAIN = "trap 'exit 0' TERM; while :; do sleep 1000 & wait $$!; done"
FILE = f"""\
name: shutdown
services:
  app:
    image: {IMAGE}
    command: [sh, -c, "{MAIN}"]
    stop_grace_period: 2s
    volumes: [./marks:/marks]
    pre_stop:
      - {{command: [sh, -c, "echo $${{SAID-unset}} >> /marks/log"], environment: {{SAID: "${{SAID:-nothing}}"}}}}
      - {{command: ["false"]}}
  debug:
    image: {IMAGE}
    profiles: [debug]
    command: [sh, -c, "{MAIN}"]
    restart: unless-stopped
    stop_grace_period: 2s
"""


@pytest.fixture
def project(tmp_path: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / 'a "project" of 100% $HOME'
    (directory / "marks").mkdir(parents=True)
    (directory / "compose.yaml").write_text(FILE)
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "none"))
    return directory


def shutdown_unit(project: Path, *options: str) -> Result:
    return CliRunner().invoke(compose, ["-f", str(project / "compose.yaml"), "shutdown-unit", *options])


def setting(unit: str, name: str) -> str:
    found = re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE)
    assert len(found) == 1, unit
    return str(found[0])


def words(command: str) -> list[str]:
    """As systemd would pass them on."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(command)]


def test_the_unit_names_all_that_the_project_is(project: Path, home: Home) -> None:
    result = shutdown_unit(project)

    assert result.exit_code == 0, result.output
    command = words(setting(result.stdout, "ExecStop"))
    assert Path(command[0]).is_absolute()
    assert command[command.index("compose") :] == [
        "compose", "--project-name", "shutdown", "--project-directory", str(project),
        "--file", str(project / "compose.yaml"), "--profile", "*",
        "stop", "--hook-timeout", "30s", "--hook-on-failure", "continue", "--on", "docker",
    ]  # fmt: skip
    assert setting(result.stdout, "Environment") == f"BOATHOOK_HOME={home.path}"
    assert setting(result.stdout, "TimeoutStopSec") == str(2 * 30 + 2 + 30)
    assert setting(result.stdout, "After") == "docker.service"


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: apt-get install systemd"
)
@pytest.mark.parametrize("options", [(), ("--start", "--environment-file", "/srv/with blank/100%")])
def test_systemd_takes_it(project: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    units = tmp_path / "units"
    units.mkdir()
    (units / "docker.service").write_text("[Service]\nExecStart=/bin/sleep 1\n")
    unit = units / "boathook-shutdown.service"
    assert shutdown_unit(project, *options, "--output", str(unit)).exit_code == 0

    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)],
        env=os.environ | {"SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (verified.returncode, verified.stderr) == (0, "")


def test_what_stays_down_afterwards_is_said_unless_the_unit_starts_it(project: Path) -> None:
    assert "debug: what the unit has stopped does not come back" in shutdown_unit(project).stderr

    started = shutdown_unit(project, "--start")

    assert started.stderr == ""
    assert words(setting(started.stdout, "ExecStart"))[-4:] == ["up", "--detach", "--on", "docker"]


def test_variables_that_only_this_shell_has_are_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAID", "this")

    assert "warning: SAID: the file reads it from this shell" in shutdown_unit(project, "--start").stderr


def test_the_engine_that_is_meant_now_stands_in_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://engine.test:2376")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")

    unit = shutdown_unit(project).stdout

    assert "\nEnvironment=DOCKER_HOST=tcp://engine.test:2376\nEnvironment=DOCKER_TLS_VERIFY=1\n" in unit
    assert setting(unit, "After") == "network-online.target"


def test_a_users_unit_is_for_a_users_engine(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = shutdown_unit(project, "--user")
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1000/docker.sock")

    unit = shutdown_unit(project, "--user").stdout

    assert refused.exit_code == 1
    assert "--user is not for the engine" in refused.stderr
    assert setting(unit, "WantedBy") == "default.target"
    assert shutdown_unit(project).exit_code == 1


def test_that_systemd_may_stop_podmans_containers_first_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/podman/podman.sock")

    result = shutdown_unit(project)

    assert "warning: Podman's containers are units of their own" in result.stderr
    assert setting(result.stdout, "After") == "podman.socket"


@pytest.mark.runtime
@pytest.mark.root
def test_its_command_stops_the_project_after_its_hooks(
    project: Path, docker_engine: TestEngine, tmp_path: Path
) -> None:
    boathook = [sys.executable, "-m", "boathook", "compose", "-f", str(project / "compose.yaml")]
    up = subprocess.run(
        [*boathook, "--profile", "debug", "up", "-d", "--on", "docker"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert up.returncode == 0, up.stderr
    (tmp_path / "variables").write_text("SAID=goodbye\n")
    unit = shutdown_unit(project, "--engine-unit", "docker.service").stdout
    given = dict(one.split("=", 1) for one in re.findall(r"^Environment=(.*)$", unit, re.MULTILINE))

    stopped = subprocess.run(
        words(setting(unit, "ExecStop")),
        env=given | {"SAID": "goodbye"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    try:
        assert stopped.returncode in (0, 1), stopped.stderr
        assert (project / "marks/log").read_text() == "goodbye\n"
        running = docker_engine.docker("ps", "-q", "--filter", "label=com.docker.compose.project=shutdown")
        assert running == "", stopped.stderr
    finally:
        subprocess.run(
            [*boathook, "--profile", "*", "down", "--on", "docker"], capture_output=True, check=False, timeout=60
        )
