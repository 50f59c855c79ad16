"""Podman by its compatible socket: where it differs from Docker, it is made equal, or refused by name."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from boathook.errors import CouldNotStart, NotRunning, UnsupportedHere
from boathook.home import Home
from boathook.model import Stream
from boathook.runtimes.base import ExecSpec, Exit
from tests.peers.docker import TestEngine
from tests.runtimes.build import Place, ignored
from tests.runtimes.engines import an_engine_place

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]


@pytest.fixture
async def place(home: Home, podman_engine: TestEngine) -> AsyncIterator[Place]:
    async with an_engine_place(home) as place:
        yield place


@pytest.mark.behaviour("deps:3")
async def test_an_exec_has_its_user_directory_and_variables_and_its_streams_apart(place: Place) -> None:
    container = await place.started(environment=(("A", "1"),))

    ended, stdout, stderr = await place.run(
        container,
        *("sh", "-c", 'id -u; id -g; pwd; echo "$A $FOO"; echo e >&2; exit 7'),
        user="1000:1001",
        working_dir="/tmp",
        environment=(("FOO", "bar"), ("UNKNOWN", None)),
    )

    assert (stdout, stderr) == ("1000\n1001\n/tmp\n1 bar\n", "e\n")
    assert ended == Exit(code=7, signal=None)


async def test_a_variable_cannot_be_taken_away(place: Place) -> None:
    container = await place.started(environment=(("A", "1"),))

    with pytest.raises(UnsupportedHere, match='Podman cannot take variable "A" away'):
        await place.runtime.exec(container, ExecSpec(command=("env",), environment=(("A", None),)), ignored)


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (ExecSpec(command=("/nope",)), 'exec: "/nope": stat /nope: no such file or directory'),
        (ExecSpec(command=("id",), user="stranger"), "unable to find user stranger"),
        (ExecSpec(command=("id",), working_dir="/nope"), 'chdir to cwd ("/nope")'),
        (ExecSpec(command=()), "must provide a non-empty command"),
    ],
)
@pytest.mark.behaviour("deps:5", "deps:6")
async def test_a_program_that_cannot_be_started_is_told_with_the_engines_reason(
    place: Place, spec: ExecSpec, reason: str
) -> None:
    container = await place.started()
    written: list[bytes] = []

    with pytest.raises(CouldNotStart) as caught:
        await place.runtime.exec(container, spec, lambda stream, chunk: written.append(chunk))

    assert reason in str(caught.value)
    assert written == []


@pytest.mark.parametrize("code", [126, 127])
@pytest.mark.behaviour("deps:5")
async def test_a_program_that_ends_with_an_engines_code_has_failed_by_itself(place: Place, code: int) -> None:
    container = await place.started()

    ended, stdout, _ = await place.run(container, "sh", "-c", f"echo said; exit {code}")

    assert (ended.code, stdout) == (code, "said\n")


@pytest.mark.behaviour("deps:7")
async def test_a_paused_container_is_entered_by_nobody(place: Place, podman_engine: TestEngine) -> None:
    container = await place.started()
    podman_engine.docker("pause", container)

    with pytest.raises(NotRunning, match="container 'app' is paused"):
        await place.runtime.exec(container, ExecSpec(command=("true",)), ignored)


async def test_a_killed_exec_has_ended_whatever_podman_says_of_it_while_it_runs(place: Place) -> None:
    container = await place.started()
    execution = await place.runtime.exec(container, ExecSpec(command=("sleep", "600")), ignored)

    with anyio.fail_after(10):
        await execution.kill()

    assert await execution.wait() == Exit(code=137, signal=9)


async def test_a_sandbox_gives_its_host_name_and_its_log_long_lines_in_parts(place: Place) -> None:
    container = await place.started("hostname; head -c 20000 /dev/zero | tr '\\0' x; echo; printf end >&2")
    await place.runtime.wait(container)

    lines = [line async for line in place.runtime.logs(container)]

    stdout = [line for line in lines if line.stream is Stream.STDOUT]
    assert (stdout[0].text, stdout[0].partial) == ("pod-host", False)
    assert "".join(line.text for line in stdout[1:]) == "x" * 20000
    assert [line.partial for line in stdout[1:]] == [True] * (len(stdout) - 2) + [False]
    assert [(line.text, line.partial) for line in lines if line.stream is Stream.STDERR] == [("end", False)]
