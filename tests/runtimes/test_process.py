"""Containers without namespaces: what they share with all others, and what is done in place of a namespace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from boathook.errors import CouldNotStart, NotRunning, UnsupportedHere
from boathook.home import Home
from boathook.runtimes.base import ContainerId, ExecSpec, Mount
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from boathook.runtimes.process import NOT_ISOLATED, ProcessRuntime
from boathook.runtimes.processes import process_id
from tests.runtimes.build import IDLE, Place, a_place, ignored
from tests.runtimes.test_owners import an_owner

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

SECONDS = 10.0


@pytest.fixture
async def place(home: Home) -> AsyncIterator[Place]:
    async with a_place(home, kind=ProcessRuntime) as place:
        yield place


def alive(pid: int) -> bool:
    return process_id(pid).alive


async def ended(*pids: int) -> None:
    with anyio.fail_after(SECONDS):
        while any(alive(pid) for pid in pids):  # noqa: ASYNC110  other processes
            await anyio.sleep(0.01)


async def numbers(place: Place, container: ContainerId) -> list[int]:
    """The pids that a script has written, one a line."""
    return [int(line) for line in await place.log(container) if line.isdigit()]


async def test_its_main_process_is_this_machines_and_works_in_a_directory_of_its_own(place: Place) -> None:
    container = await place.ready(f"pwd; echo $$; {IDLE}")
    while len(await place.log(container)) < 3:  # noqa: ASYNC110  a log
        await anyio.sleep(0.01)
    record = await place.runtime.inspect(container)
    where, pid, *_ = await place.log(container)

    assert record.pid == int(pid)
    assert Path(where).is_dir()  # noqa: ASYNC240  one stat
    assert where.endswith(f"{container}/work")


@pytest.mark.behaviour("pods:11")
async def test_a_signal_without_a_handler_is_ignored_as_by_the_first_process_of_a_namespace(place: Place) -> None:
    container = await place.started("exec sleep 60")
    other = await place.ready()

    await place.runtime.signal(container, "SIGTERM")
    await place.runtime.signal(other, "SIGTERM")
    assert (await place.runtime.wait(other)).code == 42
    assert (await place.runtime.inspect(container)).exit is None
    await place.runtime.signal(container, "SIGKILL")
    assert (await place.runtime.wait(container)).code == 137


async def test_a_pause_process_leaves_when_asked(place: Place) -> None:
    container = await place.runtime.create(place.spec(command=()))
    await place.runtime.start(container)
    with anyio.fail_after(SECONDS):
        while (await place.runtime.inspect(container)).exit is None:
            await place.runtime.signal(container, "SIGTERM")
            await anyio.sleep(0.05)

    assert (await place.runtime.wait(container)).ok


@pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -KILL $$", 137), ("kill -TERM $$", 143)])
async def test_its_exit_is_that_of_its_main_process(place: Place, script: str, code: int) -> None:
    assert (await place.runtime.wait(await place.started(script))).code == code


async def test_a_program_that_is_missing_could_not_be_started(place: Place) -> None:
    container = await place.runtime.create(place.spec(command=("/nowhere/program",)))

    with pytest.raises(CouldNotStart, match="no such file or directory"):
        await place.runtime.start(container)


async def test_all_that_it_started_ends_with_its_main_process(place: Place) -> None:
    script = "sleep 600 & echo $!; setsid -f sh -c 'echo $$; exec sleep 600'; (setsid sleep 600 & echo $!); " + IDLE
    container = await place.ready(script)
    while len(await numbers(place, container)) < 3:  # noqa: ASYNC110  a log
        await anyio.sleep(0.01)
    pids = await numbers(place, container)
    assert all(alive(pid) for pid in pids)

    await place.runtime.signal(container, "SIGKILL")
    await place.runtime.wait(container)

    assert not any(alive(pid) for pid in pids)


async def test_programs_run_in_it_have_its_environment_and_end_with_it(place: Place) -> None:
    container = await place.ready(environment=(("COLOUR", "red"),))
    result, out, err = await place.run(container, "sh", "-c", "echo $COLOUR; echo oops >&2; exit 3")
    assert (result.code, out, err) == (3, "red\n", "oops\n")

    execution = await place.runtime.exec(container, ExecSpec(command=("sleep", "600")), ignored)
    await place.runtime.signal(container, "SIGKILL")
    await place.runtime.wait(container)

    with anyio.fail_after(SECONDS):
        assert (await execution.wait()).code == 137
    with pytest.raises(NotRunning):
        await place.runtime.exec(container, ExecSpec(command=("true",)), ignored)


async def test_a_volume_that_cannot_be_shown_is_refused_and_one_that_lies_there_is_not(
    place: Place, tmp_path: Path
) -> None:
    there = Mount(source=str(tmp_path), target=str(tmp_path))
    container = await place.started(f"echo hi > {tmp_path}/said", mounts=(there,))
    await place.runtime.wait(container)
    assert (tmp_path / "said").read_text() == "hi\n"

    with pytest.raises(
        UnsupportedHere, match="volume mount '/data' of container 'app' is not supported by --isolation"
    ):
        await place.runtime.create(place.spec(mounts=(Mount(source=str(tmp_path), target="/data"),)))
    read_only = Mount(source=str(tmp_path), target=str(tmp_path), read_only=True)
    with pytest.raises(UnsupportedHere, match="nothing can be read-only"):
        await place.runtime.create(place.spec(mounts=(read_only,)))


async def test_what_is_not_isolated_is_said_of_every_container(place: Place) -> None:
    assert place.runtime.not_enforced(place.spec()) == (NOT_ISOLATED,)
    assert len(place.runtime.not_enforced(place.spec(read_only_root=True, termination_message_path="/dev/x"))) == 3


@pytest.mark.parametrize("victim", ["owner", "spawner"])
async def test_nothing_is_left_when_its_owner_or_its_spawner_is_killed(home: Home, victim: str) -> None:
    script = f"setsid -f sh -c 'echo $$; exec sleep 600'; {IDLE}"
    with an_owner(home, script, "process") as owner:
        pids = {**owner.pids, "owner": owner.process.pid}
        async with BubblewrapRuntime(home, images=NoImages()) as other:  # type: ignore[arg-type]
            lines: list[str] = []
            with anyio.fail_after(SECONDS):
                async for line in other.logs(owner.container, follow=True):
                    lines.append(line.text)
                    if len(lines) == 2:
                        break
            child = next(int(line) for line in lines if line.isdigit())
            execution = await other.exec(owner.container, ExecSpec(command=("sleep", "600")), ignored)
            os.kill(pids[victim], signal.SIGKILL)
            await ended(pids["main"], pids["holder"], pids["spawner"], child)
            with anyio.fail_after(SECONDS):
                assert (await execution.wait()).code == 137


class NoImages:
    """For a runtime that only enters containers."""


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: plain}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: app
    image: busybox:1.36
    command: [sh, -c, 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done']
    lifecycle:
      preStop: {exec: {command: [sh, -c, "echo stopping"]}}
"""


def test_a_pod_runs_so_only_when_asked_and_never_in_the_background(home: Home, tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD)

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "boathook", "pod", "run", str(tmp_path / "pod.yaml"), "--offline", *args]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    done = run("--isolation", "process", "--for", "1s")
    assert done.returncode == 0, done.stderr
    assert "isolates nothing" in done.stdout + done.stderr
    assert "stopping" in done.stdout + done.stderr
    assert "isolates nothing" not in run("--for", "0s").stderr
    refused = run("--isolation", "process", "-d")
    assert refused.returncode != 0
    assert "--isolation process is not supported for what runs in the background" in refused.stderr
