"""What flows to and from containers of an engine: input, terminals, logs, files, what happens."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from datetime import timedelta

import anyio
import pytest

from boathook.clock import SystemClock
from boathook.compose.engine import EnginePlace
from boathook.compose.place import Member
from boathook.errors import NotFound, NotRunning
from boathook.model import Stream
from boathook.runtimes.base import ExecSpec, HasTerminal
from tests.compose.engine.build import EVERY_ENGINE, OnEngine, create, prepared

pytestmark = [pytest.mark.anyio, pytest.mark.runtime, pytest.mark.root]

SECONDS = 30
IDLE = "sleep 1000"


async def a_container(site: OnEngine, place: EnginePlace, more: str = f"command: {IDLE}") -> Member:
    project = site.write(f"services: {{app: {{image: IMAGE, {more}}}}}")
    ready = await prepared(place, project, site.events())
    return await create(place, project, ready["app"])


async def a_running_container(site: OnEngine, place: EnginePlace, more: str = f"command: {IDLE}") -> Member:
    member = await a_container(site, place, more)
    await place.start(member.id)
    return member


class Heard:
    """What was written, by stream, and a way to wait for it."""

    def __init__(self) -> None:
        self.bytes = {Stream.STDOUT: b"", Stream.STDERR: b""}
        self._more = anyio.Event()

    def __call__(self, stream: Stream, chunk: bytes) -> None:
        self.bytes[stream] += chunk
        self._more.set()
        self._more = anyio.Event()

    @property
    def text(self) -> str:
        return self.bytes[Stream.STDOUT].decode()

    async def until(self, wanted: Callable[[str], bool]) -> None:
        with anyio.fail_after(SECONDS):
            while not wanted(self.text):
                await self._more.wait()


@EVERY_ENGINE
async def test_a_program_reads_what_it_is_given_to_its_end(site: OnEngine, place: EnginePlace) -> None:
    member, heard = await a_running_container(site, place), Heard()
    read, write = os.pipe()
    spec = ExecSpec(command=("sh", "-c", "wc -c; echo err >&2"), stdin=read)

    execution = await place.exec(member.id, spec, heard)
    os.close(read)  # Its owner may: it is the engine's side that goes on reading.
    with anyio.fail_after(SECONDS):
        for _ in range(20):
            await anyio.to_thread.run_sync(os.write, write, b"x" * 50_000)
        os.close(write)
        ended = await execution.wait()

    assert (ended.code, heard.text, heard.bytes[Stream.STDERR]) == (0, "1000000\n", b"err\n")


@EVERY_ENGINE
async def test_a_program_that_reads_nothing_ends_although_its_input_does_not(
    site: OnEngine, place: EnginePlace
) -> None:
    member = await a_running_container(site, place)
    read, write = os.pipe()

    with anyio.fail_after(SECONDS):
        execution = await place.exec(member.id, ExecSpec(command=("sh", "-c", "exit 3"), stdin=read), Heard())
        assert (await execution.wait()).code == 3
    for descriptor in (read, write):
        os.close(descriptor)


@EVERY_ENGINE
async def test_a_program_with_a_terminal_has_its_size_and_writes_one_stream(site: OnEngine, place: EnginePlace) -> None:
    member, heard = await a_running_container(site, place), Heard()
    read, write = os.pipe()
    command = ("sh", "-c", "echo err >&2; read line; stty size; tty; exit 5")

    execution = await place.exec(member.id, ExecSpec(command=command, stdin=read, tty=True), heard)
    assert isinstance(execution, HasTerminal)
    await heard.until(lambda text: "err" in text)
    await execution.resize(33, 77)
    os.write(write, b"go\n")
    with anyio.fail_after(SECONDS):
        ended = await execution.wait()

    assert ended.code == 5
    assert "33 77\r\n/dev/pts/" in heard.text
    for descriptor in (read, write):
        os.close(descriptor)


@EVERY_ENGINE
async def test_a_detached_program_goes_on_by_itself(site: OnEngine, place: EnginePlace) -> None:
    member = await a_running_container(site, place)

    await place.exec_detached(member.id, ExecSpec(command=("sh", "-c", "sleep 0.3; echo done > /proc/1/fd/1")))

    with anyio.fail_after(SECONDS):
        async for line in place.logs(member.id, follow=True):
            assert line.text == "done"
            return


@EVERY_ENGINE
async def test_what_is_attached_before_the_start_misses_nothing(site: OnEngine, place: EnginePlace) -> None:
    member = await a_container(
        site, place, "stdin_open: true, command: [sh, -c, 'echo first; read x; echo got $$x; exit 4']"
    )
    heard = Heard()
    read, write = os.pipe()

    attached = await place.attach(member.id, heard, stdin=read, tty=False)
    await place.start(member.id)
    await heard.until(lambda text: "first" in text)
    os.write(write, b"it\n")
    with anyio.fail_after(SECONDS):
        ended = await attached.wait()
    await attached.close()

    assert (ended.code, heard.text) == (4, "first\ngot it\n")
    for descriptor in (read, write):
        os.close(descriptor)


@EVERY_ENGINE
async def test_leaving_a_container_does_not_end_it(site: OnEngine, place: EnginePlace) -> None:
    member = await a_container(site, place)

    attached = await place.attach(member.id, Heard(), stdin=None, tty=False)
    await place.start(member.id)
    await attached.close()

    assert (await place.inspect(member.id)).running


@EVERY_ENGINE
async def test_a_terminal_of_the_container_itself_has_its_size(site: OnEngine, place: EnginePlace) -> None:
    member = await a_container(site, place, "tty: true, stdin_open: true, command: [sh, -c, 'read x; stty size']")
    heard = Heard()
    read, write = os.pipe()

    attached = await place.attach(member.id, heard, stdin=read, tty=True)
    await place.start(member.id)
    await attached.resize(12, 34)
    os.write(write, b"go\n")
    with anyio.fail_after(SECONDS):
        await attached.wait()
    await attached.close()

    assert "12 34" in heard.text
    # Its log has no frames.
    assert [line.text.rstrip("\r") async for line in place.logs(member.id)] == ["go", "12 34"]
    for descriptor in (read, write):
        os.close(descriptor)


LINES = "command: [sh, -c, 'echo one; echo two >&2; sleep 0.2; echo three; printf last']"


async def test_a_log_can_be_had_from_its_end_and_between_moments(site: OnEngine, place: EnginePlace) -> None:
    member = await a_running_container(site, place, LINES)
    with anyio.fail_after(SECONDS):
        await place.wait(member.id)

    lines = [line async for line in place.logs(member.id)]
    three = next(line.time for line in lines if line.text == "three")

    assert sorted(line.text for line in lines) == ["last", "one", "three", "two"]
    assert [line.text async for line in place.logs(member.id, tail=1)] == ["last"]
    assert [line.text async for line in place.logs(member.id, since=three)] == ["three", "last"]
    before = [line.text async for line in place.logs(member.id, until=three - timedelta(milliseconds=50))]
    assert sorted(before) == ["one", "two"]


@EVERY_ENGINE
async def test_a_log_is_followed_from_before_the_start_until_the_end(site: OnEngine, place: EnginePlace) -> None:
    member = await a_container(site, place, LINES)
    texts: list[str] = []

    async def follow() -> None:
        texts.extend([line.text async for line in place.logs(member.id, follow=True)])

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow)
            await anyio.wait_all_tasks_blocked()
            await place.start(member.id)

    assert sorted(texts) == ["last", "one", "three", "two"]


@EVERY_ENGINE
async def test_a_log_is_followed_over_the_restarts_of_a_policy(site: OnEngine, place: EnginePlace) -> None:
    member = await a_container(site, place, "restart: on-failure:2, command: [sh, -c, 'echo began; sleep 0.2; exit 3']")
    texts: list[str] = []

    async def follow() -> None:
        texts.extend([line.text async for line in place.logs(member.id, follow=True)])

    with anyio.fail_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow)
            await anyio.wait_all_tasks_blocked()
            await place.start(member.id)

    assert texts == ["began"] * 3


@EVERY_ENGINE
async def test_files_go_in_and_come_out(site: OnEngine, place: EnginePlace) -> None:
    member = await a_running_container(site, place)
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo("f")
        entry.size, entry.mode = 4, 0o640
        tar.addfile(entry, io.BytesIO(b"text"))
        link = tarfile.TarInfo("l")
        link.type, link.linkname = tarfile.SYMTYPE, "f"
        tar.addfile(link)
    archive.seek(0)

    await place.copy_in(member.id, "/tmp", archive)
    found, link_found = await place.stat_path(member.id, "/tmp/f"), await place.stat_path(member.id, "/tmp/l")
    out = io.BytesIO()
    await place.copy_out(member.id, "/tmp/f", out)
    out.seek(0)

    assert (found.name, oct(found.mode), found.size) == ("f", "0o100640", 4)
    assert (link_found.link_target, oct(link_found.mode)[:5]) == ("/tmp/f", "0o120")
    with tarfile.open(fileobj=out) as tar:
        assert tar.extractfile("f").read() == b"text"  # type: ignore[union-attr]
    with pytest.raises(NotFound):
        await place.stat_path(member.id, "/nope")
    with pytest.raises(NotFound):
        await place.copy_out(member.id, "/nope", io.BytesIO())


@EVERY_ENGINE
async def test_processes_are_told_of_what_runs(site: OnEngine, place: EnginePlace) -> None:
    member = await a_container(site, place)

    with pytest.raises(NotRunning):
        await place.top(member.id)
    await place.start(member.id)
    titles, rows = await place.top(member.id)

    assert rows[0][titles.index("CMD")] == IDLE


async def test_what_happens_is_told_from_a_moment_to_a_moment(site: OnEngine, place: EnginePlace) -> None:
    begin = SystemClock().now() - timedelta(seconds=1)
    member = await a_running_container(site, place)
    await place.stop(member, grace=timedelta(0), signal="", signalled=lambda signal, left: None)
    end = SystemClock().now()

    with anyio.fail_after(SECONDS):
        found = [event async for event in place.events("shop", since=begin, until=end)]

    actions = [event.action for event in found if event.container == member.id]
    assert [one for one in actions if one in ("create", "start", "die", "stop")] == ["create", "start", "die", "stop"]
    assert {event.service for event in found} == {"app"}


@EVERY_ENGINE
async def test_volumes_and_images_are_told(site: OnEngine, place: EnginePlace) -> None:
    project = site.write(
        "services: {app: {image: IMAGE, command: 'true', volumes: ['data:/d']}}\nvolumes: {data: {}}\n"
    )
    ready = await prepared(place, project, site.events())
    member = await create(place, project, ready["app"])

    (volume,) = await place.volumes("shop")
    facts = await place.image_facts(member)

    assert (volume.name, volume.driver) == ("shop_data", "local")
    assert (facts.id, facts.platform) == (member.image_id, "linux/amd64")
    assert facts.size > 0
