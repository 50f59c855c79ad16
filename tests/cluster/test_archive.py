"""Archives of volumes: what is kept of files, and what never gets into one."""

from __future__ import annotations

import hashlib
import os
import tarfile
import threading
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from boathook.cluster import archive as archives
from boathook.cluster.archive import archive
from boathook.errors import OperationFailed

pytestmark = pytest.mark.anyio


def read(path: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path) as tar:
        return {one.name: one for one in tar}


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    path = tmp_path / "volume"
    path.mkdir()
    return path


async def test_modes_times_and_content_are_kept(volume: Path, tmp_path: Path) -> None:
    (volume / "sub").mkdir(mode=0o2750)
    (volume / "sub").chmod(0o2750)
    (volume / "sub" / "file").write_text("content")
    (volume / "sub" / "file").chmod(0o4711)
    os.utime(volume / "sub" / "file", (1, 1_000_000_000))

    copy = await archive(volume, tmp_path / "a.tar.gz")

    found = read(tmp_path / "a.tar.gz")
    assert list(found) == [".", "sub", "sub/file"]
    assert (found["sub"].mode, found["sub/file"].mode, found["sub/file"].mtime) == (0o2750, 0o4711, 1_000_000_000)
    assert (copy.files, copy.size_bytes) == (1, 7)
    assert copy.sha256 == hashlib.sha256((tmp_path / "a.tar.gz").read_bytes()).hexdigest()
    assert (tmp_path / "a.tar.gz").stat().st_mode & 0o777 == 0o600


@pytest.mark.root
async def test_owners_are_kept(volume: Path, tmp_path: Path) -> None:
    (volume / "file").touch()
    os.chown(volume / "file", 1234, 5678)

    await archive(volume, tmp_path / "a.tar.gz")

    found = read(tmp_path / "a.tar.gz")["file"]
    assert (found.uid, found.gid) == (1234, 5678)


async def test_links_stay_links_and_are_not_followed(volume: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (volume / "directory").symlink_to(outside)
    (volume / "file").symlink_to(outside / "secret")
    (volume / "dangling").symlink_to("nowhere")
    (volume / "one").write_text("1")
    (volume / "two").hardlink_to(volume / "one")

    copy = await archive(volume, tmp_path / "a.tar.gz")

    found = read(tmp_path / "a.tar.gz")
    assert sorted(found) == [".", "dangling", "directory", "file", "one", "two"]
    assert all(found[name].issym() for name in ("dangling", "directory", "file"))
    assert (found["one"].isreg(), found["two"].islnk(), found["two"].linkname) == (True, True, "one")
    assert copy.files == 1


async def test_a_directory_that_becomes_a_link_while_it_is_read_leads_nowhere(
    volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("secret")
    (volume / "sub").mkdir()
    (volume / "sub" / "file").write_text("ours")
    add = archives._add

    def swapping(tar: tarfile.TarFile, directory: str, name: str, path: str) -> int | None:
        if path == "sub/file":
            (volume / "sub").rename(tmp_path / "moved")
            (volume / "sub").symlink_to(outside)
        return add(tar, directory, name, path)

    monkeypatch.setattr(archives, "_add", swapping)

    await archive(volume, tmp_path / "a.tar.gz")

    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        content = tar.extractfile("sub/file")
        assert content is not None
        assert content.read() == b"ours"


async def test_what_is_no_file_is_kept_or_left_out_but_never_waited_for(volume: Path, tmp_path: Path) -> None:
    os.mkfifo(volume / "fifo")
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(volume / "socket"))
        await archive(volume, tmp_path / "a.tar.gz")

    found = read(tmp_path / "a.tar.gz")
    assert sorted(found) == [".", "fifo"]
    assert found["fifo"].isfifo()


async def test_a_sparse_file_has_its_whole_size_and_takes_little(volume: Path, tmp_path: Path) -> None:
    with (volume / "sparse").open("wb") as file:
        file.truncate(32 * 1024 * 1024)

    copy = await archive(volume, tmp_path / "a.tar.gz")

    assert copy.size_bytes == 32 * 1024 * 1024
    assert (tmp_path / "a.tar.gz").stat().st_size < 1024 * 1024


async def test_a_file_that_vanishes_or_shrinks_meanwhile_does_no_harm(
    volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (volume / name).write_text("content")
    add, add_file = archives._add, archives._add_file

    def vanishing(tar: tarfile.TarFile, directory: str, name: str, path: str) -> int | None:
        if name == "a":
            (volume / "a").unlink()
        return add(tar, directory, name, path)

    def shrinking(tar: tarfile.TarFile, place: str, path: str) -> int | None:
        if path == "b":
            entry = tarfile.TarFile.addfile

            def truncate(self: tarfile.TarFile, *args: object) -> None:
                os.truncate(volume / "b", 3)
                entry(self, *args)  # type: ignore[arg-type]

            monkeypatch.setattr(tarfile.TarFile, "addfile", truncate)
        return add_file(tar, place, path)

    monkeypatch.setattr(archives, "_add", vanishing)
    monkeypatch.setattr(archives, "_add_file", shrinking)

    await archive(volume, tmp_path / "a.tar.gz")

    with tarfile.open(tmp_path / "a.tar.gz") as tar:
        names = tar.getnames()
        shrunk, whole = tar.extractfile("b"), tar.extractfile("c")
        assert shrunk is not None
        assert whole is not None
        assert names == [".", "b", "c"]
        assert shrunk.read() == b"con\0\0\0\0"
        assert whole.read() == b"content"


async def test_cancelling_leaves_nothing(volume: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (volume / "big").open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    begun = threading.Event()
    add_file = archives._add_file

    def telling(tar: tarfile.TarFile, place: str, path: str) -> int | None:
        begun.set()
        return add_file(tar, place, path)

    monkeypatch.setattr(archives, "_add_file", telling)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(archive, volume, tmp_path / "a.tar.gz")
        await anyio.to_thread.run_sync(begun.wait)
        tasks.cancel_scope.cancel()

    assert not (tmp_path / "a.tar.gz").exists()


async def test_what_cannot_be_copied_is_named_and_leaves_nothing(volume: Path, tmp_path: Path) -> None:
    with pytest.raises(OperationFailed, match=f"cannot copy {volume}: "):
        await archive(volume, tmp_path / "missing" / "a.tar.gz")

    assert not (tmp_path / "missing").exists()
