"""What builds a container's file system ends with whoever asked for it, however early that one is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from boathook.home import Home
from boathook.runtimes.abilities import bubblewrap_path
from boathook.runtimes.spawner.stat import fields
from tests.runtimes.build import processes_below

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]


@pytest.fixture
def late_bubblewrap(tmp_path: Path) -> Path:
    """bubblewrap that is slow to begin: it says so, and goes on when it is told to."""
    path = tmp_path / "bwrap"
    path.write_text(
        f"#!/bin/sh\n/bin/echo $$ >{tmp_path}/begun.new && /bin/mv {tmp_path}/begun.new {tmp_path}/begun\n"
        f'while [ ! -e {tmp_path}/go ]; do /bin/sleep 0.02; done\nexec {bubblewrap_path()} "$@"\n'
    )
    path.chmod(0o755)
    return path


@pytest.fixture
def owner(home: Home, late_bubblewrap: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that starts a container with it."""
    program = Path(__file__).with_name("late.py")
    root = program.parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src"), *sys.path])}
    with subprocess.Popen(
        [sys.executable, str(program), str(home.path), str(late_bubblewrap)], env=environment, text=True
    ) as process:
        yield process
        process.kill()


async def pid_in(file: Path) -> int:
    with anyio.fail_after(20):
        while not written(file):  # noqa: ASYNC110  a file of another process
            await anyio.sleep(0.02)
    return written(file)


def written(file: Path) -> int:
    return int(file.read_text()) if file.exists() else 0


def parent_of(pid: int) -> int:
    return int(fields(pid)[1])


@pytest.mark.parametrize("killed", ["the child that asked for it", "the owner of the container"])
async def test_bubblewrap_ends_when_it_is_orphaned_before_it_has_begun(
    home: Home, owner: subprocess.Popen[str], tmp_path: Path, killed: str
) -> None:
    begun = await pid_in(tmp_path / "begun")
    parent = parent_of(begun)

    os.kill(parent if killed.startswith("the child") else owner.pid, signal.SIGKILL)
    (tmp_path / "go").touch()

    with anyio.move_on_after(10):
        while fields(begun) or bubblewraps_below(home):  # noqa: ASYNC110  nobody would tell
            await anyio.sleep(0.05)
    left = bubblewraps_below(home)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


def bubblewraps_below(home: Home) -> list[int]:
    return [
        pid
        for pid in processes_below(home.path)
        if b"bwrap" in Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]
    ]
