"""The sockets of a home: where owners are reached. Their directory is made with the first and goes with the last."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.abc import SocketListener, SocketStream

from boathook.errors import PlaceError
from boathook.supervisor.wire import is_ours

SUPERVISOR = "supervisor.sock"

ATTEMPTS = 5
"""How often another process may remove the directory with its last socket in the moment in which we make ours."""


def owner_socket(pid: int) -> str:
    """The name of the socket of a process that owns containers."""
    return f"owner-{pid}.sock"


async def listen(path: Path) -> SocketListener:
    """A socket that only this user can reach. Raises ``PlaceError``."""
    for _ in range(ATTEMPTS):
        _make_directory(path.parent)
        path.unlink(missing_ok=True)  # noqa: ASYNC240  one quick call
        with suppress(FileNotFoundError):
            return await anyio.create_unix_listener(path, mode=0o600)
    raise PlaceError(f"cannot make the socket {path}: its directory vanishes")


async def connect(path: Path) -> SocketStream:
    """Raises ``OSError`` when nobody listens there, ``PlaceError`` when it is another user who does."""
    stream = await anyio.connect_unix(path)
    if not is_ours(stream):
        await stream.aclose()
        raise PlaceError(f"the socket {path} belongs to another user")
    return stream


def remove(path: Path) -> None:
    """Take the socket away, and the directory when it was the last."""
    path.unlink(missing_ok=True)
    with suppress(OSError):
        path.parent.rmdir()


def _make_directory(directory: Path) -> None:
    """Where the runtime directory is shared (/tmp), somebody else may have made it before us."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.is_symlink() or directory.stat().st_uid != os.geteuid():
        raise PlaceError(f"the directory {directory} belongs to another user", hint="set XDG_RUNTIME_DIR")
