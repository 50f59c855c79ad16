"""Where ``cp`` puts what, on either side (docker archive/copy.go), and the archives that it makes and unpacks."""

from __future__ import annotations

import os
import posixpath
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from boathook.compose.place import PathStat
from boathook.errors import NotFound, PlaceError, UsageError

STREAM = "-"
"""In a path's place: a tar archive on standard input or output."""


def split_argument(argument: str) -> tuple[str, str]:
    """``SERVICE:PATH`` in its parts; no service: a path of this machine."""
    service, separator, path = argument.partition(":")
    if argument.startswith("/") or not separator or service.startswith("."):
        return "", argument
    return service, path


def is_directory_asserted(path: str) -> bool:
    """Whether it is written so that it can only be a directory: ``dir/``, ``dir/.``."""
    return path.endswith("/") or _means_content(path)


def _means_content(path: str) -> bool:
    """``dir/.``: what is in it, and not the directory."""
    return posixpath.basename(path) == "."


def split_path(path: str) -> tuple[str, str]:
    """The directory that an entry is in, and its name, which is ``.`` for the content of a directory."""
    cleaned = posixpath.normpath(path) if path else "."
    if _means_content(path) and cleaned != ".":
        return cleaned, "."
    return posixpath.dirname(cleaned) or ".", posixpath.basename(cleaned) or "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What is copied. ``name``: what it is called where a directory is there to put it in; ``.``: its content."""

    path: str
    name: str
    is_directory: bool


def local_source(path: str, *, follow_link: bool) -> Source:
    """Raises ``UsageError`` for what is not there."""
    cleaned = os.path.abspath(path)
    found = os.path.realpath(cleaned) if follow_link or is_directory_asserted(path) else cleaned
    try:
        mode = os.lstat(found).st_mode
    except OSError as error:
        raise UsageError(f"lstat {cleaned}: {(error.strerror or '').lower()}") from error
    if is_directory_asserted(path) and not stat.S_ISDIR(mode):
        raise UsageError(f"lstat {cleaned}: not a directory")
    name = "." if _means_content(path) else posixpath.basename(cleaned) or "/"
    return Source(path=found, name=name, is_directory=stat.S_ISDIR(mode))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where it goes: a directory that is there, and the name that it has in it (None: its own)."""

    directory: str
    name: str | None


def place_in(source: Source, path: str, found: PathStat | None) -> Target:
    """``path`` is the wanted one, ``found`` what stands there. Raises ``UsageError``."""
    directory, name = split_path(path)
    if found is not None and stat.S_ISDIR(found.mode):
        return Target(directory=path, name=None)
    if found is not None and source.is_directory:
        raise UsageError("cannot copy directory")
    if found is None and not source.is_directory and is_directory_asserted(path):
        raise UsageError("no such directory")
    return Target(directory=directory, name=name)


def refuse_special(container: str, path: str, found: PathStat | None) -> None:
    """Only a directory or a regular file may be copied to (docker/cli command/utils.go)."""
    if found is None:
        return
    kinds = (
        (stat.S_ISBLK, "got a device"),
        (stat.S_ISCHR, "got a device"),
        (stat.S_ISFIFO, "got an irregular file"),
        (stat.S_ISSOCK, "got an irregular file"),
    )
    for is_kind, what in kinds:
        if is_kind(found.mode):
            raise UsageError(f'destination "{container}:{path}" must be a directory or a regular file: {what}')


def link_target(path: str, found: PathStat) -> str:
    """What a symbolic link means, as a path in the container."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path.rstrip("/")), found.link_target))


def make_archive(source: Source, name: str | None, into: BinaryIO) -> None:
    """``name`` instead of its own."""
    with tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, entry in _entries(source, source.name if name is None else name):
            if stat.S_ISSOCK(os.lstat(path).st_mode):
                continue
            tar.add(path, arcname=entry, recursive=False)


