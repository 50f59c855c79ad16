"""State directories for a while: nobody finds another's containers in them, and nothing of them stays.

What is dear is shared with a directory that stays: the images, and what was found out about this machine.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from boathook.errors import PlaceError
from boathook.home import Home
from boathook.runtimes.abilities import memory
from boathook.runtimes.processes import ProcessId, fresh_name, maker
from boathook.runtimes.trees import delete_tree

PLACE = "place-"
"""Begins the names of those inside of a state directory that stays."""

_MODE = 0o711
"""Containers of other users are entered through it."""


@contextmanager
def temporary_home(owner: Home) -> Iterator[Home]:
    """A directory inside of the owner's, with the owner's images; deleted at the end."""
    with fresh_directory(owner.path, PLACE) as home:
        share_images(owner, home)
        with suppress(FileNotFoundError):
            shutil.copy(memory(owner), memory(home))
        yield home
        with suppress(FileNotFoundError):
            shutil.copy(memory(home), memory(owner))


def share_images(owner: Home, home: Home) -> None:
    owner.images.mkdir(exist_ok=True, mode=_MODE)
    home.images.symlink_to(owner.images)


@contextmanager
def fresh_directory(parent: Path, prefix: str) -> Iterator[Home]:
    """A new directory, deleted at the end; before it, what killed processes have left of the same kind."""
    for left, _ in left_behind(parent, prefix):
        with suppress(PlaceError):
            delete_tree(left)
    path = parent / fresh_name(prefix)
    path.mkdir(mode=0o700)
    path.chmod(_MODE)
    try:
        yield Home(path)
    finally:
        delete_tree(path)


def left_behind(parent: Path, prefix: str) -> tuple[tuple[Path, ProcessId], ...]:
    """This user's directories whose process is dead, with that process."""
    found = []
    for path in sorted(parent.glob(f"{prefix}*")):
        owner = maker(path.name, prefix)
        with suppress(FileNotFoundError):
            if owner is not None and not owner.alive and path.lstat().st_uid == os.geteuid():
                found.append((path, owner))
    return tuple(found)
