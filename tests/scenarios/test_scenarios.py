"""Scenarios: text files of commands as a user types them, each with what it must print and its exit code.

Lines that begin with ``$ `` are run by a shell in a fresh directory that holds a copy of ``examples``; lines right
after it that begin with ``> `` belong to the command. What follows is the expected output, stdout and stderr together,
where ``…`` stands for any text within a line and a line ``…`` for any number of lines; blank lines around it do not
count. ``[2]`` at the end is the expected exit code (else 0). Lines that begin with ``# `` explain; ``# needs root``
says when a scenario is skipped, ``# needs an engine`` that ``docker`` is to mean one. What a scenario sets up in
``frozen`` is torn down after it.
The command under test is ``$BOATHOOK_BIN``, else the one of this environment.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from boathook.home import Home
from boathook.supervisor.client import supervisor_pid

HERE = Path(__file__).parent
EXAMPLES = HERE.parent.parent / "examples"
SECONDS_PER_COMMAND = 90
NEEDS_ROOT = "# needs root"
NEEDS_ENGINE = "# needs an engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    line: int
    command: str
    expected: str
    exit_code: int


def steps(text: str) -> list[Step]:
    """The commands of a scenario, each with what it must print."""
    result: list[Step] = []
    command, line, expected = "", 0, list[str]()

    def close() -> None:
        if command:
            code = 0
            while expected and not expected[-1]:
                expected.pop()
            if expected and (match := re.fullmatch(r"\[(\d+)\]", expected[-1])):
                code = int(match[1])
                expected.pop()
            result.append(Step(line=line, command=command, expected="\n".join(expected), exit_code=code))

    for number, row in enumerate(text.splitlines(), 1):
        if row.startswith("$ "):
            close()
            command, line, expected = row[2:], number, []
        elif row[:2] in (">", "> ") and command and not expected:
            command += f"\n{row[2:]}"
        elif not row.startswith("# ") and (row or expected):
            expected.append(row)
    close()
    return result


def pattern(expected: str) -> re.Pattern[str]:
    """The expected text as a pattern: ``…`` alone on a line is any number of lines, else any text in its line."""
    rows = []
    for row in expected.strip("\n").split("\n"):
        rows.append(r"(?:.*\n)*?" if row.strip() == "…" else ".*".join(map(re.escape, row.split("…"))) + "\n")
    return re.compile("".join(rows) if expected.strip() else "")


def environment(directory: Path) -> dict[str, str]:
    binary = Path(os.environ.get("BOATHOOK_BIN") or Path(sys.executable).parent / "boathook")
    return os.environ | {
        "PATH": f"{binary.parent}:{os.environ['PATH']}",
        "BOATHOOK_HOME": str(directory / "home"),
        "HOME": str(directory),
        "NO_COLOR": "1",
        # What a registry answers, or that there is none, is not for scenarios to say.
        "BOATHOOK_OFFLINE": "1",
    }


@pytest.mark.runtime
@pytest.mark.slow
@pytest.mark.parametrize("scenario", sorted(HERE.glob("*.txt")), ids=lambda path: path.stem)
def test_scenario(scenario: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    text = scenario.read_text()
    if NEEDS_ENGINE in text.splitlines():
        request.getfixturevalue("docker_engine")
    if NEEDS_ROOT in text.splitlines() and os.geteuid() != 0:
        pytest.skip("needs to be root")
    shutil.copytree(EXAMPLES, tmp_path / "examples", symlinks=True)
    try:
        play(scenario.name, text, tmp_path)
    finally:
        if (pid := supervisor_pid(Home(tmp_path / "home"))) is not None:
            os.kill(pid, signal.SIGTERM)
        subprocess.run([tmp_path / "examples/backup/fsfreeze/tear-down", tmp_path / "frozen"], timeout=60, check=False)


def play(name: str, text: str, tmp_path: Path) -> None:
    for step in steps(text):
        ended = subprocess.run(
            step.command,
            shell=True,
            cwd=tmp_path,
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_PER_COMMAND,
            check=False,
        )

        where = f"{name}:{step.line}: $ {step.command}\n{ended.stdout}"
        assert ended.returncode == step.exit_code, where
        said = ended.stdout.strip("\n")
        assert pattern(step.expected).fullmatch(said and f"{said}\n"), f"{where}\nexpected:\n{step.expected}"
        assert "Traceback" not in ended.stdout, where
