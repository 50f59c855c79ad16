"""Removes what dead owners left behind: processes, directories, sandboxes. What has a living owner is not touched."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from boathook.errors import PlaceError
from boathook.home import Home
from boathook.runtimes.processes import ProcessId, maker
from boathook.runtimes.records import Records
from boathook.runtimes.temporary_homes import PLACE, left_behind
from boathook.runtimes.trees import delete_tree

_END_SECONDS = 5.0
"""How long a killed process is waited for. One that writes to a frozen file system ends only when that is thawed."""


def sweep(home: Home) -> tuple[str, ...]:
    """One sentence for each thing that was removed, or could not be."""
    return (*_sweep_containers(home), *_sweep_sandboxes(home), *_sweep_unfinished(home), *_sweep_places(home))


def _sweep_containers(home: Home) -> Iterator[str]:
    records = Records(home)
    for record in tuple(records.containers()):
        if record.owner.alive:
            continue
        what = f"container {record.spec.name!r}"
        if record.process is not None and not _end(record.process):
            yield f"{what} could not be ended: it sleeps uninterruptibly (a file system that it uses may be frozen)"
            continue
        yield _delete(records.directory(record.id), what, record.owner)


def _sweep_sandboxes(home: Home) -> Iterator[str]:
    records = Records(home)
    for record in tuple(records.sandboxes()):
        if not record.owner.alive:
            _end(record.holder)
            yield _delete(records.directory(record.id), f"sandbox {record.spec.name!r}", record.owner)


def _sweep_unfinished(home: Home) -> Iterator[str]:
    """Directories that were being made, and empty ones of which a removal was interrupted at its very end."""
    for parent in (home.containers, home.volumes):
        if not parent.is_dir():
            continue
        for path in sorted(parent.iterdir()):
            owner = maker(path.name)
            if owner is not None and not owner.alive:
                yield _delete(path, "an unfinished directory", owner)
            elif owner is None:
                with suppress(OSError):
                    path.rmdir()


def _sweep_places(home: Home) -> Iterator[str]:
    for path, owner in left_behind(home.path, PLACE):
        yield _delete(path, "a temporary state directory", owner)


def _delete(path: Path, what: str, owner: ProcessId) -> str:
    try:
        delete_tree(path)
    except PlaceError as error:
        return str(error)
    return f"removed {what}, which process {owner.pid} left behind"


def _end(process: ProcessId) -> bool:
    """Kill it and wait until it has ended. True when nothing of it is left."""
    try:
        descriptor = process.open()
    except ProcessLookupError:
        return True
    try:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        return bool(select.select([descriptor], [], [], _END_SECONDS)[0])
    finally:
        os.close(descriptor)
