"""Hooks in real containers of the embedded runtime: how they end, and that nothing of them is left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest

from boathook.clock import SystemClock
from boathook.events import EventStream, HookOutput, Stamped
from boathook.home import Home
from boathook.hooks import ContainerExec, Deadline, run_hook, run_owed_hook
from boathook.journal import Context, MemoryObligations
from boathook.model import HookResult, Outcome
from boathook.runtimes.base import (
    ContainerId,
    ContainerSpec,
    Image,
    ImageConfig,
    Mount,
    NetworkMode,
    PullPolicy,
    SandboxId,
    SandboxSpec,
)
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from tests.hooks.build import TARGET, a_hook, an_exec, kill_after

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

SANDBOX = SandboxSpec(name="hooks", hostname="hooks", network=NetworkMode.POD, labels={})
MARK = "boathook-test-{}"


@dataclass(frozen=True, slots=True)
class HostImages:
    """Every image is the host's own system over an empty root."""

    layer: Path

    async def resolve(self, reference: str, policy: PullPolicy) -> Image:
        return Image(
            reference=reference,
            origin="stand-in",
            stand_in=True,
            layers=(self.layer,),
            host_system=True,
            config=ImageConfig(),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A running container, and what is needed to run hooks in it."""

    runtime: BubblewrapRuntime
    sandbox: SandboxId
    container: ContainerId

    async def run(
        self, *command: str, deadline: Deadline | None = None, wrote: anyio.Event | None = None
    ) -> HookResult:
        """Run a hook; ``wrote`` is set when it has written its first line."""
        against = ContainerExec(self.runtime, self.container)
        events = EventStream()

        def listener(stamped: Stamped) -> None:
            if wrote is not None and isinstance(stamped.event, HookOutput):
                wrote.set()

        with events.listening(listener):
            hook = a_hook(an_exec(*command))
            return await run_hook(hook, TARGET, against, deadline=deadline, events=events, clock=SystemClock())


def a_container(image: Image, sandbox: SandboxId, *, mounts: tuple[Mount, ...] = ()) -> ContainerSpec:
    return ContainerSpec(
        name="app",
        labels={},
        sandbox=sandbox,
        image=image,
        command=(),
        environment=(("PATH", "/usr/bin:/bin"),),
        working_dir="/",
        user="0:0",
        mounts=mounts,
    )


@asynccontextmanager
async def a_place(home: Home) -> AsyncIterator[Place]:
    layer = home.path / "layer"
    (layer / "tmp").mkdir(parents=True)
    async with BubblewrapRuntime(home, images=HostImages(layer)) as runtime:
        sandbox = await runtime.create_sandbox(SANDBOX)
        image = await runtime.resolve_image("host", PullPolicy.NEVER)
        container = await runtime.create(a_container(image, sandbox))
        await runtime.start(container)
        yield Place(runtime, sandbox, container)


def running(word: str) -> list[str]:
    """Command lines on this machine that contain ``word``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found


async def test_a_hook_that_fails_says_how_and_keeps_its_streams_apart(home: Home) -> None:
    async with a_place(home) as place:
        result = await place.run("sh", "-c", "echo out; echo err >&2; exit 7")

    assert (result.outcome, result.exit_code, result.reason) == (Outcome.FAILED, 7, "exited with code 7")
    assert result.stdout is not None
    assert result.stderr is not None
    assert (result.stdout.text, result.stderr.text) == ("out\n", "err\n")


async def test_a_program_that_is_missing_could_not_start(home: Home) -> None:
    async with a_place(home) as place:
        result = await place.run("no-such-program")

    assert result.outcome is Outcome.COULD_NOT_START
    assert result.exit_code is None
    assert "no-such-program" in (result.reason or "")


@pytest.mark.behaviour("deps:8")
async def test_at_its_deadline_the_whole_process_group_is_ended(home: Home) -> None:
    word = MARK.format("deadline")
    async with a_place(home) as place:
        script = f"echo half way; sh -c 'sleep 61; : {word}' & sh -c 'sleep 61; : {word}'"
        result = await place.run("sh", "-c", script, deadline=kill_after(1))
        left = running(word)

    assert (result.outcome, result.exit_code, result.reason) == (Outcome.TIMED_OUT, None, "timed out after 1s")
    assert result.stdout is not None
    assert result.stdout.text == "half way\n"
    assert left == []


@pytest.mark.behaviour("deps:21")
async def test_a_cancelled_hook_leaves_no_grandchildren(home: Home) -> None:
    word = MARK.format("cancelled")
    wrote = anyio.Event()
    async with a_place(home) as place:
        async with anyio.create_task_group() as tasks:

            async def hook() -> None:
                await place.run("sh", "-c", f"sh -c 'echo; sleep 61; : {word}' & wait", wrote=wrote)

            tasks.start_soon(hook)
            await wrote.wait()
            during = running(word)
            tasks.cancel_scope.cancel()
        left = running(word)

    assert during
    assert left == []


@pytest.mark.behaviour("deps:9")
async def test_a_hook_whose_container_is_killed_ends_with_it(home: Home) -> None:
    async with a_place(home) as place, anyio.create_task_group() as tasks:
        results: list[HookResult] = []
        wrote = anyio.Event()

        async def hook() -> None:
            results.append(await place.run("sh", "-c", "echo; sleep 61", wrote=wrote))

        tasks.start_soon(hook)
        await wrote.wait()
        await place.runtime.signal(place.container, "SIGKILL")
        await place.runtime.wait(place.container)

    assert [(result.outcome, result.exit_code) for result in results] == [(Outcome.FAILED, 137)]


async def test_a_hook_in_a_container_that_has_ended_could_not_start(home: Home) -> None:
    async with a_place(home) as place:
        await place.runtime.signal(place.container, "SIGKILL")
        await place.runtime.wait(place.container)
        result = await place.run("true")

    assert result.outcome is Outcome.COULD_NOT_START
    assert result.reason == "container 'app' is not running"


async def test_a_flood_of_100_mb_is_kept_short_and_counted_whole(home: Home) -> None:
    async with a_place(home) as place:
        result = await place.run("sh", "-c", "echo first; yes | head -c 104857600; echo last")

    assert result.succeeded
    assert result.stdout is not None
    assert result.stdout.total_bytes == 104_857_600 + len("first\nlast\n")
    assert result.stdout.text.startswith("first\ny\n")
    assert result.stdout.text.endswith("y\nlast\n")
    assert len(result.stdout.text) < 70_000


async def test_output_that_is_no_text_does_no_harm(home: Home) -> None:
    async with a_place(home) as place:
        result = await place.run("printf", "a\\377\\200b")

    assert result.stdout is not None
    assert result.stdout.text == "a\ufffd\ufffdb"


async def test_an_owed_hook_finds_the_volume_of_the_container_that_is_gone(home: Home, tmp_path: Path) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    mount = Mount(source=str(volume), target="/data")
    async with a_place(home) as place:
        image = await place.runtime.resolve_image("host", PullPolicy.NEVER)
        context = Context(events=EventStream(), clock=SystemClock(), obligations=MemoryObligations(SystemClock()))

        result = await run_owed_hook(
            place.runtime,
            a_container(image, SandboxId("gone"), mounts=(mount,)),
            SANDBOX,
            a_hook(an_exec("sh", "-c", "echo thawed > /data/state")),
            TARGET,
            context,
            kill_after(20),
        )

        assert result.succeeded
        assert (volume / "state").read_text() == "thawed\n"
        assert [container.id for container in await place.runtime.list({})] == [place.container]
