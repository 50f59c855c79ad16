"""Reads and writes files as a container sees them: ``main`` of a short-lived process. Argv: what is asked, as JSON.

It enters the container's mounts first, so that every link in a path is followed there and leads out of nothing. From
then on no file of Python's library can be seen, so everything used here is imported by then.
"""

from __future__ import annotations

import json
import os
import posixpath
import sys
import tarfile
from typing import Any, BinaryIO

from boathook.runtimes.spawner import syscalls
from boathook.runtimes.spawner.stat import start_time

NOT_FOUND = 3
"""Exit code where nothing stands at the path."""
FAILED = 4


def main() -> None:
    asked = json.loads(sys.argv[1])
    try:
        _enter(asked)
        _ACTS[asked["do"]](asked)
        sys.stdout.flush()
    except (FileNotFoundError, NotADirectoryError) as error:
        _end(NOT_FOUND, error)
    except (OSError, tarfile.TarError) as error:
        _end(FAILED, error)
    os._exit(0)


def _end(code: int, error: Exception) -> None:
    """At once: the interpreter has nothing to put in order, and could load nothing for it."""
    os.write(2, str(getattr(error, "strerror", None) or error).encode())
    os._exit(code)


def _enter(asked: dict[str, Any]) -> None:
    for key, namespaces in (("sandbox", syscalls.NEWUSER), ("container", syscalls.NEWNS)):
        if key in asked:
            pid, start = asked[key]
            descriptor = os.pidfd_open(pid)
            if start_time(pid) != start:
                raise ProcessLookupError(0, "the container has ended")
            syscalls.setns(descriptor, namespaces)
            os.close(descriptor)


def _stat(asked: dict[str, Any]) -> None:
    found = os.lstat(asked["path"])
    link = os.readlink(asked["path"]) if os.path.islink(asked["path"]) else ""
    json.dump({"mode": found.st_mode, "size": found.st_size, "link": link}, sys.stdout)


def _read(asked: dict[str, Any]) -> None:
    path = asked["path"]
    os.lstat(path)
    name = posixpath.basename(path.rstrip("/")) or "/"
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        archive.add(path, arcname=name)


def _write(asked: dict[str, Any]) -> None:
    """Owners are numbers: the names in an archive are those of another machine."""
    directory, owner = asked["path"], asked["owner"]
    if not os.path.isdir(directory):
        os.stat(directory)
        raise NotADirectoryError(0, "not a directory")
    source: BinaryIO = sys.stdin.buffer
    with tarfile.open(fileobj=source, mode="r|*") as archive:
        # What leads out of the directory leads to other files of the container, which are its owner's anyway. Early
        # releases of Python 3.11 have no filters, and later ones none by default.
        archive.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
        for member in archive:
            if owner is not None:
                member.uid, member.gid = owner
            archive.extract(member, directory, numeric_owner=True)
            if owner is not None and os.geteuid() == 0:
                os.chown(os.path.join(directory, member.name), *owner, follow_symlinks=False)


_ACTS = {"stat": _stat, "read": _read, "write": _write}
