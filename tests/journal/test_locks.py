"""One command at a time acts on a target; who holds it is named, and the dead hold nothing."""

from __future__ import annotations

import os
import signal
from datetime import timedelta

import anyio
import pytest

from boathook.errors import Conflict
from boathook.home import Home
from boathook.journal import target_lock
from boathook.journal.locks import sweep_target_locks
from tests.journal.build import a_child

pytestmark = pytest.mark.anyio

HOLDS = """
import anyio
from boathook.journal import target_lock

async def main():
    async with target_lock(home, "default/db", command="helm install demo"):
        print("held", flush=True)
        input()

anyio.run(main)
"""


async def test_a_target_is_held_against_every_other_command_and_free_afterwards(home: Home) -> None:
    async with target_lock(home, "default/db"):
        with pytest.raises(Conflict, match=f'"default/db" is held by process {os.getpid()}'):
            async with target_lock(home, "default/db"):
                pass
        async with target_lock(home, "default/other"):
            pass
    async with target_lock(home, "default/db"):
        pass

    assert list(home.locks.iterdir()) == []


async def test_the_holder_is_named_and_its_death_frees_the_target(home: Home) -> None:
    child = a_child(HOLDS, home)
    assert child.stdout is not None
    child.stdout.readline()

    with pytest.raises(Conflict, match=rf'"default/db" is held by process {child.pid} \(helm install demo\)'):
        async with target_lock(home, "default/db"):
            pass
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=60)
    async with target_lock(home, "default/db"):
        pass


async def test_waiting_for_a_target_gets_it_when_it_is_free(home: Home) -> None:
    order: list[str] = []

    async def second() -> None:
        async with target_lock(home, "default/db", wait=timedelta(seconds=20)):
            order.append("second")

    async with anyio.create_task_group() as tasks, target_lock(home, "default/db"):
        tasks.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        order.append("first")

    assert order == ["first", "second"]


async def test_waiting_ends_with_who_still_holds_it(home: Home) -> None:
    async with target_lock(home, "default/db", command="pod run a.yaml"):
        with pytest.raises(Conflict, match=r"pod run a\.yaml"):
            async with target_lock(home, "default/db", wait=timedelta(seconds=0.1)):
                pass


async def test_lock_files_of_the_dead_are_swept_and_those_of_the_living_stay(home: Home) -> None:
    async with target_lock(home, "default/db"):
        (living,) = home.locks.iterdir()
        (home.locks / "target-abcd.lock").write_text("{}")

        sweep_target_locks(home)

        assert list(home.locks.iterdir()) == [living]
