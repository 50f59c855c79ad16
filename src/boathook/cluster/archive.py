"""A volume's files as a gzip'ed tar: owners, modes, times and links kept, no link followed out of the volume."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import tarfile
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
                for path in _walk(root):
                    anyio.from_thread.check_cancelled()
                    added = _add(tar, root, path)
                    files += added is not None
                    size += added or 0
            os.fsync(raw.fileno())
    except OSError as error:
        raise OperationFailed(f"cannot copy {root}: {error}") from error
    return VolumeCopy(files=files, size_bytes=size, sha256=hashing.digest.hexdigest())


def _walk(root: Path) -> list[Path]:
    """Everything below ``root`` in a fixed order, directories before what is in them; links are not entered."""
    found = [root]
    for directory, names, files in os.walk(root):
        names.sort()
        found += [Path(directory) / name for name in sorted([*names, *files])]
    return found


def _add(tar: tarfile.TarFile, root: Path, path: Path) -> int | None:
    """Add one entry; the size of a regular file, else None. What has vanished meanwhile or is a socket is left out."""
    try:
        status = path.lstat()
        if stat.S_ISSOCK(status.st_mode):
            return None
        entry = tar.gettarinfo(path, arcname=str(path.relative_to(root)))
        if not entry.isreg():
            tar.addfile(entry)
            return None
        # O_NOFOLLOW: between lstat and open the file may have become a link out of the volume.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as content:
            tar.addfile(entry, _Exactly(content, entry.size))
    except FileNotFoundError:
        return None
    return entry.size


class _Exactly:
    """A file that is read as long as its entry says: a file that shrinks meanwhile is filled up with zeros."""

    def __init__(self, content: IO[bytes], size: int) -> None:
        self._content = content
        self._left = size

    def read(self, count: int = -1) -> bytes:
        wanted = self._left if count < 0 else min(count, self._left)
        data = self._content.read(min(wanted, _CHUNK) if count < 0 else wanted)
        if len(data) < wanted and count >= 0:
            data += bytes(wanted - len(data))
        self._left -= len(data)
        return data
