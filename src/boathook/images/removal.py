"""Deleting a tree that may hold directories without permissions. What is gone already is no failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

PART = ".part"
"""How a blob is called that has not come wholly yet."""


def delete(path: Path) -> None:
    """Delete a directory with all that is in it, or a file."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, onerror=_retry)
    else:
        path.unlink(missing_ok=True)


def delete_blobs(directory: Path, *, unfinished: bool) -> int:
    """Remove whole blobs, and ``unfinished`` ones too; the bytes that this freed. Only while no pull is going on."""
    freed = 0
    for path in directory.iterdir() if directory.is_dir() else ():
        if unfinished or path.suffix != PART:
            freed += path.stat().st_size
            path.unlink()
    return freed


def _retry(function: Callable[..., Any], path: str, reason: Any) -> None:
    error = reason[1]
    if isinstance(error, FileNotFoundError):
        return
    if not isinstance(error, PermissionError):
        raise error
    for place in (os.path.dirname(path), path):
        if os.path.isdir(place) and not os.path.islink(place):
            os.chmod(place, 0o700)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
