"""Helpers of pre_start: containers beside the one that they are for, never members, kept only when they fail."""

from __future__ import annotations

import anyio
import pytest

from boathook.clock import run_virtual
from boathook.compose import model
from boathook.compose.embedded.hook_container import Helper
from boathook.home import Home
from boathook.model import RunContainer, Stream
from tests.compose.embedded.build import Living, real, simulated, takes

TEXT = """
services:
  app:
    image: skeleton
    command: [sh, -c, 'cat /data/made; sleep 60']
    user: "0:0"
    working_dir: /tmp
    environment: {FROM: service, B: service}
    volumes: [data:/data]
    pre_start:
      - command: [sh, -c, 'echo "$$FROM $$B $$PWD"; echo by-helper > /data/made']
        environment: {B: hook}
      - command: [sh, -c, 'echo failing; exit 17']
      - command: [sh, -c, 'sleep 60']
volumes: {data: }
"""


async def helper(demo: Living, number: int, written: bytearray) -> Helper:
    """The hook of that number as a helper, begun; the service's container is created first where it is not."""

    def keep(stream: Stream, chunk: bytes) -> None:
        written.extend(chunk)

    members = {one.service: one for one in await demo.place.members("demo")}
    member = members["app"] if members else await demo.create("app")
    handler = demo.ready["app"].service.pre_start[number].handler
    assert isinstance(handler, RunContainer)
    ready = demo.ready["app"]
    return await demo.place.run_helper(demo.project, ready, member, handler, keep, label="pre_start:app-1")


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("compose:60", "compose:63")
async def test_a_helper_sees_the_volumes_of_its_service_and_is_gone_afterwards(home: Home) -> None:
    written = bytearray()
    async with real(home, TEXT) as demo:
        begun = await helper(demo, 0, written)
        assert (await begun.wait()).ok
        assert (await begun.wait()).ok
        (member,) = await demo.place.members("demo")
        await demo.start(member)
        await demo.logged(member.id, "by-helper")
        left = await demo.place.runtime.list({model.HOOK_LABEL: "pre_start"})

    assert written.decode() == "service hook /tmp\n"
    assert left == ()


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("compose:61")
async def test_a_helper_that_fails_is_kept_and_is_no_member(home: Home) -> None:
    written = bytearray()
    async with real(home, TEXT) as demo:
        begun = await helper(demo, 1, written)
        assert (await begun.wait()).code == 17
        kept = await demo.place.runtime.list({model.HOOK_LABEL: "pre_start"})
        members = await demo.place.members("demo")

        assert [one.id[:12] for one in kept] == [begun.helper_id]
        assert [one.service for one in members] == ["app"]
        assert await demo.place.remove_helpers("demo", ["other"]) == 0
        assert await demo.place.remove_helpers("demo", ["app"]) == 1
        assert await demo.place.runtime.list({model.HOOK_LABEL: "pre_start"}) == ()

    assert written.decode() == "failing\n"


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("compose:66")
async def test_a_helper_that_is_killed_leaves_nothing(home: Home) -> None:
    async with real(home, TEXT) as demo:
        begun = await helper(demo, 2, bytearray())
        with anyio.move_on_after(0.05):
            await begun.wait()
        await begun.kill()

        assert await demo.place.runtime.list({model.HOOK_LABEL: "pre_start"}) == ()
        assert (await begun.wait()).code != 0


def test_a_simulated_helper_takes_as_long_as_was_assumed_of_its_hook() -> None:
    async def run() -> tuple[float, int | None]:
        async with simulated(TEXT, takes("pre_start", "app", 4, exit_code=9)) as demo:
            begun = await helper(demo, 0, bytearray())
            ended = await begun.wait()
            return anyio.current_time(), ended.code

    assert run_virtual(run) == (4, 9)


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("compose:64", "compose:65")
async def test_a_helper_has_the_memory_mounts_of_its_service_and_finds_others_by_name(home: Home) -> None:
    text = """
services:
  app:
    image: skeleton
    command: [sleep, '60']
    volumes: [{type: tmpfs, target: /scratch}]
    pre_start: [{command: [sh, -c, 'stat -fc %T /scratch; getent hosts db demo-db-1']}]
  db: {image: skeleton, command: [sleep, '60']}
"""
    written = bytearray()
    async with real(home, text) as demo:
        await demo.prepared()
        await demo.create("app")
        await demo.started("db")
        begun = await helper(demo, 0, written)
        assert (await begun.wait()).ok

    assert written.decode().split() == ["tmpfs", "127.0.0.1", "db", "127.0.0.1", "demo-db-1"]
