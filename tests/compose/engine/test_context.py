"""The archive of a build context."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from pathlib import Path

import pytest

from boathook.compose.engine.context import OUTSIDE, archive_of, entries, local_context
from boathook.errors import PlaceError

pytestmark = pytest.mark.anyio


def a_context(directory: Path, ignored: str = "", **files: str) -> Path:
    for name, text in {"Dockerfile": "FROM x\n", **files}.items():
        path = directory / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if ignored:
        (directory / ".dockerignore").write_text(ignored)
    return directory


async def packed(directory: Path, dockerfile: str = "Dockerfile", inline: str | None = None) -> tarfile.TarFile:
    context = local_context(directory, dockerfile, inline)
    async with archive_of(context) as archive:
        content = b"".join([chunk async for chunk in archive])
    return tarfile.open(fileobj=io.BytesIO(content))


def test_directories_come_before_what_is_in_them(tmp_path: Path) -> None:
    context = local_context(a_context(tmp_path, a__b__c="", z=""), "Dockerfile", None)

    assert list(entries(context)) == ["a", "Dockerfile", "z", "a/b", "a/b/c"]


def test_what_is_left_out_is_not_walked_through_unless_an_exception_may_lie_in_it(tmp_path: Path) -> None:
    plain = local_context(a_context(tmp_path / "1", "a\n", a__keep="", a__drop=""), "Dockerfile", None)
    excepted = local_context(a_context(tmp_path / "2", "a\n!a/keep\n", a__keep="", a__drop=""), "Dockerfile", None)

    assert list(entries(plain)) == [".dockerignore", "Dockerfile"]
    assert list(entries(excepted)) == [".dockerignore", "Dockerfile", "a/keep"]


def test_the_dockerfile_and_the_list_itself_are_always_there(tmp_path: Path) -> None:
    context = local_context(a_context(tmp_path, "*\n", sub__My_file="FROM x"), "sub/My.file", None)

    assert sorted(entries(context)) == [".dockerignore", "sub/My.file"]


def test_a_dockerfile_with_a_list_of_its_own_has_that_alone(tmp_path: Path) -> None:
    a_context(tmp_path, "a\n", a="", b="")
    (tmp_path / "Dockerfile.dockerignore").write_text("b\n")

    assert "a" in entries(local_context(tmp_path, "Dockerfile", None))
    assert "b" not in entries(local_context(tmp_path, "Dockerfile", None))


async def test_all_is_roots_and_links_stay_links(tmp_path: Path) -> None:
    a_context(tmp_path, x="text")
    (tmp_path / "x").chmod(0o750)
    (tmp_path / "link").symlink_to("x")
    (tmp_path / "dir").mkdir()
    (tmp_path / "dirlink").symlink_to("dir")

    tar = await packed(tmp_path)

    found = {entry.name: entry for entry in tar}
    assert {(one.uid, one.gid, one.uname) for one in found.values()} == {(0, 0, "")}
    assert found["x"].mode == 0o750
    assert (found["link"].issym(), found["link"].linkname) == (True, "x")
    assert (found["dirlink"].issym(), found["dir"].isdir()) == (True, True)
    assert tar.extractfile("x").read() == b"text"  # type: ignore[union-attr]


async def test_sockets_are_left_out_and_names_may_be_any(tmp_path: Path) -> None:
    a_context(tmp_path)
    (tmp_path / f"{'long' * 40}é").write_text("")
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(tmp_path)
        listening.bind("sock")

        assert sorted((await packed(tmp_path)).getnames()) == ["Dockerfile", f"{'long' * 40}é"]


@pytest.mark.parametrize("where", ["outside", "inline"])
async def test_a_dockerfile_from_elsewhere_is_added(tmp_path: Path, where: str) -> None:
    directory = a_context(tmp_path / "context", x="")
    (tmp_path / "Other").write_text("FROM other\n")

    if where == "outside":
        tar = await packed(directory, "../Other")
    else:
        tar = await packed(directory, inline="FROM other\n")

    assert tar.getnames()[0] == OUTSIDE
    assert tar.extractfile(OUTSIDE).read() == b"FROM other\n"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("directory", "dockerfile", "message"),
    [
        ("nothere", "Dockerfile", 'unable to prepare context: path ".*/nothere" not found'),
        (".", "Nothere", 'unable to prepare context: the Dockerfile ".*/Nothere" cannot be found'),
    ],
)
def test_what_is_not_there_is_said(tmp_path: Path, directory: str, dockerfile: str, message: str) -> None:
    with pytest.raises(PlaceError, match=message):
        local_context(tmp_path / directory, dockerfile, None)


async def test_nobody_hangs_on_an_archive_that_is_not_taken_to_its_end(tmp_path: Path) -> None:
    (a_context(tmp_path) / "big").write_bytes(b"x" * 20_000_000)

    async with archive_of(local_context(tmp_path, "Dockerfile", None)) as archive:
        assert await anext(archive)
