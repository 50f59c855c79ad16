"""Finding what is in an image's layers, lowest first, without ever leaving them. A whiteout hides what lies below."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

MOST_SYMLINKS = 40
"""The kernel's own limit (path_resolution(7))."""


class OutsideRoot(ValueError):
    """A path leads out of the root."""


@dataclass(frozen=True, slots=True)
class _View:
    """What layers laid over each other have at a place: directories that are one, lowest first, or one other thing."""

    directories: tuple[Path, ...] = ()
    other: Path | None = None

    def entry(self, name: str) -> _View:
        """What is called so in these directories, links not followed."""
        found: list[Path] = []
        for directory in reversed(self.directories):
            path = directory / name
            try:
                status = path.lstat()
            except FileNotFoundError:
                continue
            except OSError:  # no such name can be
                break
            if stat.S_ISDIR(status.st_mode):
                found.insert(0, path)
            elif found:
                break  # the directories above hide it, and it what is below
            else:
                return _View() if is_whiteout(status) else _View(other=path)
        return _View(tuple(found))


def within(layers: Sequence[Path], path: str) -> str:
    """``path`` without a leading slash and with the layers' symbolic links followed; ``..`` ends at the root.

    The last layer is the uppermost. Raises ``OutsideRoot`` for a circle of links.
    """
    pending = list(reversed(PurePosixPath("/", path).parts[1:]))
    done: list[str] = []
    views = [_View(tuple(layers))]
    links = 0
    while pending:
        part = pending.pop()
        if part == "..":
            done, views = done[:-1], views[: max(len(views) - 1, 1)]
            continue
        view = views[-1].entry(part)
        if view.other is None or not view.other.is_symlink():
            done.append(part)
            views.append(view)
            continue
        links += 1
        if links > MOST_SYMLINKS:
            raise OutsideRoot(f'"{path}": too many levels of symbolic links')
        target = os.readlink(view.other)
        if target.startswith("/"):
            done, views = [], views[:1]
        pending.extend(reversed(PurePosixPath(target.lstrip("/")).parts))
    return "/".join(done)


def find(layers: Sequence[Path], relative: str) -> Path | None:
    """What the layers laid over each other have at ``relative``, links not followed; None where there is nothing."""
    view = _view(layers, relative)
    return view.directories[-1] if view.directories else view.other


def find_file(layers: Sequence[Path], path: str) -> Path | None:
    """The regular file at ``path`` in the uppermost layer that has it; None where there is none."""
    try:
        found = find(layers, within(layers, path))
    except OutsideRoot:
        return None
    return found if found is not None and stat.S_ISREG(found.lstat().st_mode) else None


def directories(layers: Sequence[Path], relative: str) -> tuple[Path, ...]:
    """The directories that together are the one at ``relative``, lowest first, links not followed."""
    return _view(layers, relative).directories


def names_in(layers: Sequence[Path], directory: str) -> frozenset[str]:
    """The names in a directory of the layers laid over each other."""
    names: set[str] = set()
    hidden: set[str] = set()
    for one in reversed(directories(layers, directory)):
        for entry in os.scandir(one):
            if entry.name not in names and entry.name not in hidden:
                (hidden if is_whiteout(entry.stat(follow_symlinks=False)) else names).add(entry.name)
    return frozenset(names)


def is_whiteout(status: os.stat_result) -> bool:
    """A character device 0/0, as overlay file systems have it: the name is gone from here on upwards."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _view(layers: Sequence[Path], relative: str) -> _View:
    view = _View(tuple(layers))
    for part in relative.split("/") if relative else ():
        view = view.entry(part)
    return view
