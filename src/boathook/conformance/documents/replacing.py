"""Several files replaced together: each in one step, and all of them or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from boathook.errors import PlaceError

NEW_MODE = 0o644
"""Of a file that was not there before."""


def replace_files(contents: Mapping[Path, bytes]) -> None:
    """Give every file its content, and keep its permissions and, where that is allowed, its owner.

    All are written beside their places before the first one takes its own. When that fails half-way, those that were
    replaced get back what they had. Raises ``PlaceError``.
    """
    fresh: dict[Path, Path] = {}
    replaced: dict[Path, bytes | None] = {}
    try:
        for named, content in contents.items():
            # A page that is a link stays one: what it leads to is replaced.
            file = named.resolve()
            fresh[file] = _beside(file, content)
        for file in tuple(fresh):
            before = file.read_bytes() if file.exists() else None
            fresh[file].replace(file)
            del fresh[file]
            replaced[file] = before
    except OSError as error:
        for file, before in replaced.items():
            with suppress(OSError):
                if before is None:
                    file.unlink()
                else:
                    _beside(file, before).replace(file)
        raise PlaceError(f'cannot write "{error.filename}": {error.strerror}') from error
    finally:
        for left in fresh.values():
            left.unlink(missing_ok=True)


def _beside(file: Path, content: bytes) -> Path:
    """A new file in the same directory with this content, synced, with the permissions of ``file``."""
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".new", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as fresh:
            fresh.write(content)
            fresh.flush()
            _permit(fresh.fileno(), file)
            os.fsync(fresh.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _permit(descriptor: int, file: Path) -> None:
    try:
        there = file.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, NEW_MODE)
        return
    with suppress(PermissionError):
        os.fchown(descriptor, there.st_uid, there.st_gid)
    os.fchmod(descriptor, there.st_mode & 0o7777)
