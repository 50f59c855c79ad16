"""What becomes of ``boathook compose`` where its terminal, its output or its home is not what it needs."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from boathook.home import Home
from tests.cli.compose_command import ROOT, SECONDS, a_file, boathook

APP = """
name: demo
services:
  app:
    image: busybox
    command: sleep 1000
    init: true
    volumes: ["./told:/told"]
    pre_stop: [{command: touch /told/bye}]
"""


@pytest.mark.runtime
@pytest.mark.behaviour("compose:33")
def test_an_attached_project_whose_terminal_is_gone_is_stopped_with_its_hooks(home: Home, tmp_path: Path) -> None:
    (tmp_path / "told").mkdir()
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "boathook", "compose", "-f", a_file(tmp_path, APP), "up"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=os.environ | {"BOATHOOK_HOME": str(home.path), "PYTHONPATH": str(ROOT / "src")},
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(terminal)
    written = b""
    while b"demo-app-1  Started" not in written:
        written += os.read(controller, 65536)

    os.close(controller)

    assert process.wait(SECONDS) == 130
    assert (tmp_path / "told/bye").exists()


@pytest.mark.runtime
def test_an_attached_project_that_nobody_reads_any_more_is_stopped_with_its_hooks(home: Home, tmp_path: Path) -> None:
    (tmp_path / "told").mkdir()
    chatty = APP.replace("command: sleep 1000", "command: sh -c 'while echo more; do sleep 0.1; done'")
    with subprocess.Popen(
        [sys.executable, "-m", "boathook", "compose", "-f", a_file(tmp_path, chatty), "up"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"BOATHOOK_HOME": str(home.path), "PYTHONPATH": str(ROOT / "src")},
    ) as process:
        assert process.stdout is not None
        while b"more" not in process.stdout.readline():
            pass
        process.stdout.close()

        assert process.wait(SECONDS) == 130
    assert (tmp_path / "told/bye").exists()


@pytest.mark.parametrize("command", ["up", "ps", "down"])
def test_a_home_that_cannot_be_made_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("BOATHOOK_HOME", str(tmp_path / "file"))

    result = boathook("-f", a_file(tmp_path, APP), command)

    assert result.exit_code == 1
    assert f'error: no state can be kept in "{tmp_path}/file": File exists\n' in result.stderr
