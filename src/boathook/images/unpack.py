"""Layers of an image -> one root file system. Nothing is ever written outside it, whatever a layer says."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from boathook.errors import UsageError
from boathook.images.removal import delete
from boathook.images.tree import OutsideRoot, within

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
"""What takes away a name, and everything below a directory, of lower layers (OCI image specification, layer.md)."""


def unpack_layer(layer: IO[bytes], root: Path, what: str) -> None:
    """Lay a layer, a tar archive, over ``root``. Raises ``UsageError`` naming ``what``."""
    try:
        with tarfile.open(fileobj=layer, mode="r:*") as archive:
            laying = _Laying(root, what)
            for member in archive:
                laying.lay(archive, member)
            laying.finish()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UsageError(f'image "{what}" cannot be unpacked: {error}') from error


@dataclass(slots=True)
class _Laying:
    """One layer on its way onto the root."""

    root: Path
    what: str
    new: set[str] = field(default_factory=set)
    """What this layer brought: a whiteout of it takes away what lay below, not this."""
    directories: dict[str, tarfile.TarInfo] = field(default_factory=dict)
    """Whose time and permissions are set at the end, when all is in them."""

    def lay(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        place = self._place(member.name)
        if place is None:
            return
        directory, _, name = place.rpartition("/")
        if name == OPAQUE:
            self._empty(directory)
        elif name.startswith(WHITEOUT):
            self._take_away(f"{directory}/{name.removeprefix(WHITEOUT)}".lstrip("/"))
        else:
            self._make_parents(directory)
            self._make(archive, member, place)
            self.new.add(place)

    def finish(self) -> None:
        for place in sorted(self.directories, reverse=True):
            path = self.root / place
            if path.is_dir() and not path.is_symlink():
                _dress(path, self.directories[place])

    def _place(self, name: str) -> str | None:
        """Where an entry belongs, below the root; None for the root itself."""
        parts = [part for part in name.split("/") if part not in ("", ".")]
        if ".." in parts:
            raise UsageError(f'image "{self.what}" is refused: its entry "{name}" leads out of the root')
        if not parts:
            return None
        try:
            parent = within((self.root,), "/".join(parts[:-1]))
        except OutsideRoot as error:
            raise UsageError(f'image "{self.what}" is refused: its entry {error}') from error
        return f"{parent}/{parts[-1]}".lstrip("/")

    def _make_parents(self, directory: str) -> None:
        path = self.root
        for part in directory.split("/"):
            path = path / part
            if path.is_symlink() or not path.is_dir():
                delete(path)
                path.mkdir(mode=0o755)

    def _make(self, archive: tarfile.TarFile, member: tarfile.TarInfo, place: str) -> None:
        path = self.root / place
        if member.isdir():
            if path.is_symlink() or not path.is_dir():
                delete(path)
                path.mkdir()
            path.chmod(0o700)
            self.directories[place] = member
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
        _dress(path, member)

    def _link(self, path: Path, member: tarfile.TarInfo) -> None:
        target = self._place(member.linkname)
        if target is None or not os.path.lexists(self.root / target):
            raise UsageError(
                f'image "{self.what}" is refused: its entry "{member.name}" links to "{member.linkname}", '
                "which is not in it"
            )
        os.link(self.root / target, path, follow_symlinks=False)

    def _write(self, archive: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> None:
        source = archive.extractfile(member)
        assert source is not None
        with source, path.open("xb") as file:
            shutil.copyfileobj(source, file, 1024 * 1024)

    def _empty(self, directory: str) -> None:
        path = self.root / directory
        if path.is_dir() and not path.is_symlink():
            for entry in os.listdir(path):
                self._take_away(f"{directory}/{entry}".lstrip("/"))

    def _take_away(self, place: str) -> None:
        """Remove what lower layers have there, and leave what this layer brought."""
        brought = [each for each in self.new if each == place or each.startswith(place + "/")]
        if not brought:
            delete(self.root / place)
        elif place not in brought or (self.root / place).is_dir():
            self._empty(place)


def _dress(path: Path, member: tarfile.TarInfo) -> None:
    """Owner, permissions and time. An ordinary user owns everything and may always look into directories."""
    if os.geteuid() == 0:
        os.chown(path, member.uid, member.gid, follow_symlinks=False)
    if not member.issym():
        mode = stat.S_IMODE(member.mode)
        if os.geteuid() != 0:
            mode |= 0o700 if member.isdir() else 0o400
        path.chmod(mode)
    os.utime(path, (member.mtime, member.mtime), follow_symlinks=False)


def copy_directory(source: Path, root: Path) -> None:
    """Copy a directory's content into ``root``; root keeps the owners. Sockets and devices are left out."""
    for directory, names, files in os.walk(source):
        target = root / os.path.relpath(directory, source)
        for name in (*names, *files):
            _copy(Path(directory, name), target / name)
        names[:] = [name for name in names if not Path(directory, name).is_symlink()]


def _copy(source: Path, target: Path) -> None:
    status = source.lstat()
    if stat.S_ISLNK(status.st_mode):
        target.symlink_to(os.readlink(source))
    elif stat.S_ISDIR(status.st_mode):
        target.mkdir()
        target.chmod(stat.S_IMODE(status.st_mode) | 0o700)
    elif stat.S_ISREG(status.st_mode):
        shutil.copy2(source, target)
    else:
        return
    if os.geteuid() == 0:
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            target.chmod(stat.S_IMODE(status.st_mode))
