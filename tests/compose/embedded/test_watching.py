"""Health and restart policies in virtual time: when a container is healthy, and when it is started again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import anyio
import pytest

from boathook.clock import VIRTUAL_EPOCH, run_virtual
from boathook.compose.embedded.specification import health_of
from boathook.compose.place import Health, PlaceEvent, Status
from boathook.images.model import ImageConfig, ImageHealthcheck
from boathook.runtimes.assumptions import Assumption
from tests.compose.embedded.build import Living, a_project, simulated, takes

Act = Callable[[Living], Awaitable[object]]


def live(text: str, act: Act, *assume: Assumption) -> list[str]:
    """What happened while ``act`` lasted: one line an event of the place."""
    return run_virtual(_live, text, act, assume)


async def _live(text: str, act: Act, assume: tuple[Assumption, ...]) -> list[str]:
    happened: list[PlaceEvent] = []
    async with simulated(text, *assume) as demo, anyio.create_task_group() as tasks:

        async def listen() -> None:
            async for event in demo.place.events("demo"):
                happened.append(event)

        tasks.start_soon(listen)
        await anyio.lowlevel.checkpoint()
        await act(demo)
        tasks.cancel_scope.cancel()
    return [f"{(one.at - VIRTUAL_EPOCH).total_seconds():g}s {one.name} {one.action}" for one in happened]


def policy(name: str) -> str:
    return f"services: {{app: {{image: a, restart: '{name}'}}}}"


def up_for(seconds: float) -> Act:
    async def act(demo: Living) -> None:
        await demo.started("app")
        await anyio.sleep(seconds)

    return act


def starts(lines: list[str]) -> list[float]:
    return [float(line.split("s ")[0]) for line in lines if line.endswith(" start")]


@pytest.mark.behaviour("compose:44")
def test_always_starts_again_after_100_ms_doubled_each_time() -> None:
    assert starts(live(policy("always"), up_for(3.2), takes("run", "app", 0, exit_code=0))) == [
        pytest.approx(one) for one in (0, 0.1, 0.3, 0.7, 1.5, 3.1)
    ]


def test_the_delay_grows_to_a_minute() -> None:
    begun = starts(live(policy("always"), up_for(300), takes("run", "app", 0)))

    assert begun[-1] - begun[-2] == pytest.approx(60)


def test_ten_seconds_of_running_begin_the_delays_again() -> None:
    assert starts(live(policy("always"), up_for(21), takes("run", "app", 10))) == [
        pytest.approx(one) for one in (0, 10.1, 20.2)
    ]


def test_on_failure_starts_again_what_has_failed_and_no_more_often_than_said() -> None:
    failing = takes("run", "app", 0, exit_code=1)

    assert len(starts(live(policy("on-failure:3"), up_for(60), failing))) == 1 + 3
    assert len(starts(live(policy("on-failure"), up_for(60), takes("run", "app", 0)))) == 1


def test_without_a_policy_nothing_is_started_again() -> None:
    assert len(starts(live(policy("no"), up_for(60), takes("run", "app", 0, exit_code=1)))) == 1


@pytest.mark.parametrize("name", ["always", "unless-stopped"])
def test_what_is_stopped_by_command_stays_so(name: str) -> None:
    seen: list[Status] = []

    async def act(demo: Living) -> None:
        member = await demo.started("app")
        await demo.stop(member)
        await anyio.sleep(60)
        seen.append((await demo.place.inspect(member.id)).status)

    assert len(starts(live(policy(name), act))) == 1
    assert seen == [Status.EXITED]


def test_a_stop_between_two_lives_ends_the_restarts() -> None:
    seen: list[Status] = []

    async def act(demo: Living) -> None:
        member = await demo.started("app")
        await anyio.sleep(0.2)
        member = await demo.place.inspect(member.id)
        seen.append(member.status)
        await demo.stop(member)
        seen.append((await demo.place.inspect(member.id)).status)
        await anyio.sleep(60)

    assert len(starts(live(policy("always"), act, takes("run", "app", 0)))) == 2
    assert seen == [Status.RESTARTING, Status.EXITED]


def test_a_wait_ends_only_when_nobody_starts_it_again() -> None:
    waited: list[float] = []

    async def act(demo: Living) -> None:
        member = await demo.started("app")
        ended = await demo.place.wait(member.id)
        assert ended.code == 1
        waited.append(anyio.current_time())

    live(policy("on-failure:2"), act, takes("run", "app", 1, exit_code=1))

    assert waited == [pytest.approx(1 + 0.1 + 1 + 0.2 + 1)]


def test_a_log_is_followed_over_all_lives() -> None:
    ended: list[float] = []

    async def act(demo: Living) -> None:
        member = await demo.started("app")
        lines = [line.text async for line in demo.place.logs(member.id, follow=True)]
        assert lines == ["hello"] * 3
        ended.append(anyio.current_time())

    hello = Assumption(point="run", name="app", duration=timedelta(seconds=1), exit_code=1, output="hello\n")
    live(policy("on-failure:2"), act, hello)

    assert ended == [pytest.approx(3.3, abs=0.1)]


CHECKED = """
services:
  app:
    image: a
    healthcheck: {{test: [CMD, probe], interval: 2s, timeout: 1s, retries: 2, start_period: {period}}}
