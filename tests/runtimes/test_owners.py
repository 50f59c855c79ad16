"""Several processes use one state directory: each sees the others' containers, and a dead one leaves nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from boathook.errors import Conflict, NotRunning
from boathook.home import Home
from boathook.runtimes.base import ContainerId, ContainerState, ExecSpec, Exit
from boathook.runtimes.sweep import sweep
from tests.runtimes.build import IDLE, Place, a_place, ignored, left_in

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]


@dataclass
class Owner:
    process: subprocess.Popen[str]
    container: ContainerId
    pids: dict[str, int]


@contextmanager
def an_owner(home: Home, script: str = IDLE, *isolation: str) -> Iterator[Owner]:
    program = Path(__file__).with_name("owner.py")
    root = program.parent.parent.parent
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src"), *sys.path])}
    process = subprocess.Popen(
        [sys.executable, str(program), str(home.path), script, *isolation],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        known = json.loads(process.stdout.readline())
        container = ContainerId(known.pop("container"))
        try:
            yield Owner(process, container, known)
        finally:
            process.kill()


@pytest.fixture
async def place(home: Home) -> AsyncIterator[Place]:
    async with a_place(home) as place:
        yield place


async def until_gone(pids: list[int]) -> None:
    """The kernel ends them by itself; nobody here is their parent."""
    with anyio.fail_after(10):
        for pid in pids:
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            await anyio.wait_readable(descriptor)
            os.close(descriptor)


async def test_a_container_of_another_process_is_listed_entered_signalled_and_waited_for(
    home: Home, place: Place
) -> None:
    with an_owner(home) as owner:
        assert owner.container in [each.id for each in await place.runtime.list({})]
        assert (await place.runtime.inspect(owner.container)).owner_alive
        assert (await place.run(owner.container, "sh", "-c", "echo $HOSTNAME; exit 4"))[:2] == (
            Exit(code=4, signal=None),
            "pod-host\n",
        )

        await place.runtime.signal(owner.container, "SIGTERM")

        assert (await place.runtime.wait(owner.container)).code == 42
        assert "up" in await place.log(owner.container)


async def test_only_its_owner_starts_a_container(home: Home, place: Place) -> None:
    with an_owner(home) as owner, pytest.raises(Conflict, match="belongs to another process"):
        await place.runtime.start(owner.container)


async def test_nothing_runs_on_when_its_owner_is_killed(home: Home) -> None:
    with an_owner(home) as owner:
        owner.process.kill()

        await until_gone(list(owner.pids.values()))


@pytest.mark.root
async def test_a_main_process_that_changed_its_user_ends_with_its_owner_too(home: Home) -> None:
    script = "echo up; exec setpriv --reuid 1000 --regid 1000 --clear-groups sleep 600"
    with an_owner(home, script) as owner:
        owner.process.kill()

        await until_gone(list(owner.pids.values()))


async def test_a_container_whose_owner_died_has_exited_with_nobody_knowing_how(home: Home, place: Place) -> None:
    with an_owner(home) as owner:
        owner.process.kill()
        await until_gone(list(owner.pids.values()))
    found = await place.runtime.inspect(owner.container)

    assert (found.state, found.owner_alive) == (ContainerState.EXITED, False)
    assert found.exit == Exit(code=None, signal=None)
    assert await place.runtime.wait(owner.container) == Exit(code=None, signal=None)
    with pytest.raises(NotRunning):
        await place.runtime.exec(owner.container, ExecSpec(command=("true",)), ignored)


async def test_sweep_removes_what_a_dead_owner_left_and_nothing_of_a_living_one(home: Home, place: Place) -> None:
    mine = await place.ready()
    before = left_in(home)
    with an_owner(home) as owner:
        owner.process.kill()
    assert left_in(home) != before

    said = sweep(home)

    assert left_in(home) == before
    assert any(sentence.startswith("removed container 'app'") for sentence in said)
    assert any(sentence.startswith("removed sandbox 'pod'") for sentence in said)
    assert sweep(home) == ()
    assert (await place.run(mine, "true"))[0].ok


async def test_sweep_ends_processes_that_outlived_their_owner(home: Home) -> None:
    with an_owner(home) as owner:
        # The holder is what ends the containers of a dead spawner; without it a process that changed its user is left.
        os.kill(owner.pids["holder"], 9)
        owner.process.kill()
        owner.process.wait()

        sweep(home)

        await until_gone(list(owner.pids.values()))
    assert left_in(home) == []


async def test_a_removed_container_of_another_process_is_gone_for_its_owner_too(home: Home, place: Place) -> None:
    with an_owner(home) as owner:
        await place.runtime.remove(owner.container)

        assert owner.container not in left_in(home)
        assert owner.process.poll() is None
