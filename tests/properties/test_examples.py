"""Each documented example, killed after each of its events with everything that it owns, and then recovered."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from boathook.backup import DirectoryStore
from boathook.cli.main import main
from boathook.helm.model import ReleaseStatus
from boathook.home import Home
from tests.properties.examples import ALL, FSFREEZE, Example, tear_down, the_files, the_images, the_place
from tests.properties.killed import MOST_EVENTS, killed_in_fork
from tests.properties.left import cannot_freeze, is_frozen, left_of

pytestmark = [pytest.mark.runtime, pytest.mark.slow]

KINDS = {
    "prestop": {"ContainerStarted", "HookStarted", "HookFinished", "SignalSent", "ContainerExited"},
    "post-start": {"ContainerStarted", "HookStarted", "HookOutput", "HookFinished", "SignalSent", "ContainerExited"},
    "pre-stop": {"ObligationOpened", "HookStarted", "HookFinished", "ObligationSettled", "SignalSent"},
    "post-install": {"ObligationOpened", "HookStarted", "ContainerStarted", "HookFinished", "ObjectDeleted"},
    "freeze": {"HookStarted", "HookFinished", "VolumeCopyStarted", "VolumeCopied", "FileWritten"},
    "fsfreeze": {"HookStarted", "HookFinished", "VolumeCopyStarted", "VolumeCopied", "FileWritten"},
}
"""Moments that must be among those at which a life is killed."""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[None]:
    yield
    tear_down(Home(tmp_path / "home"))


@pytest.mark.usefixtures("files")
@pytest.mark.timeout(300)
@pytest.mark.behaviour("pods:31", "deps:31")
@pytest.mark.parametrize("example", ALL, ids=lambda example: example.name)
def test_killed_at_every_event_nothing_is_owed_and_nothing_is_left_after_recover(
    example: Example, tmp_path: Path
) -> None:
    if example.needs_root and os.geteuid() != 0:
        pytest.skip("needs to be root")
    if example is FSFREEZE and (why := cannot_freeze()):
        pytest.skip(why)
    function = f"tests.properties.examples:{example.name.replace('-', '_')}"
    the_files(example, Home(tmp_path / "home"))
    moments = set()

    for number in itertools.count(1):
        assert number < MOST_EVENTS, "the life does not end"
        home = Home(tmp_path / f"home-{number}").ensure()
        the_images(example, home)
        killed = killed_in_fork(number, home, function)
        if killed is None:
            break
        moments.add(killed.event)
        where = f"killed after event {number}, {killed.event}"

        said = recover(home, where)

        assert left_of(home, killed.pid) == [], f"{where}\n{said}"
        assert unsettled(home) == [], f"{where}\n{said}"
        if example is FSFREEZE:
            assert not is_frozen(the_place(home) / "frozen/volume"), f"{where}\n{said}"
        assert "nothing owed, nothing left" in recover(home, where)

    assert moments >= KINDS[example.name]


def recover(home: Home, where: str) -> str:
    ended = CliRunner().invoke(main, ["recover", "--offline"], env={"BOATHOOK_HOME": str(home.path)})
    assert ended.exit_code == 0, f"{where}\n{ended.output}\n{ended.exception}"
    return ended.output


def unsettled(home: Home) -> list[str]:
    """Releases and backups that are still said to be on their way."""
    going = [f"backup {one.spec.name} {one.phase}" for one in DirectoryStore(home).list() if not one.phase.ended]
    if home.objects.exists():
        with closing(sqlite3.connect(home.objects)) as connection:
            rows = connection.execute("SELECT body FROM objects WHERE kind = 'Secret'").fetchall()
        going += [row[0] for row in rows if any(f'"{status}"' in row[0] for status in PENDING)]
    return going


PENDING = [status.value for status in ReleaseStatus if status.pending or status is ReleaseStatus.UNINSTALLING]
