"""A process is known by pid, start time and boot, and lives while it holds its lock."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import pytest

from boathook.home import Home
from boathook.journal.owners import is_alive, owning, start_time, sweep_owner_locks


def test_an_owner_lives_as_long_as_its_block(home: Home) -> None:
    with owning(home) as owner:
        alive = is_alive(owner)

    assert (alive, is_alive(owner)) == (True, False)
    assert list(home.locks.iterdir()) == []


@pytest.mark.parametrize("change", [{"start_time": 1}, {"boot_id": "another"}, {"pid": 2**22 + 1}])
def test_a_pid_that_was_given_to_another_process_is_not_the_owner(home: Home, change: dict[str, object]) -> None:
    with owning(home) as owner:
        assert not is_alive(replace(owner, **change))  # type: ignore[arg-type]


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert start_time(child.pid) is None
    child.wait()


def test_lock_files_of_the_dead_are_swept_and_those_of_the_living_stay(home: Home) -> None:
    with owning(home) as owner:
        dead = home.locks / "owner-4194305-abcd.lock"
        dead.touch()

        sweep_owner_locks(home)

        assert [str(path) for path in home.locks.iterdir()] == [owner.lock]
