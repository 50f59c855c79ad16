"""Logs of a project that are followed: over restarts, with containers that start later, until all has ended."""

from __future__ import annotations

from datetime import timedelta

import anyio
import pytest

from boathook.clock import SystemClock
from boathook.compose.engine import EnginePlace
from boathook.compose.following import LogFollower, LogWishes, Shown, merged_logs
from boathook.compose.place import Member
from boathook.runtimes.base import LogLine
from tests.compose.engine.build import EVERY_ENGINE, OnEngine, create, prepared

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.root]

SECONDS = 60
LOOP = "trap 'exit 3' TERM; echo began; while :; do sleep 0.1; done"
FILE = f'services: {{app: {{image: IMAGE, command: [sh, -c, "{LOOP}"]}}}}'


class Heard:
    """All that was shown, and a way to wait for so many lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = anyio.Event()

    def __call__(self, name: str, line: LogLine | str) -> None:
        self.lines.append(f"{name} {line if isinstance(line, str) else line.text}")
        self._more.set()
        self._more = anyio.Event()

    async def until(self, line: str, count: int = 1) -> None:
        with anyio.fail_after(SECONDS):
            while self.lines.count(line) < count:
                await self._more.wait()


async def stop(place: EnginePlace, member: Member) -> None:
    found = await place.inspect(member.id)
    await place.stop(found, grace=timedelta(seconds=5), signal="", signalled=lambda signal, left: None)


@EVERY_ENGINE
async def test_what_starts_later_is_followed_too(site: OnEngine, place: EnginePlace) -> None:
    project = site.write(FILE)
    ready = (await prepared(place, project, site.events()))["app"]
    first = await create(place, project, ready)
    await place.start(first.id)
    heard = Heard()
    follower = LogFollower(
        place=place,
        project="shop",
        services=("app",),
        wishes=LogWishes(),
        shown=Shown(line=heard, ended=heard),
        began=SystemClock().now(),
    )

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follower.run, await place.members("shop"))
            await heard.until("shop-app-1 began")
            second = await create(place, project, ready, 2)
            await place.start(second.id)
            await heard.until("shop-app-2 began")
            await stop(place, first)
            await heard.until("shop-app-1 exited with code 3")
            await place.start(first.id)
            await heard.until("shop-app-1 began", 2)
            await stop(place, first)
            await stop(place, second)

    assert sorted(heard.lines) == [
        *["shop-app-1 began"] * 2,
        *["shop-app-1 exited with code 3"] * 2,
        "shop-app-2 began",
        "shop-app-2 exited with code 3",
    ]


async def test_logs_of_several_containers_are_merged_by_time(site: OnEngine, place: EnginePlace) -> None:
    project = site.write("services: {app: {image: IMAGE, command: [sh, -c, 'echo one; sleep 0.4; echo two']}}")
    ready = (await prepared(place, project, site.events()))["app"]
    members = [await create(place, project, ready, number) for number in (1, 2)]
    for member in members:
        await place.start(member.id)
    for member in members:
        with anyio.fail_after(SECONDS):
            await place.wait(member.id)

    lines = [(name, line) async for name, line in merged_logs(place, members, LogWishes())]

    times = [line.time for _, line in lines]
    assert times == sorted(times)
    assert sorted((name, line.text) for name, line in lines) == [
        (f"shop-app-{number}", text) for number in (1, 2) for text in ("one", "two")
    ]