"""


def health(lines: list[str]) -> list[str]:
    return [line.replace(" demo-app-1 health_status:", "") for line in lines if "health_status" in line]


@pytest.mark.behaviour("compose:4")
def test_a_container_is_healthy_after_its_first_good_probe() -> None:
    seen: list[Health | None] = []

    async def act(demo: Living) -> None:
        member = await demo.started("app")
        seen.append(member.health)
        await anyio.sleep(2.1)
        seen.append((await demo.place.inspect(member.id)).health)

    assert health(live(CHECKED.format(period="0s"), act)) == ["2s healthy"]
    assert seen == [Health.STARTING, Health.HEALTHY]


def test_bad_probes_make_it_unhealthy_after_so_many_retries() -> None:
    failing = takes("healthcheck", "app", 0.5, exit_code=1)

    # The interval counts from the end of the last probe.
    assert health(live(CHECKED.format(period="0s"), up_for(20), failing)) == ["5s unhealthy"]


def test_a_probe_is_killed_at_its_timeout() -> None:
    hanging = takes("healthcheck", "app", 60)

    assert health(live(CHECKED.format(period="0s"), up_for(20), hanging)) == ["6s unhealthy"]


def test_failures_within_the_start_period_do_not_count() -> None:
    failing = takes("healthcheck", "app", 0, exit_code=1)
    text = CHECKED.replace("retries: 2", "retries: 2, start_interval: 1s").format(period="10s")

    assert health(live(text, up_for(30), failing)) == ["12s unhealthy"]


def test_a_container_that_is_started_again_begins_as_starting() -> None:
    seen: list[Health | None] = []

    async def act(demo: Living) -> None:
        member = await demo.started("app")
        await anyio.sleep(3)
        await demo.place.restart(member, grace=None, signal="SIGTERM", signalled=lambda signal, left: None)
        seen.append((await demo.place.inspect(member.id)).health)

    assert health(live(CHECKED.format(period="0s"), act)) == ["2s healthy"]
    assert seen == [Health.STARTING]


def test_what_is_removed_while_it_would_be_started_again_is_watched_no_longer() -> None:
    async def act(demo: Living) -> None:
        member = await demo.started("app")
        await anyio.sleep(0.25)
        await demo.place.remove(member.id)
        await anyio.sleep(60)
        assert await demo.place.members("demo") == ()

    lines = live(policy("always"), act, takes("run", "app", 0))

    assert len(starts(lines)) == 2
    assert lines[-1].endswith("destroy")


def test_what_somebody_else_removes_ends_its_watch_without_harm() -> None:
    async def act(demo: Living) -> None:
        member = await demo.started("app")
        await demo.place.runtime.remove(member.id)
        await anyio.sleep(60)
        again = await demo.started("app")
        assert again.running

    assert len(starts(live(policy("always"), act))) == 2


def test_the_checks_of_an_image_are_those_of_its_services() -> None:
    service = a_project("services: {app: {image: a, healthcheck: {interval: 7s}}}").services[0]
    of_image = ImageHealthcheck(test=("CMD", "probe"), interval=timedelta(seconds=1), retries=9)

    check = health_of(service, ImageConfig(healthcheck=of_image))

    assert check is not None
    assert (check.test, check.interval, check.retries) == (("CMD", "probe"), timedelta(seconds=7), 9)
    assert check.timeout == timedelta(seconds=30)
    assert health_of(service, ImageConfig()) is None
    off = a_project("services: {app: {image: a, healthcheck: {disable: true}}}").services[0]
    assert health_of(off, ImageConfig(healthcheck=of_image)) is None
