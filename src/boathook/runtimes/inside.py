"""What a runtime on this machine can show of the inside of its containers: files and processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Protocol, runtime_checkable

from boathook.runtimes.base import ContainerId


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """What stands at a path in a container, a last symbolic link not followed."""

    mode: int
    """As ``os.lstat`` has it, the kind of file included."""
    size: int
    link_target: str
    """Of a symbolic link; else empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """A process in a container, as ``ps -ef`` has it."""

    uid: int
    pid: int
    """The machine's, as are ``uid`` and ``parent``."""
    parent: int
    started: str
    used: str
    command: str


@runtime_checkable
class ShowsInside(Protocol):
    """A runtime that can show what is in its containers: their files, whatever their state, and their processes."""

    async def stat_file(self, container: ContainerId, path: str) -> FileFacts:
        """Raises ``NotFound``."""
        ...

    async def read_files(self, container: ContainerId, path: str, into: BinaryIO) -> None:
        """Write a tar archive of what stands at ``path``; its first entry is named as the path's last part."""
        ...

    async def write_files(
        self, container: ContainerId, directory: str, archive: BinaryIO, *, owner: tuple[int, int] | None
    ) -> None:
        """Unpack a tar archive in an existing directory; ``owner``: of all that is in it, whatever it says."""
        ...

    async def processes(self, container: ContainerId) -> tuple[ProcessRow, ...]:
        """Raises ``NotRunning``."""
        ...
