"""Blobs on their way from a registry into the store: files below ``images/blobs``, each fetched by one process only.

``sha256-HEX`` is whole and has been checked; ``sha256-HEX.part`` is what has come so far, and is gone on with, also
after a crash.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import anyio
import anyio.to_thread

from boathook.errors import RegistryFailure, UsageError
from boathook.images.manifest import ALGORITHMS, Descriptor, algorithm_of
from boathook.images.registry import Registry
from boathook.images.removal import PART

MOST_BARREN = 3
"""After so many attempts in a row that brought nothing a download is given up."""
PAUSE_SECONDS = 0.5
POLL_SECONDS = 0.05

Heard = Callable[[int], None]
"""Told how many bytes of a blob are here."""


def blob_path(directory: Path, descriptor: Descriptor) -> Path:
    return directory / descriptor.digest.replace(":", "-")


async def fetch(registry: Registry, descriptor: Descriptor, directory: Path, heard: Heard) -> Path:
    """The blob as a file. Raises ``RegistryFailure``, ``NotFound``, ``UsageError`` for a wrong digest."""
    path = blob_path(directory, descriptor)
    async with _held(path) as part:
        if part is not None:
            await _Download(registry, descriptor, part, heard).run()
            os.fsync(part.fileno())
            part_path(path).rename(path)
    heard(descriptor.size)
    return path


def part_path(path: Path) -> Path:
    return path.with_name(path.name + PART)


@asynccontextmanager
async def _held(path: Path) -> AsyncIterator[IO[bytes] | None]:
    """The unfinished file, locked against other processes and pulls; None when the blob has been finished."""
    while True:
        if await anyio.Path(path).exists():
            yield None
            return
        with part_path(path).open("a+b") as part:
            if _locked(part, part_path(path)):
                yield part
                return
        await anyio.sleep(POLL_SECONDS)


def _locked(part: IO[bytes], path: Path) -> bool:
    """Locked, and still what is called so: its holder may have finished or removed it meanwhile."""
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return path.stat().st_ino == os.fstat(part.fileno()).st_ino
    except (BlockingIOError, FileNotFoundError):
        return False


class _Download:
    """One blob being fetched. What is there already is hashed first, and only the rest is asked for."""

    def __init__(self, registry: Registry, descriptor: Descriptor, part: IO[bytes], heard: Heard) -> None:
        self._registry = registry
        self._wanted = descriptor
        self._part = part
        self._heard = heard
        self._algorithm = algorithm_of(descriptor.digest, "a blob")
        self._hash: Any = None
        self._have = 0

    async def run(self) -> None:
        await anyio.to_thread.run_sync(self._hash_what_is_there)
        gone_on = self._have > 0
        await self._complete()
        if gone_on and not self._is_right():  # what was there may have been damaged by a crash
            self._start_again()
            await self._complete()
        if not self._is_right():
            found = f"{self._algorithm}:{self._hash.hexdigest()}"
            self._start_again()
            raise UsageError(f"blob {self._wanted.digest} is refused: what came has digest {found}")

    async def _complete(self) -> None:
        barren = 0
        while self._have < self._wanted.size:
            before = self._have
            try:
                await self._attempt()
            except RegistryFailure as failure:
                barren = 0 if self._have > before else barren + 1
                if barren >= MOST_BARREN or not failure.unreachable:
                    raise
                await anyio.sleep(PAUSE_SECONDS)

    async def _attempt(self) -> None:
        import httpx2

        async with self._registry.blob(self._wanted.digest, self._have) as (begin, chunks):
            if begin != self._have:
                self._start_again()
            try:
                async for chunk in chunks:
                    self._take(chunk)
            except httpx2.HTTPError as error:
                raise RegistryFailure(f"{self._name} broke off: {error}", unreachable=True) from error
            finally:
                # What has come is kept, whoever goes on with it.
                self._part.flush()
        if self._have < self._wanted.size:
            raise RegistryFailure(f"{self._name} broke off after {self._have} bytes", unreachable=True)

    @property
    def _name(self) -> str:
        return f"download of blob {self._wanted.short}"

    def _hash_what_is_there(self) -> None:
        self._start_hash()
        self._part.seek(0)
        while chunk := self._part.read(1024 * 1024):
            self._hash.update(chunk)
            self._have += len(chunk)
        if self._have > self._wanted.size:
            self._start_again()

    def _start_hash(self) -> None:
        self._hash = ALGORITHMS[self._algorithm]()
        self._have = 0

    def _start_again(self) -> None:
        self._start_hash()
        self._part.truncate(0)

    def _take(self, chunk: bytes) -> None:
        if self._have + len(chunk) > self._wanted.size:
            self._start_again()
            raise UsageError(f"blob {self._wanted.digest} is refused: more than its {self._wanted.size} bytes came")
        self._part.write(chunk)
        self._hash.update(chunk)
        self._have += len(chunk)
        self._heard(self._have)

    def _is_right(self) -> bool:
        return f"{self._algorithm}:{self._hash.hexdigest()}" == self._wanted.digest
