"""A command and the supervisor that acts for it, one of them killed at some moment, and then recovered."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from boathook.home import Home
from boathook.supervisor.client import supervisor_pid
from tests.properties.examples import FREEZE, FSFREEZE, POST_INSTALL, Example, tear_down, the_files, the_place
from tests.properties.killed import SECONDS, ended_at
from tests.properties.left import cannot_freeze, is_frozen, left_of
from tests.properties.test_examples import unsettled

pytestmark = [pytest.mark.runtime, pytest.mark.slow]

OF_THE_INSTALL = (8, 12, 17)
"""By the command's own events: its hook has started; the hook's container runs; the hook has succeeded."""

OF_THE_BACKUP = (5, 6, 8, 10)
"""The pre hook has started; it has ended (frozen); the volume is copied; the post hook has ended (thawed)."""


@pytest.fixture
def files(home: Home) -> Iterator[None]:
    yield
    if (pid := supervisor_pid(home)) is not None:
        os.kill(pid, signal.SIGKILL)
    tear_down(home)


@pytest.fixture
def backed_up(home: Home) -> Example:
    """With a real freeze where there can be one."""
    example = FREEZE if cannot_freeze() else FSFREEZE
    created = boathook("pod", "run", "-d", the_files(example, home))
    assert created.returncode == 0, created.stdout
    return example


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("moment", OF_THE_INSTALL)
@pytest.mark.parametrize("killed", ["cli", "supervisor"])
def test_a_release_is_settled_whichever_of_the_two_is_killed(home: Home, killed: str, moment: int) -> None:
    chart = the_files(POST_INSTALL, home)

    ended = ended_at(moment, home, killed, "helm", "install", "demo", str(chart), "--set", "sleepyTime=0.3")
    supervisor = supervisor_pid(home)

    assert_told(ended, killed)
    recover(home)
    assert unsettled(home) == [], ended.stdout
    end_supervisor(home)
    recover(home)
    assert left_of(home, supervisor or 0) == [], ended.stdout


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("moment", OF_THE_BACKUP)
@pytest.mark.parametrize("killed", ["cli", "supervisor"])
def test_a_volume_is_thawed_whichever_of_the_two_is_killed(
    home: Home, backed_up: Example, killed: str, moment: int
) -> None:
    supervisor = supervisor_pid(home)

    ended = ended_at(moment, home, killed, "backup", "create", "nightly")

    assert_told(ended, killed)
    recover(home)
    assert unsettled(home) == [], ended.stdout
    if backed_up is FSFREEZE:
        assert not is_frozen(the_place(home) / "frozen/volume"), ended.stdout
    end_supervisor(home)
    recover(home)
    assert left_of(home, supervisor or 0) == [], ended.stdout


def boathook(*args: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "boathook", *map(str, args)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def assert_told(ended: subprocess.CompletedProcess[str], killed: str) -> None:
    """A killed command says nothing more; one whose supervisor was killed comes to an end that it can explain."""
    allowed = (0, -signal.SIGKILL) if killed == "cli" else (0, 1, 2, 3)
    assert ended.returncode in allowed, ended.stdout
    assert "Traceback" not in ended.stdout


def recover(home: Home) -> None:
    ended = boathook("recover")
    assert ended.returncode == 0, ended.stdout


def end_supervisor(home: Home) -> None:
    """Ask it to end, as a machine that shuts down does, and wait for that."""
    pid = supervisor_pid(home)
    if pid is None:
        return
    descriptor = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGTERM)
        assert select.select([descriptor], [], [], SECONDS)[0], "the supervisor does not end"
    finally:
        os.close(descriptor)
