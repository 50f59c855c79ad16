"""One layer of an image -> a directory that is laid over those of the layers below it.

Nothing is ever written outside it, whatever a layer says. What it takes away from lower layers is told to the caller.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import shutil
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from boathook.errors import UsageError
from boathook.images.removal import delete
from boathook.images.tree import OutsideRoot, find, names_in, within

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
"""What takes away a name, and everything below a directory, of lower layers (OCI image specification, layer.md)."""
RESERVED = ".wh..wh."
"""What else begins so is a note of an old storage driver to itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """What became of a layer."""

    hidden: tuple[str, ...]
    """What it takes away from the layers below; the directories that these names are in are in its root."""
    diff_id: str
    """The digest of the tar archive itself, without compression."""


def unpack_layer(layer: IO[bytes], root: Path, what: str, lowers: tuple[Path, ...] = ()) -> Unpacked:
    """Lay a layer, a tar archive, compressed or not, into the empty directory ``root``.

    Raises ``UsageError`` naming ``what``.
    """
    try:
        with decompressed(layer) as plain:
            counted = _Hashed(plain)
            with tarfile.open(fileobj=counted, mode="r|") as archive:
                laying = _Laying(root, what, lowers)
                for member in archive:
                    laying.lay(archive, member)
            hidden = laying.finish()
            while counted.read(1024 * 1024):
                pass
            return Unpacked(hidden=hidden, diff_id=f"sha256:{counted.hash.hexdigest()}")
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise UsageError(f'image "{what}" cannot be unpacked: {error}') from error


