"""``boathook compose`` as tests run it: in this process, or in one of its own whose lines are read as they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from click.testing import CliRunner, Result

from boathook.cli.main import main
from boathook.home import Home

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


def boathook(*arguments: str) -> Result:
    """Run it in this process."""
    return CliRunner().invoke(main, ["compose", *arguments])


def a_file(directory: Path, text: str) -> str:
    path = directory / "compose.yaml"
    path.write_text(text)
    return str(path)


class Command:
    """The command in a process of its own, whose lines are read as they come."""

    def __init__(self, home: Home, *arguments: str, **variables: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "boathook", "compose", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=home.path,
            env=os.environ | {"BOATHOOK_HOME": str(home.path), "PYTHONPATH": str(ROOT / "src")} | variables,
        )
        self.text = ""

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()

    def until(self, text: str) -> None:
        for line in self._lines():
            if text in line:
                return
        raise AssertionError(f"{text!r} did not come:\n{self.text}")

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """At once, so that it can clean up nothing."""
        self._process.kill()
        self._process.wait(SECONDS)

    def ended(self) -> int:
        for _ in self._lines():
            pass
        return self._process.wait(SECONDS)

    def _lines(self) -> Iterator[str]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.text += line
            yield line


def text_of(home: Home, *arguments: str, code: int = 0, **variables: str) -> str:
    """All that it printed; it must end with ``code``."""
    with Command(home, *arguments, **variables) as command:
        assert command.ended() == code, command.text
    return command.text
