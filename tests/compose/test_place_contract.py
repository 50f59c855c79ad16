"""What every place of projects does alike: the embedded one with real containers, Docker's and Podman's engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from boathook.compose import labels
from boathook.compose.model import Project
from boathook.compose.options import ImageWishes
from boathook.compose.place import Making, Member, ProjectPlace, Ready, Status
from boathook.compose.reading.files import load_project
from boathook.errors import Conflict, CouldNotStart, NotFound, NotRunning
from boathook.events import EventStream
from boathook.home import Home
from boathook.model import RunContainer, Stream
from boathook.runtimes.base import ExecSpec, Exit
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from tests.compose.embedded.build import OneImage, a_root, living
from tests.compose.engine.build import DOCKER, PODMAN, OnEngine, a_place
from tests.peers.docker import IMAGE, TestEngine

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

EMBEDDED = "embedded"
GRACE = timedelta(seconds=20)

FILE = f"""
name: shop
services:
  app:
    image: {IMAGE}
    command: [sh, -c, 'trap "exit 3" TERM; echo up; while :; do sleep 0.05; done']
    environment: {{A: service}}
    volumes: ["data:/vol"]
  once: {{image: {IMAGE}, command: [sh, -c, "echo out; echo err >&2; exit 7"]}}
volumes: {{data: }}
"""


@dataclass(slots=True)
class Site:
    """A project in one of the places."""

    place: ProjectPlace
    project: Project
    events: EventStream
    ready: dict[str, Ready]

    async def create(self, service: str, number: int = 1, name: str = "") -> Member:
        ready = self.ready[service]
        making = Making(
            name=name or labels.container_name(self.project, ready.service, number),
            number=number,
            labels=labels.container_labels(self.project, ready.service, image_id=ready.image_id, number=number),
        )
        return await self.place.create(self.project, ready, making)

    async def started(self, service: str = "app") -> Member:
        member = await self.create(service)
        await self.place.start(member.id, self.ready[service].service)
        return await self.place.inspect(member.id)

    async def says(self, member: Member, *command: str) -> tuple[Exit, str, str]:
        heard = {Stream.STDOUT: b"", Stream.STDERR: b""}

        def hear(stream: Stream, chunk: bytes) -> None:
            heard[stream] += chunk

        execution = await self.place.exec(member.id, ExecSpec(command=command), hear)
        return await execution.wait(), heard[Stream.STDOUT].decode(), heard[Stream.STDERR].decode()

    async def stop(self, member: Member) -> Exit:
        return await self.place.stop(member, grace=GRACE, signal="SIGTERM", signalled=lambda signal, left: None)


@pytest.fixture(
    params=[EMBEDDED, pytest.param(DOCKER, marks=pytest.mark.root), pytest.param(PODMAN, marks=pytest.mark.root)]
)
async def site(request: pytest.FixtureRequest, home: Home, tmp_path: Path) -> AsyncIterator[Site]:
    directory = tmp_path / "project"
    directory.mkdir()
    file = directory / "compose.yaml"
    file.write_text(FILE)
    project = load_project(file, name=None, environment={}).project
    opened = (
        _embedded(home, project)
        if request.param == EMBEDDED
        else _on_engine(home, directory, request.getfixturevalue(request.param))
    )
    async with opened as place:
        events = EventStream()
        ready = await place.prepare(project, project.services, ImageWishes(), events)
        await place.create_networks(project, project.services, events)
        await place.create_volumes(project, ready, events)
        yield Site(place, project, events, dict(ready))


@asynccontextmanager
async def _embedded(home: Home, project: Project) -> AsyncIterator[ProjectPlace]:
    async with BubblewrapRuntime(home, images=OneImage(a_root(home))) as runtime, living(project, runtime) as one:
        yield one.place


@asynccontextmanager
async def _on_engine(home: Home, directory: Path, engine: TestEngine) -> AsyncIterator[ProjectPlace]:
    made = OnEngine(directory, engine)
    try:
        async with a_place(home) as place:
            yield place
    finally:
        made.clear()


async def test_a_member_goes_through_its_states_and_is_listed_in_each(site: Site) -> None:
    member = await site.create("app")
    seen = [member.status]
    await site.place.start(member.id, site.ready["app"].service)
    seen += [one.status for one in await site.place.members("shop")]
    ended = await site.stop(member)
    (left,) = await site.place.members("shop")

    assert [*seen, left.status] == [Status.CREATED, Status.RUNNING, Status.EXITED]
    assert ended == left.exit == Exit(code=3, signal=None)
    assert (left.name, left.service, left.number, left.oneoff) == ("shop-app-1", "app", 1, False)
    assert left.labels["com.docker.compose.project"] == "shop"
    assert left.config_hash == site.project.service("app").config_hash
    assert left.mounts == ("shop_data",)
    assert left.started is not None
    assert left.finished is not None


async def test_what_has_ended_starts_again_with_its_root_and_its_volumes(site: Site) -> None:
    member = await site.started()
    await site.says(member, "sh", "-c", "echo root > /note; echo volume > /vol/note")
    await site.stop(member)

    await site.place.start(member.id, site.ready["app"].service)

    assert await site.says(member, "cat", "/note", "/vol/note") == (Exit(code=0, signal=None), "root\nvolume\n", "")


async def test_an_exec_has_its_streams_apart_and_the_services_environment(site: Site) -> None:
    member = await site.started()

    ended, stdout, stderr = await site.says(member, "sh", "-c", "echo $A; echo error >&2; exit 9")

    assert (ended.code, stdout, stderr) == (9, "service\n", "error\n")
    with pytest.raises(CouldNotStart):
        await site.says(member, "/nope")


async def test_what_does_not_run_is_neither_entered_nor_signalled(site: Site) -> None:
    member = await site.started()
    await site.stop(member)

    with pytest.raises(NotRunning):
        await site.says(member, "true")
    with pytest.raises(NotRunning):
        await site.place.signal(member.id, "SIGTERM")


async def test_an_end_is_waited_for_and_its_log_is_kept(site: Site) -> None:
    member = await site.create("once")
    ends: list[Exit] = []

    async def wait() -> None:
        ends.append(await site.place.wait(member.id))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        await site.place.start(member.id, site.ready["once"].service)

    assert ends == [Exit(code=7, signal=None)]
    lines = [(line.stream, line.text) async for line in site.place.logs(member.id)]
    assert sorted(lines) == [(Stream.STDERR, "err"), (Stream.STDOUT, "out")]


async def test_a_paused_container_is_stopped_all_the_same(site: Site) -> None:
    member = await site.started()

    await site.place.pause(member.id)
    paused = await site.place.inspect(member.id)
    await site.place.unpause(member.id)
    running = await site.place.inspect(member.id)

    assert (paused.status, running.status) == (Status.PAUSED, Status.RUNNING)
    assert not paused.running
    assert paused.stoppable


async def test_a_restart_keeps_the_container_and_begins_anew(site: Site) -> None:
    member = await site.started()

    await site.place.restart(member, grace=GRACE, signal="SIGTERM", signalled=lambda signal, left: None)

    again = await site.place.inspect(member.id)
    assert again.running
    assert again.started != member.started


async def test_a_name_is_given_once_and_can_be_changed(site: Site) -> None:
    member = await site.create("app", name="0123_shop-app-1")
    with pytest.raises(Conflict):
        await site.create("app", name="0123_shop-app-1")

    await site.place.rename(member.id, "shop-app-1")

    assert [one.name for one in await site.place.members("shop")] == ["shop-app-1"]


async def test_what_is_removed_is_gone_and_removing_it_again_is_nothing(site: Site) -> None:
    member = await site.started()

    await site.place.remove(member.id)
    await site.place.remove(member.id)

    assert await site.place.members("shop") == ()
    with pytest.raises(NotFound):
        await site.place.inspect(member.id)


async def test_a_difference_is_seen_by_the_config_hash(site: Site) -> None:
    member = await site.create("app")
    changed = load_project(_changed(Path(site.project.directory)), name=None, environment={}).project
    ready = await site.place.prepare(changed, changed.services, ImageWishes(), site.events)

    same = await site.place.difference(member, site.project, site.ready["app"])
    other = await site.place.difference(member, changed, ready["app"])

    assert same is None
    assert other


def _changed(directory: Path) -> Path:
    file = directory / "compose.yaml"
    file.write_text(FILE.replace("A: service", "A: changed"))
    return file


async def test_a_helper_shares_the_volumes_of_the_container_that_waits_for_it(site: Site) -> None:
    member = await site.create("app")
    heard: list[bytes] = []

    def hook(script: str) -> RunContainer:
        return RunContainer(
            image=None, command=("sh", "-c", script), user=None, privileged=False, working_dir=None, environment=()
        )

    async def run(script: str) -> Exit:
        execution = await site.place.run_helper(
            site.project,
            site.ready["app"],
            member,
            hook(script),
            lambda stream, chunk: heard.append(chunk),
            label="pre_start:app",
        )
        return await execution.wait()

    good, bad = await run("echo $A > /vol/made; echo said"), await run("exit 5")
    listed = [one.id for one in await site.place.members("shop")]
    kept = await site.place.remove_helpers("shop", ["app"])
    await site.place.start(member.id, site.ready["app"].service)

    assert (good.code, bad.code) == (0, 5)
    assert b"".join(heard) == b"said\n"
    assert listed == [member.id]
    assert kept == 1
    assert (await site.says(member, "cat", "/vol/made"))[1] == "service\n"


async def test_volumes_stay_until_somebody_asks_for_their_removal(site: Site) -> None:
    member = await site.started()
    await site.says(member, "sh", "-c", "echo kept > /vol/note")
    await site.place.remove(member.id)

    again = await site.started()
    kept = await site.says(again, "cat", "/vol/note")
    await site.place.remove(again.id)
    removed = await site.place.remove_volumes(site.project, site.events)
    await site.place.create_volumes(site.project, site.ready, site.events)
    fresh = await site.started()

    assert kept[1] == "kept\n"
    assert removed == 1
    assert (await site.says(fresh, "sh", "-c", "ls /vol | wc -l"))[1].strip() == "0"
