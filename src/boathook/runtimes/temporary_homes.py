"""State directories for a while: nobody finds another's containers in them, and nothing of them stays.

What is dear is shared with a directory that stays: the images, and what was found out about this machine.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from boathook.home import Home
from boathook.runtimes.abilities import memory
from boathook.runtimes.trees import delete_tree

_MODE = 0o711
"""Containers of other users are entered through it."""


@contextmanager
def temporary_home(owner: Home) -> Iterator[Home]:
    """A directory inside of the owner's, with the owner's images; deleted at the end."""
    with fresh_directory(owner.path, "place-") as home:
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
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    path.chmod(_MODE)
    try:
        yield Home(path)
    finally:
        delete_tree(path)
