"""An engine that goes away in the middle: what is said, and that the same command converges once it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest

from boathook.compose.engine import EnginePlace
from boathook.errors import BoathookError, NotFound, PlaceError
from boathook.home import Home
from boathook.runtimes.docker.endpoint import Endpoint
from tests.compose.engine.build import OnEngine, create, prepared

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

TWO = """
services:
  db: {image: IMAGE, command: sleep 1000, stop_signal: SIGKILL}
  app: {image: IMAGE, command: sleep 1000, stop_signal: SIGKILL, depends_on: [db]}
"""


class Cable:
    """A way to the engine that can be cut."""

    def __init__(self, engine: str, path: Path) -> None:
        self._engine = engine.removeprefix("unix://")
        self.path = path
        self._ends: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def plug_in(self) -> None:
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        self.path.unlink(missing_ok=True)
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)
        there, back = await asyncio.open_unix_connection(self._engine)
        self._ends.append(back)
        if writer.transport.is_closing():
            # It was cut meanwhile.
            back.transport.abort()
        for one, other in ((reader, back), (there, writer)):
            task = asyncio.create_task(_pass_on(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(1 << 16):
            writer.write(chunk)
            await writer.drain()
    writer.close()


@asynccontextmanager
async def cabled(home: Home, site: OnEngine, tmp_path: Path) -> AsyncIterator[tuple[Cable, EnginePlace]]:
    cable = Cable(site.engine.address, tmp_path / "cable")
    await cable.plug_in()
    endpoint = Endpoint(address=f"unix://{cable.path}", found_by="the test")
    async with EnginePlace(home, offline=True, endpoint=endpoint) as place:
        yield cable, place
    await cable.cut()


async def test_an_engine_that_goes_away_is_told_with_a_remedy(home: Home, site: OnEngine, tmp_path: Path) -> None:
    async with cabled(home, site, tmp_path) as (cable, place):
        ready = await prepared(place, site.write(TWO), site.events())
        member = await create(place, site.write(TWO), ready["db"])
        await place.start(member.id)
        caught: list[BoathookError] = []

        async def wait() -> None:
            try:
                await place.wait(member.id)
            except BoathookError as error:
                caught.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            await cable.cut()
        with pytest.raises(PlaceError) as later:
            await place.members("shop")
        await cable.plug_in()

    reasons = [str(one).rpartition(": ")[2] for one in (*caught, later.value)]
    assert reasons[0] in ("the connection broke off", "No such file or directory")
    assert reasons[1] == "No such file or directory"
    assert all(one.hint and "start it" in one.hint for one in (*caught, later.value))


async def test_what_an_interrupted_up_left_is_taken_up_by_the_next(home: Home, site: OnEngine, tmp_path: Path) -> None:
    project = site.write(TWO)
    async with cabled(home, site, tmp_path) as (cable, place):
        worker = site.worker(place, project)

        async def cut_when_db_runs() -> None:
            while "shop-db-1" not in site.engine.docker("ps", "--format", "{{.Names}}"):  # noqa: ASYNC110
                await anyio.sleep(0.01)
            await cable.cut()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cut_when_db_runs)
            with suppress(PlaceError):
                await worker.up()
        await cable.plug_in()

        before = {one.name: one.id for one in await worker.members()}
        await worker.up()
        after = {one.name: (one.id, one.running) for one in await worker.members()}

    assert set(before) <= {"shop-db-1", "shop-app-1"}
    assert after == {name: (before.get(name, after[name][0]), True) for name in ("shop-db-1", "shop-app-1")}


async def test_a_container_that_somebody_removed_in_between_is_not_found(
    home: Home, site: OnEngine, tmp_path: Path
) -> None:
    async with cabled(home, site, tmp_path) as (_, place):
        project = site.write(TWO)
        ready = await prepared(place, project, site.events())
        member = await create(place, project, ready["db"])
        site.engine.docker("rm", "-f", member.name)

        with pytest.raises(NotFound):
            await place.start(member.id)
        await place.remove(member.id)
        await site.worker(place, project).up()

        assert {one.name for one in await place.members("shop") if one.running} == {"shop-app-1", "shop-db-1"}
