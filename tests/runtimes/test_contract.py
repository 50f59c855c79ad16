"""What every place that runs containers must do, whatever runs them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from boathook.errors import NotFound, NotRunning
from boathook.home import Home
from boathook.runtimes.base import (
    ContainerRuntime,
    ContainerState,
    ExecSpec,
    NetworkMode,
    PullPolicy,
    SandboxSpec,
    stop,
)
from boathook.runtimes.registry import RUNTIMES
from tests.peers.docker import IMAGE
from tests.runtimes.build import IDLE, OneImage, Place, an_image, ignored

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
