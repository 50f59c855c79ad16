"""A project on Podman's compatible socket: what differs there is made equal, what cannot be is refused by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from boathook.clock import SystemClock
from boathook.compose.engine import EnginePlace
from boathook.compose.options import DownOptions, RemoveOptions, UpOptions
from boathook.compose.place import Health, Status
from boathook.errors import ManifestError, OperationFailed, UnsupportedHere
from boathook.home import Home
from boathook.runtimes.base import Exit
from boathook.runtimes.docker.endpoint import Endpoint
from tests.compose.engine.build import PODMAN, OnEngine
from tests.compose.engine.test_interoperation import HOOKED, told

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.runtime,
    pytest.mark.root,
    pytest.mark.parametrize("site", [PODMAN], indirect=True),
]

CHECKED = """
services:
  db:
    image: IMAGE
    command: [sh, -c, "sleep 2; touch /ready; sleep 1000"]
    stop_signal: SIGKILL
    healthcheck: {test: test -e /ready, interval: 200ms, retries: 1, start_period: 1m}
  app: {image: IMAGE, command: sleep 1000, stop_signal: SIGKILL, depends_on: {db: {condition: service_healthy}}}
"""
SHARED = """
services:
  db: {image: IMAGE, command: "sleep 1000", stop_signal: SIGKILL}
  app: {image: IMAGE, command: "sleep 1000", stop_signal: SIGKILL, network_mode: "service:db"}
