"""What other processes see of a project: its members with their health, and those whose owner has died."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from boathook.compose.place import Health, Member, Status
from boathook.home import Home
from boathook.model import Stream
from tests.compose.embedded.build import Living, a_project, real

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

TEXT = """
services:
  app:
    image: skeleton
    command: [sh, -c, 'echo up; sleep 60']
    expose: [80]
    healthcheck: {test: 'true', interval: 50ms}
  restless: {image: skeleton, command: [sh, -c, 'exit 5'], restart: always}
  asked: {image: skeleton, command: [sh, -c, 'sleep 60'], volumes: ['data:/data', /anonymous]}
volumes: {data: }
"""


@contextmanager
def an_owner(home: Home) -> Iterator[subprocess.Popen[str]]:
    """Another process, in which all services run; it ends with its standard input."""
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src"), *sys.path])}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.compose.embedded.owner", str(home.path)],
        env=environment,
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


async def by_service(demo: Living) -> dict[str, Member]:
    return {one.service: one for one in await demo.place.members("demo")}


async def test_another_process_sees_health_and_restarts(home: Home) -> None:
    with an_owner(home):
        async with real(home, a_project(TEXT, home.path)) as demo:
            seen = await by_service(demo)

            assert seen["app"].health is Health.HEALTHY
            assert [(one.target, one.published) for one in seen["app"].ports] == [(80, 0)]
            assert seen["restless"].status in (Status.RESTARTING, Status.RUNNING)
            assert seen["asked"].running
            assert await demo.log(seen["app"].id) == ["up"]
            assert await demo.says(seen["app"].id, "cat", "/etc/hostname") == "demo-app-1"
            assert set(await demo.place.projects()) == {"demo"}
            with anyio.move_on_after(0.3) as waited:
                await demo.place.wait(seen["restless"].id)
            assert waited.cancelled_caught, "its policy starts it again"


async def test_members_of_a_dead_owner_are_seen_as_such_and_can_be_removed(home: Home) -> None:
    with an_owner(home) as owner:
        owner.kill()
        owner.wait()
        async with real(home, a_project(TEXT, home.path)) as demo:
            seen = await by_service(demo)

            assert {one.owner_alive for one in seen.values()} == {False}
            assert {one.status for one in seen.values()} == {Status.EXITED}
            assert not any(one.running or one.stoppable for one in seen.values())
            replacing = await demo.create("app", name="instead", replaces=seen["app"])
            for member in seen.values():
                await demo.place.remove(member.id)
            assert [one.name for one in await demo.place.volumes("demo")] == ["demo_data"]
            await demo.place.remove(replacing.id)
            await demo.place.remove_networks(demo.project, demo.events)
    assert list(home.containers.iterdir()) == []


async def test_an_attached_container_is_shown_from_its_beginning_to_its_end(home: Home) -> None:
    written = bytearray()

    def keep(stream: Stream, chunk: bytes) -> None:
        written.extend(chunk)

    async with real(home, a_project(TEXT, home.path)) as demo:
        member = await demo.create("restless")
        streams = await demo.place.attach(member.id, keep, stdin=None, tty=False)
        with anyio.move_on_after(1):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(streams.wait)
                await demo.start(member)
                await anyio.sleep_forever()
        app = await demo.create("app")
        streams = await demo.place.attach(app.id, keep, stdin=None, tty=False)
        await demo.start(app)
        await demo.logged(app.id, "up")
        await demo.place.signal(app.id, "SIGKILL")
        assert (await streams.wait()).code == 137

    assert written == b"up\n"
