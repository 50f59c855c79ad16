"""Finding what is in an image's layers, lowest first, without ever leaving them. A whiteout hides what lies below."""

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


def find(layers: Sequence[Path], relative: str) -> Path | None:
    """What the layers laid over each other have at ``relative``, links not followed; None where there is nothing."""
    for layer in reversed(layers):
        try:
            status = (layer / relative).lstat()
        except FileNotFoundError:
            continue
        except OSError:  # below a file or a whiteout, which hide all that lies deeper
            return None
        return None if is_whiteout(status) else layer / relative
    return None


def find_file(layers: Sequence[Path], path: str) -> Path | None:
    """The regular file at ``path`` in the uppermost layer that has it; None where there is none."""
    try:
        found = find(layers, within(layers, path))
    except OutsideRoot:
        return None
    return found if found is not None and stat.S_ISREG(found.lstat().st_mode) else None


def names_in(layers: Sequence[Path], directory: str) -> frozenset[str]:
    """The names in a directory of the layers laid over each other."""
    names: set[str] = set()
    hidden: set[str] = set()
    for layer in reversed(layers):
        try:
            if not stat.S_ISDIR((layer / directory).lstat().st_mode):
                break
        except FileNotFoundError:
            continue
        except OSError:
            break
        for entry in os.scandir(layer / directory):
            here = hidden if is_whiteout(entry.stat(follow_symlinks=False)) else names
            if entry.name not in names and entry.name not in hidden:
                here.add(entry.name)
    return frozenset(names)


def is_whiteout(status: os.stat_result) -> bool:
    """A character device 0/0, as overlay file systems have it: the name is gone from here on upwards."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def hides(layer: Path, relative: str) -> bool:
    """Whether this layer hides a directory of lower layers: it has something else there, or above it."""
    try:
        return not stat.S_ISDIR((layer / relative).lstat().st_mode)
    except FileNotFoundError:
        return False
    except OSError:
        return True


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
