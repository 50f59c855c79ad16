"""The files that a build is made of, as the tar archive that an engine takes, sent while it is made."""

from __future__ import annotations

import io
import os
import stat
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.streams.memory import MemoryObjectSendStream

from boathook.compose.engine.ignore import Ignored, parse_ignored
from boathook.errors import PlaceError, alone

IGNORE_FILE = ".dockerignore"
OUTSIDE = ".dockerfile.boathook"
"""What a Dockerfile that does not lie in the context is called in the archive."""
_CHUNK_BYTES = 1 << 18
_AHEAD = 8
"""How many chunks are made ahead of what the engine has taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A directory that is sent to an engine."""

    directory: Path
    dockerfile: str
    """Its name in the archive."""
    added: bytes | None
    """The Dockerfile's text, where it is not one of the directory's own files."""
    ignored: Ignored


def local_context(directory: Path, dockerfile: str, inline: str | None) -> Context:
    """Raises ``PlaceError`` for a directory or a Dockerfile that is not there."""
    if not directory.is_dir():
        raise PlaceError(f'unable to prepare context: path "{directory}" not found')
    ignored = parse_ignored(_ignore_lines(directory, dockerfile))
    if inline is not None:
        return Context(directory=directory, dockerfile=OUTSIDE, added=inline.encode(), ignored=ignored)
    path = directory / dockerfile
    if not path.is_file():
        raise PlaceError(f'unable to prepare context: the Dockerfile "{path}" cannot be found')
    inside = os.path.relpath(path, directory)
    if inside.startswith(".."):
        return Context(directory=directory, dockerfile=OUTSIDE, added=path.read_bytes(), ignored=ignored)
    return Context(directory=directory, dockerfile=inside, added=None, ignored=ignored)


def _ignore_lines(directory: Path, dockerfile: str) -> list[str]:
    """A Dockerfile may have a list of its own beside it, which then counts alone."""
    for path in (Path(f"{directory / dockerfile}{IGNORE_FILE}"), directory / IGNORE_FILE):
        if path.is_file():
            return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return []


def entries(context: Context) -> Iterator[str]:
    """Paths of what is sent, relative to the directory, each directory before what is in it.

    The Dockerfile and the list itself are sent although the list may name them: the engine reads them.
    """
    kept = {context.dockerfile, IGNORE_FILE}
    for top, directories, files in os.walk(context.directory):
        below = os.path.relpath(top, context.directory)
        prefix = "" if below == "." else f"{below}/"
        # Links to directories are among the directories, and are not followed.
        for name in sorted(directories):
            path = prefix + name
            out = context.ignored.leaves_out(path)
            if out and not context.ignored.has_exceptions and not context.dockerfile.startswith(f"{path}/"):
                directories.remove(name)
            elif not out:
                yield path
        directories.sort()
        for name in sorted(files):
            path = prefix + name
            if path in kept or not context.ignored.leaves_out(path):
                yield path


@asynccontextmanager
async def archive_of(context: Context) -> AsyncIterator[AsyncIterator[bytes]]:
    """The archive, made by a thread as fast as it is taken."""
    send, receive = anyio.create_memory_object_stream[bytes](_AHEAD)
    with alone():
        async with anyio.create_task_group() as tasks, receive:
            tasks.start_soon(_make, context, send)
            yield receive


async def _make(context: Context, send: MemoryObjectSendStream[bytes]) -> None:
    async with send:
        try:
            await anyio.to_thread.run_sync(_write, context, _Chunks(send), abandon_on_cancel=True)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return  # The engine has heard enough, and says why in its answer.
        except OSError as error:
            raise PlaceError(f"the build context cannot be read: {error}") from error


class _Chunks(io.RawIOBase):
    """A file that hands what is written over to the loop."""

    def __init__(self, send: MemoryObjectSendStream[bytes]) -> None:
        self._send = send

    def writable(self) -> bool:
        return True

    def write(self, chunk: Any) -> int:
        anyio.from_thread.run(self._send.send, bytes(chunk))
        return len(chunk)


def _write(context: Context, chunks: _Chunks) -> None:
    with tarfile.open(fileobj=chunks, mode="w|", bufsize=_CHUNK_BYTES, format=tarfile.PAX_FORMAT) as tar:
        if context.added is not None:
            tar.addfile(_file(context.dockerfile, len(context.added)), io.BytesIO(context.added))
        for path in entries(context):
            _add(tar, context.directory / path, path)


def _add(tar: tarfile.TarFile, source: Path, name: str) -> None:
    """Sockets are no files that can be copied. All is root's, as builds have it."""
    if stat.S_ISSOCK(source.lstat().st_mode):
        return
    entry = tar.gettarinfo(source, name)
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    if entry.isreg():
        with source.open("rb") as file:
            tar.addfile(entry, file)
    else:
        tar.addfile(entry)


def _file(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mode = 0o644
    return entry
