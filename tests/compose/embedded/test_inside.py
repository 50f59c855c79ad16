"""Files copied in and out, and processes listed, also of containers that do not run."""

from __future__ import annotations

import io
import stat
import tarfile

import pytest

from boathook.errors import NotFound, NotRunning, PlaceError
from boathook.home import Home
from tests.compose.embedded.build import Living, real

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

TEXT = """
services:
  app:
    image: a
    user: "0:0"
    command: [sh, -c, 'sleep 60']
    volumes: ['data:/data']
volumes: {data: }
"""


def an_archive(name: str, text: bytes, *, uid: int = 0) -> io.BytesIO:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size, member.uid, member.gid, member.mode = len(text), uid, uid, 0o640
        archive.addfile(member, io.BytesIO(text))
    written.seek(0)
    return written


async def copied(demo: Living, container: str, path: str) -> dict[str, bytes]:
    """Regular files by name, directories as nothing."""
    into = io.BytesIO()
    await demo.place.copy_out(container, path, into)  # type: ignore[arg-type]
    into.seek(0)
    with tarfile.open(fileobj=into) as archive:
        return {one.name: (archive.extractfile(one) or io.BytesIO()).read() if one.isreg() else b"" for one in archive}


async def test_a_directory_is_copied_out_by_its_last_name(home: Home) -> None:
    async with real(home, TEXT) as demo:
        member = await demo.started("app")

        assert await copied(demo, member.id, "/data") == {"data": b"", "data/app.db": b"rows\n", "data/inner": b""}
        assert await copied(demo, member.id, "/data/app.db") == {"app.db": b"rows\n"}


async def test_files_are_copied_in_and_out_of_a_container_that_does_not_run(home: Home) -> None:
    async with real(home, TEXT) as demo:
        member = await demo.create("app")
        await demo.place.copy_in(member.id, "/root", an_archive("note", b"hello"))
        assert await copied(demo, member.id, "/root/note") == {"note": b"hello"}
        assert await copied(demo, member.id, "/data/app.db") == {"app.db": b"rows\n"}

        await demo.start(member)
        assert await demo.says(member.id, "cat", "/root/note") == "hello"


@pytest.mark.root
async def test_what_is_copied_in_belongs_to_whom_the_archive_says_or_to_the_containers_user(home: Home) -> None:
    async with real(home, TEXT.replace('"0:0"', '"1001:1001"')) as demo:
        member = await demo.started("app")
        await demo.place.copy_in(member.id, "/tmp", an_archive("theirs", b"x", uid=7))
        await demo.place.copy_in(member.id, "/tmp", an_archive("mine", b"x", uid=7), to_user=True)

        assert await demo.says(member.id, "stat", "-c", "%u:%g %a", "/tmp/theirs") == "7:7 640"
        assert await demo.says(member.id, "stat", "-c", "%u:%g %a", "/tmp/mine") == "1001:1001 640"


async def test_links_lead_where_they_lead_in_the_container(home: Home) -> None:
    async with real(home, TEXT) as demo:
        member = await demo.started("app")
        await demo.says(member.id, "sh", "-c", "ln -s /etc /data/link; ln -s /nowhere /data/broken")

        assert "link/passwd" not in await copied(demo, member.id, "/data/link")
        found = await demo.place.stat_path(member.id, "/data/link")
        assert (found.name, stat.S_ISLNK(found.mode), found.link_target) == ("link", True, "/etc")
        passwd = (await copied(demo, member.id, "/data/link/passwd"))["passwd"]
        assert passwd.startswith(b"root:x:0:0:root:/root:/bin/sh\napp:")
        with pytest.raises(NotFound):
            await demo.place.copy_in(member.id, "/data/broken", an_archive("x", b""))


async def test_what_is_not_there_is_said(home: Home) -> None:
    async with real(home, TEXT) as demo:
        member = await demo.started("app")
        with pytest.raises(NotFound, match="could not find the file /nope in container demo-app-1"):
            await demo.place.stat_path(member.id, "/nope")
        with pytest.raises(NotFound):
            await demo.place.copy_out(member.id, "/nope", io.BytesIO())
        with pytest.raises(NotFound):
            await demo.place.copy_in(member.id, "/data/app.db", an_archive("x", b"x"))
        with pytest.raises(PlaceError):
            await demo.place.copy_in(member.id, "/data", io.BytesIO(b"no archive"))


async def test_the_processes_of_a_container_are_listed(home: Home) -> None:
    async with real(home, TEXT) as demo:
        member = await demo.started("app")
        titles, rows = await demo.place.top(member.id)
        assert titles[-1] == "CMD"
        assert any("sleep 60" in row[-1] for row in rows)
        await demo.place.remove(member.id)
        created = await demo.create("app")
        with pytest.raises(NotRunning):
            await demo.place.top(created.id)
