"""Where ``cp`` puts what, and the archives that it makes and unpacks."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from boathook.compose.copying import (
    Source,
    Target,
    link_target,
    local_source,
    local_stat,
    make_archive,
    place_in,
    refuse_special,
    split_argument,
    split_path,
    unpack,
)
from boathook.compose.place import PathStat
from boathook.errors import NotFound, PlaceError, UsageError


def a_stat(kind: int = stat.S_IFREG, target: str = "") -> PathStat:
    return PathStat(name="x", mode=kind | 0o755, size=0, link_target=target)


A_FILE, A_DIRECTORY = a_stat(), a_stat(stat.S_IFDIR)
FILE = Source(path="/x/f", name="f", is_directory=False)
DIRECTORY = Source(path="/x/d", name="d", is_directory=True)


@pytest.mark.parametrize(
    ("argument", "parts"),
    [
        ("app:/x", ("app", "/x")),
        ("app:x:y", ("app", "x:y")),
        ("/a:b", ("", "/a:b")),
        ("./a:b", ("", "./a:b")),
        ("a", ("", "a")),
        ("-", ("", "-")),
    ],
)
def test_a_service_stands_before_the_first_colon(argument: str, parts: tuple[str, str]) -> None:
    assert split_argument(argument) == parts


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/a/b", ("/a", "b")),
        ("/a/b/", ("/a", "b")),
        ("/a/b/.", ("/a/b", ".")),
        ("/", ("/", "/")),
        ("b", (".", "b")),
        ("/a/../b", ("/", "b")),
    ],
)
def test_a_path_is_a_directory_and_a_name_in_it(path: str, parts: tuple[str, str]) -> None:
    assert split_path(path) == parts


@pytest.mark.parametrize(
    ("source", "path", "found", "target"),
    [
        (FILE, "/d", A_DIRECTORY, Target(directory="/d", name=None)),
        (DIRECTORY, "/d", A_DIRECTORY, Target(directory="/d", name=None)),
        (FILE, "/d/g", A_FILE, Target(directory="/d", name="g")),
        (FILE, "/d/new", None, Target(directory="/d", name="new")),
        (DIRECTORY, "/d/new", None, Target(directory="/d", name="new")),
        (DIRECTORY, "/d/new/", None, Target(directory="/d", name="new")),
    ],
)
def test_what_is_there_decides_what_it_is_called(
    source: Source, path: str, found: PathStat | None, target: Target
) -> None:
    assert place_in(source, path, found) == target


@pytest.mark.parametrize(
    ("source", "path", "found", "message"),
    [
        (DIRECTORY, "/f", A_FILE, "^cannot copy directory$"),
        (FILE, "/new/", None, "^no such directory$"),
        (FILE, "/new/.", None, "^no such directory$"),
    ],
)
def test_what_cannot_be_is_refused(source: Source, path: str, found: PathStat | None, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        place_in(source, path, found)


@pytest.mark.parametrize(
    ("kind", "message"),
    [(stat.S_IFCHR, "got a device"), (stat.S_IFBLK, "got a device"), (stat.S_IFIFO, "got an irregular file")],
)
def test_nothing_is_copied_over_what_is_no_file(kind: int, message: str) -> None:
    with pytest.raises(UsageError, match=f'destination "app:/x" must be a directory or a regular file: {message}'):
        refuse_special("app", "/x", a_stat(kind))


@pytest.mark.parametrize(
    ("path", "target", "meant"),
    [("/a/l", "x", "/a/x"), ("/a/l", "../x", "/x"), ("/a/l", "/x/y", "/x/y"), ("/a/l/", "x", "/a/x")],
)
def test_a_link_means_a_path_beside_it(path: str, target: str, meant: str) -> None:
    assert link_target(path, a_stat(stat.S_IFLNK, target)) == meant


def a_tree(directory: Path) -> Path:
    (directory / "d/sub").mkdir(parents=True)
    (directory / "d/sub/x").write_text("x")
    (directory / "f").write_text("f")
    (directory / "link").symlink_to("f")
    (directory / "dirlink").symlink_to("d")
    return directory


def packed(source: Source, name: str | None = None) -> dict[str, tarfile.TarInfo]:
    into = io.BytesIO()
    make_archive(source, name, into)
    into.seek(0)
    with tarfile.open(fileobj=into) as tar:
        return {entry.name: entry for entry in tar}


def test_a_link_is_copied_as_a_link_unless_it_is_followed(tmp_path: Path) -> None:
    link = str(a_tree(tmp_path) / "link")

    plain, followed = (packed(local_source(link, follow_link=follow)) for follow in (False, True))

    assert plain["link"].issym()
    assert followed["link"].isreg()
    assert packed(local_source(f"{tmp_path}/dirlink/", follow_link=False))["dirlink"].isdir()


def test_a_directory_goes_whole_under_its_name_or_another_or_as_its_content(tmp_path: Path) -> None:
    directory = str(a_tree(tmp_path) / "d")

    assert sorted(packed(local_source(directory, follow_link=False))) == ["d", "d/sub", "d/sub/x"]
    assert sorted(packed(local_source(directory, follow_link=False), "e")) == ["e", "e/sub", "e/sub/x"]
    assert sorted(packed(local_source(f"{directory}/.", follow_link=False))) == [".", "sub", "sub/x"]


@pytest.mark.parametrize(
    ("path", "message"), [("nope", "lstat .*/nope: no such file or directory"), ("f/", "lstat .*/f: not a directory")]
)
def test_a_source_that_is_not_there_is_named(tmp_path: Path, path: str, message: str) -> None:
    a_tree(tmp_path)

    with pytest.raises(UsageError, match=message):
        local_source(f"{tmp_path}/{path}", follow_link=False)


def an_archive(fill: Callable[[tarfile.TarFile], None]) -> io.BytesIO:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as tar:
        fill(tar)
    into.seek(0)
    return into


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o640) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.mode, made.uid = kind, link, mode, 4711
    return made


def test_what_comes_out_is_our_own_with_its_mode(tmp_path: Path) -> None:
    archive = an_archive(lambda tar: tar.addfile(entry("f", mode=0o755)))

    unpack(archive, FILE, Target(directory=str(tmp_path), name="g"))

    found = (tmp_path / "g").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o755, os.getuid())


def test_what_is_there_makes_room_for_its_like(tmp_path: Path) -> None:
    """A link that was there is replaced, not followed."""
    other = tmp_path / "other"
    other.write_text("kept")
    target = tmp_path / "target"
    target.mkdir()
    (target / "f").symlink_to(other)

    unpack(an_archive(lambda tar: tar.addfile(entry("f"))), FILE, Target(directory=str(target), name=None))

    assert (other.read_text(), (target / "f").is_symlink()) == ("kept", False)


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.DIRTYPE])
def test_a_file_is_not_put_in_a_directorys_place_nor_the_other_way_round(tmp_path: Path, kind: bytes) -> None:
    if kind == tarfile.REGTYPE:
        (tmp_path / "f").mkdir()
    else:
        (tmp_path / "f").write_text("")

    with pytest.raises(PlaceError, match="cannot overwrite"):
        unpack(an_archive(lambda tar: tar.addfile(entry("f", kind))), FILE, Target(directory=str(tmp_path), name=None))


@pytest.mark.parametrize("way", ["name", "through a link", "hard link"])
def test_a_container_cannot_write_outside_of_the_destination(tmp_path: Path, way: str) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret").write_text("")

    def fill(tar: tarfile.TarFile) -> None:
        if way == "name":
            tar.addfile(entry("d/../../evil"))
        elif way == "through a link":
            tar.addfile(entry("d", tarfile.SYMTYPE, ".."))
            tar.addfile(entry("d/evil"))
        else:
            tar.addfile(entry("d", tarfile.LNKTYPE, "../secret"))

    with pytest.raises(PlaceError, match="would lie outside of"):
        unpack(an_archive(fill), DIRECTORY, Target(directory=str(inside), name=None))
    assert not (tmp_path / "evil").exists()


def test_a_hard_link_follows_a_directory_to_its_new_name(tmp_path: Path) -> None:
    def fill(tar: tarfile.TarFile) -> None:
        tar.addfile(entry("d", tarfile.DIRTYPE, mode=0o755))
        tar.addfile(entry("d/a"))
        tar.addfile(entry("d/b", tarfile.LNKTYPE, "d/a"))

    unpack(an_archive(fill), DIRECTORY, Target(directory=str(tmp_path), name="e"))

    assert (tmp_path / "e/a").samefile(tmp_path / "e/b")


def test_devices_are_left_out(tmp_path: Path) -> None:
    archive = an_archive(lambda tar: tar.addfile(entry("d", tarfile.CHRTYPE)))

    unpack(archive, DIRECTORY, Target(directory=str(tmp_path), name=None))

    assert list(tmp_path.iterdir()) == []


def test_the_directory_of_a_destination_must_be_there(tmp_path: Path) -> None:
    assert local_stat(f"{tmp_path}/new") is None
    assert stat.S_ISDIR(local_stat(str(tmp_path)).mode)  # type: ignore[union-attr]
    with pytest.raises(NotFound, match=r'invalid output path: directory ".*/no" does not exist'):
        local_stat(f"{tmp_path}/no/new")