"""


async def test_a_project_lives_through_its_hooks(place: EnginePlace, site: OnEngine) -> None:
    (site.directory / "told").mkdir()
    worker = site.worker(place, site.write(HOOKED))

    await worker.up()
    running = [(one.name, one.status, one.number) for one in await worker.members()]
    await worker.up()
    await worker.stop()
    stopped = [(one.name, one.status, one.exit) for one in await worker.members()]
    removed = await worker.down(DownOptions(volumes=True))

    assert sorted(running) == [("shop-app-1", Status.RUNNING, 1), ("shop-db-1", Status.RUNNING, 1)]
    assert sorted(stopped, key=lambda one: one[0]) == [
        ("shop-app-1", Status.EXITED, Exit(code=0, signal=None)),
        ("shop-db-1", Status.EXITED, Exit(code=0, signal=None)),
    ]
    assert removed
    assert told(site) == ["post", "pre"]
    assert site.containers() == []


@pytest.mark.behaviour("compose:4")
async def test_who_waits_for_health_has_the_checks_run(place: EnginePlace, site: OnEngine) -> None:
    worker = site.worker(place, site.write(CHECKED))

    await worker.up()
    found = {one.service: one for one in await worker.members()}

    assert found["db"].health is Health.HEALTHY
    assert found["app"].status is Status.RUNNING


async def test_one_that_is_not_healthy_is_told(place: EnginePlace, site: OnEngine) -> None:
    worker = site.worker(place, site.write(CHECKED.replace("test -e /ready", "'false'").replace("1m", "0s")))

    with pytest.raises(OperationFailed, match="dependency failed to start: container shop-db-1 is unhealthy"):
        await worker.up()
    found = {one.service: one for one in await worker.members()}

    assert found["app"].status is Status.CREATED


async def test_health_that_a_later_command_waits_for_is_checked_then(
    home: Home, place: EnginePlace, site: OnEngine
) -> None:
    project = site.write(CHECKED)
    async with EnginePlace(home, offline=True) as other:
        await site.worker(other, project).up(UpOptions(services=("db",)))

    await site.worker(place, project).up(UpOptions(services=("db",), wait=True))
    (member,) = await place.members("shop")

    assert member.health is Health.HEALTHY


@asynccontextmanager
async def narrowed(engine: str, path: Path) -> AsyncIterator[str]:
    """A way to Podman that lets nothing of its own API through."""
    tasks: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(1 << 16):
                if b"/libpod/" in chunk.partition(b"\r\n")[0]:
                    back.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                else:
                    writer.write(chunk)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_unix_connection(engine.removeprefix("unix://"))
        tasks.add(asyncio.create_task(pass_on(reader, onward, writer)))
        tasks.add(asyncio.create_task(pass_on(there, writer, onward)))

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield f"unix://{path}"
    finally:
        server.close()
        if tasks:
            await asyncio.wait(tasks)


@pytest.mark.parametrize("waits", ["depends_on", "--wait"])
async def test_where_nobody_can_run_checks_waiting_for_health_is_refused(
    home: Home, site: OnEngine, tmp_path: Path, waits: str
) -> None:
    project = site.write(CHECKED)
    async with (
        narrowed(site.engine.address, tmp_path / "narrow") as address,
        EnginePlace(home, offline=True, endpoint=Endpoint(address=address, found_by="the test")) as place,
    ):
        worker = site.worker(place, project)
        if waits == "depends_on":
            with pytest.raises(ManifestError, match="this engine lets nobody run a healthcheck") as refused:
                await worker.up()
            assert refused.value.problems[0].source.path == "services.app.depends_on.db"
            assert site.containers() == []
        else:
            with pytest.raises(UnsupportedHere, match="this engine lets nobody run a healthcheck"):
                await worker.up(UpOptions(services=("db",), wait=True))


async def test_one_whose_network_others_are_in_is_not_replaced_and_nothing_is_touched(
    place: EnginePlace, site: OnEngine
) -> None:
    await site.worker(place, site.write(SHARED)).up()
    worker = site.worker(place, site.write(SHARED.replace("1000", "1001", 1)))

    with pytest.raises(UnsupportedHere, match="container shop-db-1 is to be recreated, and Podman") as refused:
        await worker.up()
    standing = {one.service: one.status for one in await worker.members()}
    with pytest.raises(UnsupportedHere, match="Podman removes no container whose namespaces"):
        await worker.remove(RemoveOptions(services=("db",), stop=True))
    await worker.remove(RemoveOptions(services=("app",), stop=True))
    await worker.up()
    found = {one.service: (one.status, one.command) for one in await worker.members()}
    await worker.down()

    assert refused.value.hint == "boathook compose rm -s -f app, and then the same again"
    assert standing == {"db": Status.RUNNING, "app": Status.RUNNING}
    assert found == {"db": (Status.RUNNING, ("sleep", "1001")), "app": (Status.RUNNING, ("sleep", "1000"))}


async def test_a_link_by_another_name_is_refused_before_anything_is_made(place: EnginePlace, site: OnEngine) -> None:
    base = "image: IMAGE, command: 'true'"
    project = site.write(f"services: {{db: {{{base}}}, app: {{{base}, links: [db, 'db:data']}}}}")

    with pytest.raises(ManifestError, match='Podman knows no links, so that "db" is not found as "data"'):
        await site.worker(place, project).up()

    assert site.containers() == []


async def test_a_link_by_a_services_own_name_needs_nothing(place: EnginePlace, site: OnEngine) -> None:
    base = "image: IMAGE, command: 'true'"
    worker = site.worker(place, site.write(f"services: {{db: {{{base}}}, app: {{{base}, links: [db]}}}}"))

    await worker.up(UpOptions(start=False))
    before = await worker.members()
    await worker.up(UpOptions(start=False))

    assert site.containers() == ["shop-app-1", "shop-db-1"]
    assert {one.id for one in await worker.members()} == {one.id for one in before}


async def test_a_signal_is_called_by_its_name(place: EnginePlace, site: OnEngine) -> None:
    base = "image: IMAGE, command: 'true'"
    file = f"services: {{app: {{{base}, stop_signal: KILL}}, db: {{{base}}}}}"
    worker = site.worker(place, site.write(file))

    await worker.up(UpOptions(start=False))
    found = {one.service: one.stop_signal for one in await place.members("shop")}

    assert found == {"app": "SIGKILL", "db": "SIGTERM"}


async def test_what_happens_is_told_in_the_words_of_every_engine(place: EnginePlace, site: OnEngine) -> None:
    worker = site.worker(place, site.write("services: {app: {image: IMAGE, command: 'true'}}"))
    began = SystemClock().now()
    await worker.up()
    (member,) = await worker.members()
    await place.wait(member.id)
    await worker.down()

    events = [one async for one in place.events("shop", since=began, until=SystemClock().now())]

    told = [one.action for one in events if one.action in ("create", "start", "die", "died", "destroy", "remove")]
    assert told == ["create", "start", "die", "destroy"]


async def test_a_wait_outlasts_the_restarts_of_a_policy(place: EnginePlace, site: OnEngine) -> None:
    file = (
        "services: {app: {image: IMAGE, restart: on-failure:2, command: [sh, -c, 'echo x >> /n; sleep 0.3; exit 3']}}"
    )
    worker = site.worker(place, site.write(file))
    await worker.up()
    (member,) = await worker.members()

    ended = await place.wait(member.id)
    found = site.inspect("shop-app-1")[0]

    assert ended == Exit(code=3, signal=None)
    assert found["RestartCount"] == 2