def _entries(source: Source, name: str) -> Iterator[tuple[str, str]]:
    yield source.path, name
    if not source.is_directory:
        return
    for top, directories, files in os.walk(source.path):
        below = os.path.relpath(top, source.path)
        for entry in sorted((*directories, *files)):
            yield os.path.join(top, entry), posixpath.normpath(posixpath.join(name, below, entry))


def unpack(archive: BinaryIO, source: Source, target: Target) -> None:
    """On this machine, as our own files. Raises ``PlaceError`` for an entry that would lie elsewhere."""
    rename = _renaming(source, target)
    try:
        with tarfile.open(fileobj=archive) as tar:
            tar.extractall(target.directory, filter=lambda entry, path: _kept(rename(entry), path))
    except tarfile.TarError as error:
        raise PlaceError(f"cannot be copied: the archive is damaged: {error}") from error
    except OSError as error:
        raise PlaceError(f"cannot be copied: {error}") from error


def _renaming(source: Source, target: Target) -> Callable[[tarfile.TarInfo], tarfile.TarInfo]:
    def rename(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        first, separator, rest = entry.name.partition("/")
        wanted = target.name if target.name is not None else source.name
        if source.name == "." and target.name is None:
            return entry
        if first == "." and source.name == ".":
            return entry.replace(name=f"{wanted}{separator}{rest}", deep=False)
        return entry.replace(name=f"{wanted}{separator}{rest}", linkname=_link(entry, first, wanted), deep=False)

    return rename


def _link(entry: tarfile.TarInfo, first: str, wanted: str) -> str:
    """A hard link names an entry of the archive, which has been renamed as well."""
    if entry.islnk() and (entry.linkname == first or entry.linkname.startswith(f"{first}/")):
        return wanted + entry.linkname[len(first) :]
    return entry.linkname


def _kept(entry: tarfile.TarInfo, destination: str) -> tarfile.TarInfo | None:
    """Its mode is kept and its owner is not, and devices are left out. What is there already makes room.

    A container is not trusted: nothing is written outside of the destination, neither by name nor through a link.
    """
    if entry.ischr() or entry.isblk():
        return None
    target = _inside(entry.name, destination)
    if entry.islnk():
        _inside(entry.linkname, destination)
    if os.path.lexists(target):
        _make_room(target, entry)
    return entry.replace(uid=None, gid=None, uname=None, gname=None, deep=False)  # type: ignore[arg-type]


def _inside(name: str, destination: str) -> str:
    """The path that a name means; what it leads through is looked at, and it itself is not followed."""
    root = os.path.realpath(destination)
    path = os.path.join(root, posixpath.normpath(name.lstrip("/") or "."))
    parent = os.path.realpath(os.path.dirname(path)) if path != os.path.join(root, ".") else root
    if parent != root and not parent.startswith(f"{root.rstrip('/')}/"):
        raise PlaceError(f'cannot be copied: "{name}" would lie outside of "{destination}"')
    return os.path.join(parent, os.path.basename(path))


def _make_room(target: str, entry: tarfile.TarInfo) -> None:
    is_directory = os.path.isdir(target) and not os.path.islink(target)
    if is_directory and not entry.isdir():
        raise PlaceError(f'cannot be copied: cannot overwrite directory "{target}" with non-directory')
    if entry.isdir() and not is_directory and not os.path.isdir(target):
        raise PlaceError(f'cannot be copied: cannot overwrite non-directory "{target}" with directory')
    if not is_directory and not entry.isdir():
        os.unlink(target)


def local_stat(path: str) -> PathStat | None:
    """What stands at a path of this machine, links followed; its directory must be there. Raises ``NotFound``."""
    wanted = Path(path)
    try:
        found = wanted.stat()
    except OSError:
        parent = Path(os.path.abspath(path)).parent
        if not parent.is_dir():
            raise NotFound(f'invalid output path: directory "{parent}" does not exist') from None
        return None
    return PathStat(name=wanted.name, mode=found.st_mode, size=found.st_size, link_target="")
