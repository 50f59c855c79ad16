"""A volume's files as a gzip'ed tar: owners, modes, times and links kept, no link followed out of the volume."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import anyio
import anyio.from_thread
import anyio.to_thread

from boathook.cluster.base import VolumeCopy
from boathook.errors import OperationFailed

COMPRESSION = 1
"""Volume data is often compressed already; the fastest level keeps the file system frozen for the shortest time."""

_CHUNK = 1 << 20


@dataclass(slots=True)
class _Hashing:
    """Counts and hashes what is written through it."""

    raw: IO[bytes]
    size: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self.raw.write(data)

    def flush(self) -> None:
        self.raw.flush()


async def archive(root: Path, destination: Path) -> VolumeCopy:
    """Write the files below ``root`` to ``destination``; on failure or cancellation nothing is left of it.

    Raises ``OperationFailed`` naming what could not be read.
    """
    try:
        return await anyio.to_thread.run_sync(_write, root, destination, abandon_on_cancel=False)
    except BaseException:
        destination.unlink(missing_ok=True)  # noqa: ASYNC240  one quick call, also when cancelled
        raise


def _write(root: Path, destination: Path) -> VolumeCopy:
    files, size = 0, 0
    try:
        with destination.open("xb") as raw:
            os.fchmod(raw.fileno(), 0o600)
            hashing = _Hashing(raw)
            with (
                gzip.GzipFile(filename="", mode="wb", fileobj=hashing, compresslevel=COMPRESSION, mtime=0) as packed,
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                for directory, name, path in _walk(root):
                    anyio.from_thread.check_cancelled()
                    added = _add(tar, directory, name, path)
                    files += added is not None
                    size += added or 0
            os.fsync(raw.fileno())
    except OSError as error:
        raise OperationFailed(f"cannot copy {root}: {error}") from error
    return VolumeCopy(files=files, size_bytes=size, sha256=hashing.digest.hexdigest())


def _walk(root: Path) -> Iterator[tuple[str, str, str]]:
    """Directory, name in it, and path below ``root`` of everything, in a fixed order; links are not entered.

    The directory is named by its open descriptor: whatever a container makes of its path meanwhile leads nowhere else.
    """
    for path, names, files, descriptor in os.fwalk(root, follow_symlinks=False, onerror=_vanished):
        names.sort()
        directory, below = f"/proc/self/fd/{descriptor}", os.path.relpath(path, root)
        if below == ".":
            yield directory, ".", "."
        for name in sorted([*names, *files]):
            yield directory, name, name if below == "." else f"{below}/{name}"


def _vanished(error: OSError) -> None:
    """A directory that was removed, or became a link, since its parent was read is left out."""
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _add(tar: tarfile.TarFile, directory: str, name: str, path: str) -> int | None:
    """Add one entry; the size of a regular file, else None. What has vanished meanwhile or is a socket is left out."""
    place = os.path.join(directory, name)
    try:
        status = os.lstat(place)
        if stat.S_ISREG(status.st_mode):
            return _add_file(tar, place, path)
        if not stat.S_ISSOCK(status.st_mode):
            tar.addfile(tar.gettarinfo(place, arcname=path))
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None


def _add_file(tar: tarfile.TarFile, place: str, path: str) -> int | None:
    # O_NOFOLLOW: between lstat and open it may have become a link out of the volume; O_NONBLOCK: or a FIFO.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        opened = os.open(place, flags)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return None
        raise
    with os.fdopen(opened, "rb") as content:
        entry = tar.gettarinfo(arcname=path, fileobj=content)
        if entry.islnk():
            tar.addfile(entry)
            return None
        if not entry.isreg():
            return None
        tar.addfile(entry, _Exactly(content, entry.size))
        return entry.size


class _Exactly:
    """A file that is read as long as its entry says: a file that shrinks meanwhile is filled up with zeros."""

    def __init__(self, content: IO[bytes], size: int) -> None:
        self._content = content
        self._left = size

    def read(self, count: int = -1) -> bytes:
        anyio.from_thread.check_cancelled()
        wanted = self._left if count < 0 else min(count, self._left)
        data = self._content.read(min(wanted, _CHUNK) if count < 0 else wanted)
        if len(data) < wanted and count >= 0:
            data += bytes(wanted - len(data))
        self._left -= len(data)
        return data