@contextmanager
def decompressed(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The content of a file that may be compressed, told by its first bytes. Layers may be several streams in a row."""
    buffered = file if isinstance(file, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", file))
    start = buffered.peek(6)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        raise tarfile.ReadError("it is compressed with zstd, which cannot be read here")
    for magic, opened in COMPRESSIONS.items():
        if start.startswith(magic):
            with opened(buffered) as plain:
                yield plain
            return
    yield buffered


COMPRESSIONS: Mapping[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file)),
    b"BZh": lambda file: cast("IO[bytes]", bz2.BZ2File(file)),
    b"\xfd7zXZ\x00": lambda file: cast("IO[bytes]", lzma.LZMAFile(file)),  # noqa: SIM115  closed by who reads it
}


class _Hashed(io.RawIOBase):
    """A stream that keeps the digest of all that is read from it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.hash = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dress:
    """Owner, permissions and time of a directory, which are set at the end, when all is in it."""

    mode: int
    uid: int
    gid: int
    time: float


@dataclass(slots=True)
class _Laying:
    """One layer on its way into its root."""

    root: Path
    what: str
    lowers: tuple[Path, ...]
    directories: dict[str, _Dress] = field(default_factory=dict)
    whiteouts: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)

    def lay(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        place = self._place(member.name)
        if place is None:
            return
        directory, _, name = place.rpartition("/")
        if name == OPAQUE:
            self.opaque.add(directory)
        elif name.startswith(WHITEOUT):
            self._take_away(directory, name, member)
        else:
            self._make_parents(directory)
            self._make(archive, member, place)

    def finish(self) -> tuple[str, ...]:
        """Give directories their looks. What is hidden of lower layers; their parents are in the root."""
        hidden = {each for place in self.whiteouts for each in self._hidden(place)}
        hidden |= {each for place in self.opaque for each in self._hidden_below(place)}
        for place in hidden:
            self._make_parents(place.rpartition("/")[0])
        for place in sorted(self.directories, reverse=True):
            path = self.root / place
            # A link that has come in place of a directory above it may lead anywhere.
            if self._open_to(place) and path.is_dir() and not path.is_symlink():
                _dress(path, self.directories[place])
        return tuple(sorted(hidden))

    def _take_away(self, directory: str, name: str, member: tarfile.TarInfo) -> None:
        """Note a whiteout: it takes away what lies below, never what this layer brings, in whatever order."""
        if name.startswith(RESERVED):
            return
        gone = name.removeprefix(WHITEOUT)
        if gone in ("", ".", ".."):
            raise UsageError(f'image "{self.what}" is refused: its entry "{member.name}" takes away no name')
        self.whiteouts.add(f"{directory}/{gone}".lstrip("/"))

    def _hidden(self, place: str) -> list[str]:
        if find(self.lowers, place) is None or not self._open_to(place):
            return []
        path = self.root / place
        if not os.path.lexists(path):
            return [place]
        return self._hidden_below(place) if path.is_dir() and not path.is_symlink() else []

    def _hidden_below(self, directory: str) -> list[str]:
        inside = (f"{directory}/{name}".lstrip("/") for name in names_in(self.lowers, directory))
        return [hidden for place in inside for hidden in self._hidden(place)]

    def _open_to(self, place: str) -> bool:
        """Whether lower layers are to be seen at ``place``: this layer has no file in place of a directory above it."""
        path = self.root
        for part in place.split("/")[:-1]:
            path = path / part
            if path.is_symlink() or (path.exists() and not path.is_dir()):
                return False
        return True

    def _place(self, name: str) -> str | None:
        """Where an entry belongs, below the root; None for the root itself."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise UsageError(f'image "{self.what}" is refused: its entry "{name}" leads out of the root')
        if not parts:
            return None
        try:
            parent = within((*self.lowers, self.root), "/".join(parts[:-1]))
        except OutsideRoot as error:
            raise UsageError(f'image "{self.what}" is refused: its entry {error}') from error
        return f"{parent}/{parts[-1]}".lstrip("/")

    def _make_parents(self, directory: str) -> None:
        """Directories that this layer only passes through look as in the layers below."""
        place = ""
        for part in directory.split("/") if directory else ():
            place = f"{place}/{part}".lstrip("/")
            path = self.root / place
            if path.is_dir() and not path.is_symlink():
                continue
            delete(path)
            path.mkdir(mode=0o755)
            below = find(self.lowers, place)
            if below is not None and stat.S_ISDIR((status := below.lstat()).st_mode):
                self.directories[place] = _Dress(
                    mode=stat.S_IMODE(status.st_mode), uid=status.st_uid, gid=status.st_gid, time=status.st_mtime
                )

    def _make(self, archive: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> None:
        path = self.root / place
        if member.isdir():
            if path.is_symlink() or not path.is_dir():
                delete(path)
                path.mkdir()
            path.chmod(0o700)
            self.directories[place] = _of(member)
            return
        delete(path)
        if member.issym():
            path.symlink_to(member.linkname)
        elif member.islnk():
            self._link(path, member)
            return
        elif member.isfile():
            self._write(archive, member, path)
        elif member.isfifo():
            os.mkfifo(path)
        else:  # devices: a container has a /dev of its own
            return
        _dress(path, _of(member))

    def _link(self, path: Path, member: tarfile.TarInfo) -> None:
        target = self._place(member.linkname)
        found = find((*self.lowers, self.root), target) if target is not None else None
        if found is None or target is None or stat.S_ISDIR(found.lstat().st_mode):
            raise UsageError(
                f'image "{self.what}" is refused: its entry "{member.name}" links to "{member.linkname}", '
                "which is not in it"
            )
        own = self.root / target
        if found != own:  # a name of a lower layer: both names are one file only where they are in one layer
            self._make_parents(target.rpartition("/")[0])
            os.link(found, own, follow_symlinks=False)
        os.link(own, path, follow_symlinks=False)

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        source = archive.extractfile(member)
        assert source is not None
        with source, path.open("xb") as file:
            shutil.copyfileobj(source, file, 1024 * 1024)


def _of(member: tarfile.TarInfo) -> _Dress:
    return _Dress(mode=stat.S_IMODE(member.mode), uid=member.uid, gid=member.gid, time=member.mtime)


def _dress(path: Path, dress: _Dress) -> None:
    """Owner, permissions and time. An ordinary user owns everything and may always look into directories."""
    if os.geteuid() == 0:
        os.chown(path, dress.uid, dress.gid, follow_symlinks=False)
    if not path.is_symlink():
        mode = dress.mode
        if os.geteuid() != 0:
            mode |= 0o700 if path.is_dir() else 0o400
        path.chmod(mode)
    os.utime(path, (dress.time, dress.time), follow_symlinks=False)
