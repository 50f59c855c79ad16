"""What every place that runs containers must do, whatever runs them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import anyio
import pytest

from boathook.errors import Conflict, CouldNotStart, NotFound, NotRunning, UnsupportedHere
from boathook.home import Home
from boathook.runtimes.base import (
    ContainerId,
    ContainerRuntime,
    ContainerState,
    ExecSpec,
    NetworkMode,
    PullPolicy,
    SandboxSpec,
    Tmpfs,
    stop,
)
from boathook.runtimes.registry import RUNTIMES
from tests.peers.docker import IMAGE
from tests.runtimes.build import IDLE, OneImage, Place, a_place, an_image, ignored

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]


@dataclass
class Told:
    """Signals that ``stop`` said it sent."""

    names: list[str]

    def __call__(self, name: str, left: timedelta | None) -> None:
        self.names.append(name)


@pytest.fixture(params=sorted((*RUNTIMES, "podman")))
async def place(request: pytest.FixtureRequest, home: Home) -> AsyncIterator[Place]:
    kind = request.param
    if kind in ("docker", "podman"):
        request.getfixturevalue(f"{kind}_engine")
        kind = "docker"
    runtime: ContainerRuntime = RUNTIMES[kind](home, OneImage(an_image(home)))
    async with runtime:
        image = await runtime.resolve_image(IMAGE, PullPolicy.NEVER)
        sandbox = await runtime.create_sandbox(
            SandboxSpec(name="pod", hostname="pod", network=NetworkMode.POD, labels={})
        )
        yield Place(runtime, image, sandbox)


async def test_a_container_is_created_then_running_then_exited(place: Place) -> None:
    container = await place.runtime.create(place.spec(IDLE))
    states = [(await place.runtime.inspect(container)).state]
    await place.runtime.start(container)
    states.append((await place.runtime.inspect(container)).state)
    await place.runtime.signal(container, "SIGKILL")
    await place.runtime.wait(container)
    states.append((await place.runtime.inspect(container)).state)

    assert states == [ContainerState.CREATED, ContainerState.RUNNING, ContainerState.EXITED]


async def test_inspect_gives_back_the_specification(place: Place) -> None:
    spec = place.spec(IDLE, labels={"app": "db"}, environment=(("A", "1"),), stop_signal="SIGINT")
    container = await place.runtime.create(spec)

    assert (await place.runtime.inspect(container)).spec == spec


async def test_sigkill_ends_a_container_with_137(place: Place) -> None:
    container = await place.started()

    await place.runtime.signal(container, "SIGKILL")
    ended = await place.runtime.wait(container)

    assert (ended.code, ended.signal) == (137, 9)
    assert await place.runtime.wait(container) == ended


async def test_stop_sends_the_stop_signal_and_waits(place: Place) -> None:
    container = await place.ready() if place.runtime.name != "simulated" else await place.started()
    told = Told([])

    await stop(place.runtime, container, signal="SIGTERM", grace=timedelta(seconds=20), signalled=told)

    assert told.names == ["SIGTERM"]
    assert (await place.runtime.inspect(container)).state is ContainerState.EXITED


async def test_an_exec_ends_with_its_exit(place: Place) -> None:
    container = await place.started()

    ended, _, _ = await place.run(container, "true")

    assert ended.ok


async def test_nothing_can_be_done_in_a_container_that_has_ended(place: Place) -> None:
    container = await place.started()
    await place.runtime.signal(container, "SIGKILL")
    await place.runtime.wait(container)

    with pytest.raises(NotRunning):
        await place.runtime.exec(container, ExecSpec(command=("true",)), ignored)
    with pytest.raises(NotRunning):
        await place.runtime.signal(container, "SIGTERM")


async def test_a_removed_container_is_not_found(place: Place) -> None:
    container = await place.started()

    await place.runtime.remove(container)
    await place.runtime.remove(container)

    with pytest.raises(NotFound):
        await place.runtime.inspect(container)
    assert await place.runtime.list({}) == ()


async def test_containers_are_listed_by_all_labels_given_oldest_first(place: Place) -> None:
    first = await place.runtime.create(place.spec(labels={"app": "db", "tier": "1"}))
    second = await place.runtime.create(place.spec(labels={"app": "db", "tier": "2"}))
    await place.runtime.create(place.spec(labels={"app": "web"}))

    assert [each.id for each in await place.runtime.list({"app": "db"})] == [first, second]
    assert [each.id for each in await place.runtime.list({"app": "db", "tier": "2"})] == [second]


async def test_a_volume_is_made_once_and_keeps_its_labels(place: Place) -> None:
    made = await place.runtime.create_volume("data", {"project": "shop"}, mode=0o755)
    again = await place.runtime.create_volume("data", {"project": "other"}, mode=0o700)

    assert (made.fresh, again.fresh) == (True, False)
    assert again.labels == {"project": "shop"}
    assert [each.name for each in await place.runtime.list_volumes({"project": "shop"})] == ["data"]
    await place.runtime.remove_volume("data")
    await place.runtime.remove_volume("data")
    assert await place.runtime.list_volumes({}) == ()


async def test_what_happens_to_a_container_is_told_in_order(place: Place) -> None:
    if place.runtime.name == "simulated":
        pytest.skip("the simulation subscribes when its events are first asked for")
    events = place.runtime.events()
    container = await place.started()
    await place.runtime.signal(container, "SIGKILL")
    await place.runtime.wait(container)
    await place.runtime.remove(container)

    told = [(await anext(events)).what for _ in range(4)]

    assert told == ["created", "started", "exited", "removed"]


async def test_a_container_that_has_ended_starts_again_and_ends_again(place: Place) -> None:
    container = await place.started()
    with pytest.raises(Conflict):
        await place.runtime.start(container)
    first = (await place.runtime.inspect(container)).started
    await place.runtime.signal(container, "SIGKILL")
    await place.runtime.wait(container)

    await place.runtime.start(container)

    seen = await place.runtime.inspect(container)
    assert (seen.state, seen.exit, seen.finished) == (ContainerState.RUNNING, None, None)
    assert first is not None
    assert seen.started is not None
    assert seen.started >= first
    ended, _, _ = await place.run(container, "true")
    assert ended.ok
    await place.runtime.signal(container, "SIGKILL")
    assert (await place.runtime.wait(container)).code == 137


async def test_what_waits_for_one_life_is_told_of_its_end_although_another_begins(place: Place) -> None:
    container = await place.started()
    ends: list[int | None] = []

    async def wait() -> None:
        ends.append((await place.runtime.wait(container)).code)

    async with anyio.create_task_group() as waiting:
        waiting.start_soon(wait)
        await anyio.lowlevel.checkpoint()
        await place.runtime.signal(container, "SIGKILL")
        await place.runtime.wait(container)
        await place.runtime.start(container)

    assert ends == [137]


async def test_a_root_and_a_log_go_on_over_two_lives(place: Place) -> None:
    if place.runtime.name in ("simulated", "local/process"):
        pytest.skip("there is no root of its own")
    container = await place.ready("echo begins; cat /kept; echo kept > /kept; sleep 60")
    async for line in place.runtime.logs(container, follow=True):
        if "begins" in line.text:
            break
    await _until_kept(place, container)
    await place.runtime.signal(container, "SIGKILL")
    await place.runtime.wait(container)

    await place.runtime.start(container)

    seen: list[str] = []
    async for line in place.runtime.logs(container, follow=True):
        seen.append(line.text)
        if line.text == "kept":
            break
    assert [text for text in seen if "No such file" not in text] == ["begins", "begins", "kept"]


async def _until_kept(place: Place, container: ContainerId) -> None:
    ended, _, said = await place.run(container, "sh", "-c", "until test -s /kept; do sleep 0.01; done")
    assert ended.ok, said


async def test_what_is_paused_cannot_be_entered_until_it_goes_on(place: Place) -> None:
    container = await place.started()
    if place.runtime.name == "local/process":
        with pytest.raises(UnsupportedHere):
            await place.runtime.pause(container)
        return
    await place.runtime.pause(container)

    seen = await place.runtime.inspect(container)
    assert (seen.state, seen.paused) == (ContainerState.RUNNING, True)
    with pytest.raises(NotRunning, match="is paused"):
        await place.runtime.exec(container, ExecSpec(command=("true",)), ignored)

    await place.runtime.unpause(container)
    assert not (await place.runtime.inspect(container)).paused
    ended, _, _ = await place.run(container, "true")
    assert ended.ok


async def test_what_is_found_dead_is_seen_as_ended(place: Place) -> None:
    container = await place.started()
    await place.runtime.signal(container, "SIGKILL")

    async def runs_on() -> None:
        for _ in range(100):
            await place.run(container, "true")

    with pytest.raises(NotRunning):
        await runs_on()

    assert (await place.runtime.inspect(container)).state is ContainerState.EXITED


async def test_a_container_that_has_ended_cannot_be_paused(place: Place) -> None:
    container = await place.started()
    await place.runtime.signal(container, "SIGKILL")
    await place.runtime.wait(container)

    with pytest.raises((NotRunning, UnsupportedHere)):
        await place.runtime.pause(container)
    with pytest.raises(NotRunning):
        await place.runtime.unpause(container)


async def test_notes_and_names_are_seen_with_a_container(place: Place) -> None:
    container = await place.started()

    await place.runtime.note(container, {"health": "starting", "watched": "yes"})
    await place.runtime.note(container, {"health": "healthy", "watched": ""})
    await place.runtime.rename(container, "other")

    seen = await place.runtime.inspect(container)
    assert (seen.notes, seen.spec.name) == ({"health": "healthy"}, "other")


async def test_a_tmpfs_is_empty_at_each_start(place: Place) -> None:
    if place.runtime.name in ("simulated", "local/process"):
        pytest.skip("nothing is mounted")
    container = await place.started(tmpfs=(Tmpfs(target="/scratch", size=1 << 20, mode=0o700),))
    ended, said, _ = await place.run(container, "sh", "-c", "stat -c %a /scratch; df -k /scratch; echo x > /scratch/x")
    assert ended.ok
    assert said.startswith("700\n")
    assert " 1024 " in said
    await place.runtime.signal(container, "SIGKILL")
    await place.runtime.wait(container)

    await place.runtime.start(container)

    ended, said, _ = await place.run(container, "ls", "/scratch")
    assert (ended.ok, said) == (True, "")


def _skip_without_init(place: Place, kind: str) -> None:
    if place.runtime.name in ("simulated", "local/process"):
        pytest.skip("there is no process namespace")
    if kind.startswith("podman"):
        pytest.skip("its init program is a package of its own")


async def test_a_main_process_below_an_init_is_asked_to_end_as_any_other(
    place: Place, request: pytest.FixtureRequest
) -> None:
    _skip_without_init(place, request.node.callspec.id)
    # Without an init, SIGTERM does nothing to a first process that does not catch it.
    container = await place.started("exec sleep 60", init=True)
    until = "until grep -q sleep /proc/[0-9]*/comm; do :; done"
    ended, said, _ = await place.run(container, "sh", "-c", until)
    assert ended.ok, said

    await place.runtime.signal(container, "SIGTERM")

    assert (await place.runtime.wait(container)).code == 143


async def test_a_program_below_an_init_ends_with_its_own_code(place: Place, request: pytest.FixtureRequest) -> None:
    _skip_without_init(place, request.node.callspec.id)
    container = await place.started("(sleep 0.01 &) ; exit 7", init=True)
    assert (await place.runtime.wait(container)).code == 7


async def test_a_program_that_is_missing_below_an_init_is_said(home: Home) -> None:
    async with a_place(home) as here:
        missing = await here.runtime.create(here.spec(command=("/nope",), init=True))
        with pytest.raises(CouldNotStart, match="nope"):
            await here.runtime.start(missing)
