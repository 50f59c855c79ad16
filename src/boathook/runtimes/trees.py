"""Deleting what containers leave on disk, also what belongs to uids that only a user namespace can reach."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import boathook
from boathook.errors import PlaceError
from boathook.runtimes.identity import this_identity

_PROGRAM = "import sys; sys.path.append({path!r}); from boathook.runtimes.spawner.delete import main; main()"


def delete_tree(path: Path) -> None:
    """Delete a file or a directory with all in it; nothing is done where nothing is. Raises ``PlaceError``."""
    try:
        delete(str(path))
    except PermissionError as error:
        identity = this_identity()
        if identity.uids is None:
            raise PlaceError(f"'{path}' could not be deleted: {error.strerror}") from error
        _delete_as_namespace_root(path)
    except OSError as error:
        raise PlaceError(f"'{path}' could not be deleted: {error.strerror}") from error


def _delete_as_namespace_root(path: Path) -> None:
    import json

    program = _PROGRAM.format(path=str(Path(boathook.__file__).parent.parent))
    maps = json.dumps(this_identity().user_namespace())
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, maps, str(path)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise PlaceError(f"'{path}' could not be deleted: {done.stderr.strip().splitlines()[-1:]}")


def delete(path: str) -> None:
    """Directories are made accessible first: an overlay leaves a ``work/work`` with no permissions at all."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):
        with suppress(FileNotFoundError):
            os.unlink(path)
        return
    with suppress(FileNotFoundError):
        if stat.S_IMODE(mode) & 0o700 != 0o700:
            os.chmod(path, 0o700)
        for name in sorted(os.listdir(path), key=_record_last):
            delete(f"{path}/{name}")
        os.rmdir(path)


def _record_last(name: str) -> bool:
    """A crash in the middle then leaves a record, by which the rest is found again."""
    return name.endswith(".json")
