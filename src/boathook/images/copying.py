"""Copying directories into images, and laying layers over each other where they cannot stay apart."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from boathook.images.removal import delete
from boathook.images.tree import is_whiteout


def copy_directory(source: Path, root: Path) -> None:
    """Copy a directory's content into ``root``; root keeps the owners. Sockets and devices are left out."""
    for directory, names, files in os.walk(source):
        target = root / os.path.relpath(directory, source)
        for name in (*names, *files):
            _copy(Path(directory, name), target / name)
        names[:] = [name for name in names if not Path(directory, name).is_symlink()]


def _copy(source: Path, target: Path) -> None:
    status = source.lstat()
    if stat.S_ISLNK(status.st_mode):
        target.symlink_to(os.readlink(source))
    elif stat.S_ISDIR(status.st_mode):
        target.mkdir()
        target.chmod(stat.S_IMODE(status.st_mode) | 0o700)
    elif stat.S_ISREG(status.st_mode):
        shutil.copy2(source, target)
    else:
        return
    if os.geteuid() == 0:
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
        if stat.S_ISREG(status.st_mode):
            target.chmod(stat.S_IMODE(status.st_mode))


def merge(layers: Sequence[Path], hidden: Sequence[str], top: Path, target: Path) -> None:
    """Lay ``layers`` and then ``top``, which hides names of them, into the empty ``target``; files are linked."""
    for layer in layers:
        _lay_over(layer, target)
    for place in hidden:
        delete(target / place)
    _lay_over(top, target)


def _lay_over(layer: Path, target: Path) -> None:
    directories = []
    for directory, names, files in os.walk(layer):
        place = target / os.path.relpath(directory, layer)
        for name in (*names, *files):
            if _lay(Path(directory, name), place / name):
                directories.append((Path(directory, name), place / name))
        names[:] = [name for name in names if not Path(directory, name).is_symlink()]
    for source, made in reversed(directories):
        _look_like(source, made)


def _lay(source: Path, target: Path) -> bool:
    """Whether it is a directory, whose looks are set when all is in it."""
    status = source.lstat()
    if stat.S_ISDIR(status.st_mode):
        if target.is_symlink() or not target.is_dir():
            delete(target)
            target.mkdir(mode=0o700)
        return True
    delete(target)
    if not is_whiteout(status):
        os.link(source, target, follow_symlinks=False)
    return False


def _look_like(source: Path, target: Path) -> None:
    status = source.stat()
    if os.geteuid() == 0:
        os.chown(target, status.st_uid, status.st_gid)
    target.chmod(stat.S_IMODE(status.st_mode))
    os.utime(target, (status.st_mtime, status.st_mtime))
