"""The two tools, and one step done with one of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.peers.compose import compose_program
from tests.peers.lifecycle.steps import Step

_SECONDS = 30
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """How one of the two is called."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    subnet: str
    """The beginning of addresses that networks of its projects may have."""


def the_peer() -> Tool:
    return Tool(name="peer", command=(str(compose_program()),), environment={}, subnet="10.190.7")


def ours(home: Path) -> Tool:
    program = str(Path(sys.executable).parent / "boathook")
    return Tool(
        name="ours",
        command=(program, "compose"),
        environment={"BOATHOOK_HOME": str(home), "BOATHOOK_ON": "docker"},
        subnet="10.190.8",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a project is worked on."""

    directory: Path
    project: str
    engine: str
    """Its address."""

    @property
    def log(self) -> Path:
        """Where containers and hooks leave their marks."""
        return self.directory / "marks" / "log"

    def marks(self) -> list[str]:
        return self.log.read_text().splitlines()

    def environment(self, tool: Tool) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "DOCKER_HOST": self.engine,
            "COMPOSE_PROJECT_NAME": self.project,
            "PROJECT": self.project,
            "SUBNET": tool.subnet,
            **tool.environment,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a step's process told."""

    code: int
    stdout: str
    stderr: str


def do(step: Step, tool: Tool, place: Place) -> Done:
    """One step. Raises ``subprocess.TimeoutExpired`` when it does not come to an end."""
    command = (
        ["sh", "-ec", step.shell]
        if step.shell
        else [*tool.command, *(word.replace("$PROJECT", place.project) for word in step.arguments)]
    )
    environment = place.environment(tool) | dict(step.variables)
    with subprocess.Popen(
        command,
        cwd=place.directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            before = len(place.marks())
            for which, mark in step.signals:
                _wait_for_mark(process, place, mark, before)
                process.send_signal(signal.Signals[f"SIG{which}"])
            stdout, stderr = process.communicate(timeout=_SECONDS)
        except BaseException:
            process.kill()
            raise
    return Done(code=process.returncode, stdout=stdout, stderr=stderr)


def _wait_for_mark(process: subprocess.Popen[str], place: Place, mark: str, before: int) -> None:
    for _ in range(int(_SECONDS / _POLL_SECONDS)):
        if mark in place.marks()[before:]:
            return
        try:
            process.wait(timeout=_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
    raise subprocess.TimeoutExpired(process.args, _SECONDS)
