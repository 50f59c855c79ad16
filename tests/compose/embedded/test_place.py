"""The embedded place over real containers: made, started again, stopped, renamed, found by their names."""

from __future__ import annotations

import pytest

from boathook.compose.place import Member, Status
from boathook.errors import Conflict, NotFound, NotRunning
from boathook.home import Home
from boathook.runtimes.base import Exit, NetworkMode
from boathook.runtimes.spawner import stat
from tests.compose.embedded.build import Living, real

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

ONE = """
services:
  app:
    image: skeleton
    command: [sh, -c, 'trap "exit 3" TERM; echo up; while :; do sleep 60 & wait $$!; done']
"""


async def test_a_member_is_created_then_running_then_exited(home: Home) -> None:
    async with real(home, ONE) as demo:
        member = await demo.create("app")
        seen = [member.status]
        await demo.start(member)
        await demo.logged(member.id, "up")
        seen.append((await demo.place.inspect(member.id)).status)
        ended = await demo.stop(member)
        (left,) = await demo.place.members("demo")

    assert [*seen, left.status] == [Status.CREATED, Status.RUNNING, Status.EXITED]
    assert ended == left.exit == Exit(code=3, signal=None)
    assert (left.name, left.service, left.number, left.oneoff) == ("demo-app-1", "app", 1, False)


async def test_a_container_starts_again_with_its_root_and_its_log(home: Home) -> None:
    async with real(home, ONE) as demo:
        member = await demo.started("app")
        await demo.logged(member.id, "up")
        await demo.says(member.id, "sh", "-c", "echo kept > /note")
        await demo.stop(member)
        await demo.start(member)
        await demo.logged(member.id, "up", times=2)

        assert await demo.says(member.id, "cat", "/note") == "kept"
        assert await demo.log(member.id) == ["up", "up"]


async def test_what_is_removed_is_not_found_and_its_network_can_go(home: Home) -> None:
    async with real(home, ONE) as demo:
        member = await demo.started("app")
        assert await demo.place.remove_networks(demo.project, demo.events) == 1
        assert "Resource is still in use" in demo.warnings[-1]

        await demo.place.remove(member.id)
        await demo.place.remove(member.id)
        with pytest.raises(NotFound):
            await demo.place.inspect(member.id)
        assert await demo.place.remove_networks(demo.project, demo.events) == 1
        assert await demo.place.remove_networks(demo.project, demo.events) == 0
        assert list(home.containers.iterdir()) == []


async def test_services_and_replicas_know_each_other_by_name(home: Home) -> None:
    text = "services: {app: {image: a, command: [sleep, '60'], networks: {default: {aliases: [api]}}}}"
    async with real(home, text) as demo:
        member = await demo.started("app")
        for name in ("app", "api", "demo-app-1"):
            assert "127.0.0.1" in await demo.says(member.id, "getent", "hosts", name)
        ended, _ = await demo.run(member.id, "getent", "hosts", "demo-app-2")
        assert not ended.ok

        await demo.started("app", 2)
        assert "127.0.0.1" in await demo.says(member.id, "getent", "hosts", "demo-app-2")


async def test_each_container_has_a_host_name_of_its_own(home: Home) -> None:
    text = (
        "services: {app: {image: a, command: [sleep, '60']}, named: {image: a, command: [sleep, '60'], hostname: box}}"
    )
    async with real(home, text) as demo:
        app, named = await demo.started("app"), await demo.started("named")

        assert await demo.says(app.id, "hostname") == "demo-app-1"
        assert await demo.says(named.id, "sh", "-c", 'hostname; echo "$HOSTNAME"; cat /etc/hostname') == "box\nbox\nbox"


async def test_a_name_is_given_once_and_can_be_changed(home: Home) -> None:
    async with real(home, ONE) as demo:
        member = await demo.started("app")
        with pytest.raises(Conflict):
            await demo.create("app")

        await demo.place.rename(member.id, "other")
        assert (await demo.place.inspect(member.id)).name == "other"
        assert "127.0.0.1" in await demo.says(member.id, "getent", "hosts", "other")
        await demo.create("app")


async def test_what_is_paused_stands_still_until_it_goes_on(home: Home) -> None:
    script = "while :; do echo tick; sleep 0.01; done"
    text = f"services: {{app: {{image: a, command: [sh, -c, '{script}']}}}}"
    async with real(home, text) as demo:
        member = await demo.started("app")
        await demo.logged(member.id, "tick")
        await demo.place.pause(member.id)
        assert (await demo.place.inspect(member.id)).status is Status.PAUSED
        # Stopped, ended and not looked at yet, or in vfork for a child that is stopped: nothing that moves.
        assert {stat.fields(pid)[0] for pid in await pids(demo, member)} <= {"T", "Z", "D"}
        with pytest.raises(NotRunning, match="is paused"):
            await demo.run(member.id, "true")

        await demo.place.unpause(member.id)
        assert (await demo.place.inspect(member.id)).status is Status.RUNNING
        await demo.logged(member.id, "tick", times=len(await demo.log(member.id)) + 3)


async def pids(demo: Living, member: Member) -> list[int]:
    _, rows = await demo.place.top(member.id)
    return [int(row[1]) for row in rows]


async def test_what_is_paused_can_be_stopped(home: Home) -> None:
    async with real(home, ONE) as demo:
        member = await demo.started("app")
        await demo.logged(member.id, "up")
        await demo.place.pause(member.id)

        assert (await demo.stop(await demo.place.inspect(member.id))).code == 3


async def test_a_project_that_runs_is_not_begun_in_another_network(home: Home) -> None:
    async with real(home, ONE) as demo:
        member = await demo.create("app")
        elsewhere = demo.place.on(NetworkMode.HOST)
        with pytest.raises(Conflict, match="--network pod"):
            await elsewhere.create_networks(demo.project, demo.project.services, demo.events)

        await demo.place.remove(member.id)
        await elsewhere.create_networks(demo.project, demo.project.services, demo.events)
        await elsewhere.remove_networks(demo.project, demo.events)
        assert list(home.containers.iterdir()) == []


async def test_what_starts_processes_all_the_time_can_be_paused(home: Home) -> None:
    """A parent that waits in vfork for a child that stands cannot be stopped, and does not move either."""
    text = "services: {app: {image: a, command: [sh, -c, 'while :; do /bin/true; done']}}"
    async with real(home, text) as demo:
        member = await demo.started("app")
        for _ in range(20):
            await demo.place.pause(member.id)
            await demo.place.unpause(member.id)
        assert (await demo.place.inspect(member.id)).running
