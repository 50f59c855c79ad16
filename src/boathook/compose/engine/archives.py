"""Files that go into a container of an engine and come out of it, as tar archives."""

from __future__ import annotations

import base64
import json
import stat
from collections.abc import AsyncIterator
from typing import BinaryIO

import anyio.to_thread

from boathook.compose.place import PathStat
from boathook.errors import NotFound, PlaceError
from boathook.runtimes.docker.engine import Engine

_CHUNK_BYTES = 1 << 18
_STAT_HEADER = "X-Docker-Container-Path-Stat"
_KINDS = (
    (1 << 31, stat.S_IFDIR),
    (1 << 27, stat.S_IFLNK),
    (1 << 25, stat.S_IFIFO),
    (1 << 24, stat.S_IFSOCK),
    (1 << 21, stat.S_IFCHR),
    (1 << 26, stat.S_IFBLK),
)
"""Go's bits for kinds of files (io/fs: ModeDir …); one for devices is set with that for characters."""
_SPECIAL = ((1 << 23, stat.S_ISUID), (1 << 22, stat.S_ISGID), (1 << 20, stat.S_ISVTX))


async def stat_path(engine: Engine, container: str, path: str) -> PathStat:
    """Raises ``NotFound``."""
    try:
        headers = await engine.head(f"containers/{container}/archive", query={"path": path})
    except NotFound as error:
        raise NotFound(f"Could not find the file {path} in container {container}") from error
    found = json.loads(base64.b64decode(headers.get(_STAT_HEADER, "")) or b"{}")
    return PathStat(
        name=str(found.get("name") or ""),
        mode=posix_mode(int(found.get("mode") or 0)),
        size=int(found.get("size") or 0),
        link_target=str(found.get("linkTarget") or ""),
    )


def posix_mode(mode: int) -> int:
    """Of Go's ``os.FileMode``."""
    kind = next((posix for bit, posix in _KINDS if mode & bit), stat.S_IFREG)
    return mode & 0o777 | kind | sum(posix for bit, posix in _SPECIAL if mode & bit)


async def copy_out(engine: Engine, container: str, path: str, into: BinaryIO) -> None:
    """Raises ``NotFound``."""
    async with engine.stream("GET", f"containers/{container}/archive", query={"path": path}) as content:
        async for chunk in content.iter_chunked(_CHUNK_BYTES):
            await anyio.to_thread.run_sync(into.write, chunk)


async def copy_in(engine: Engine, container: str, directory: str, archive: BinaryIO, *, to_user: bool = False) -> None:
    """A directory is not put in a file's place, nor the other way round."""
    query = {"path": directory, "noOverwriteDirNonDir": True} | ({"copyUIDGID": True} if to_user else {})
    if to_user and engine.podman:
        raise PlaceError("Podman gives no files to the container's user: leave --archive out")
    headers = {"Content-Type": "application/x-tar"}
    url = f"containers/{container}/archive"
    async with engine.stream("PUT", url, query=query, headers=headers, body=_chunks(archive)) as content:
        await content.read()


async def _chunks(archive: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := await anyio.to_thread.run_sync(archive.read, _CHUNK_BYTES):
        yield chunk
