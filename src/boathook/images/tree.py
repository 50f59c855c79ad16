"""Finding a file in an image's layers, or in a root that is being unpacked, without ever leaving it."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

MOST_SYMLINKS = 40
"""The kernel's own limit (path_resolution(7))."""


class OutsideRoot(ValueError):
    """A path leads out of the root."""


def within(layers: Sequence[Path], path: str) -> str:
    """``path`` without a leading slash and with the layers' symbolic links followed; ``..`` ends at the root.

    The last layer is the uppermost. Raises ``OutsideRoot`` for a circle of links.
    """
    pending = list(reversed(PurePosixPath("/", path).parts[1:]))
    done: list[str] = []
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            done = done[:-1]
            continue
        target = _link(layers, "/".join((*done, part)))
        if target is None:
            done.append(part)
            continue
        links += 1
        if links > MOST_SYMLINKS:
            raise OutsideRoot(f'"{path}": too many levels of symbolic links')
        done = [] if target.startswith("/") else done
        pending.extend(reversed(PurePosixPath(target.lstrip("/")).parts))
    return "/".join(done)


def find_file(layers: Sequence[Path], path: str) -> Path | None:
    """The regular file at ``path`` in the uppermost layer that has it; None where there is none."""
    try:
        relative = within(layers, path)
    except OutsideRoot:
        return None
    for layer in reversed(layers):
        try:
            mode = (layer / relative).lstat().st_mode
        except OSError:
            continue
        return layer / relative if stat.S_ISREG(mode) else None
    return None


def _link(layers: Sequence[Path], relative: str) -> str | None:
    """Where the symbolic link of that name leads, unless the uppermost layer that has the name has no link there."""
    for layer in reversed(layers):
        try:
            return os.readlink(layer / relative)
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None
