"""Where backups lie: the peers' object layout, one directory per backup. A visible backup is complete.

While a backup runs, its files lie under ``.in-progress/<name>``; the finished directory is moved into place whole, its
metadata written last.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import anyio.to_thread

from boathook.backup.archive import compact, write_archive
from boathook.backup.model import Backup, PodVolumeBackup, Problem
from boathook.backup.record import from_object, to_object
from boathook.cluster.base import key_of
from boathook.codec import to_json
from boathook.errors import Conflict, NotFound, OperationFailed
from boathook.home import Home
from boathook.model import JsonObject

METADATA = "velero-backup.json"
IN_PROGRESS = ".in-progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a backup holds besides its volumes' archives, which are written as they are copied."""

    objects: tuple[JsonObject, ...]
    volumes: tuple[PodVolumeBackup, ...]
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


class Staging(Protocol):
    """A backup that is being made."""

    @property
    def places(self) -> tuple[Path, ...]:
        """What must stay writable while volumes are frozen."""
        ...

    def log(self, line: str) -> None: ...

    def volume(self, namespace: str, pod: str, volume: str) -> tuple[Path, str]:
        """Where to write a volume's archive, and its key in the finished backup."""
        ...

    async def finish(self, backup: Backup, contents: Contents) -> str:
        """Write the rest and make it visible; returns where it lies. Raises ``OperationFailed``."""
        ...


class BackupStore(Protocol):
    """Where backups go."""

    def is_taken(self, name: str) -> bool: ...

    async def begin(self, backup: Backup) -> Staging:
        """Raises ``Conflict`` when a backup of that name exists or is being made."""
        ...


@dataclass(slots=True)
class DirectoryStaging:
    home: Home
    directory: Path
    final: Path

    @property
    def places(self) -> tuple[Path, ...]:
        return (self.home.path, self.home.journal, self.home.backups, self.directory)

    def log(self, line: str) -> None:
        # Best effort, as the peers upload it: a full disk must not keep a post hook from running.
        with (
            contextlib.suppress(OSError),
            (self.directory / _running_log(self.final.name)).open("a", encoding="utf-8") as log,
        ):
            log.write(f"{line}\n")

    def volume(self, namespace: str, pod: str, volume: str) -> tuple[Path, str]:
        key = f"volumes/{namespace}/{pod}/{volume}.tar.gz"
        path = self.directory / key
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path, key

    async def finish(self, backup: Backup, contents: Contents) -> str:
        try:
            await anyio.to_thread.run_sync(_finish, self.directory, self.final, backup, contents)
        except OSError as error:
            raise OperationFailed(f"cannot write the backup: {error}") from error
        return str(self.final)


@dataclass(frozen=True, slots=True)
class DirectoryStore:
    """Backups under ``$BOATHOOK_HOME/backups``."""

    home: Home

    def is_taken(self, name: str) -> bool:
        return (self.home.backups / name).exists()

    async def begin(self, backup: Backup) -> Staging:
        name = backup.spec.name
        directory = self.home.backups / IN_PROGRESS / name
        directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.is_taken(name):
            raise taken()
        try:
            directory.mkdir(mode=0o700)
        except FileExistsError as error:
            raise Conflict(
                f'backup "{name}" is still in progress',
                hint="if its command was killed, run boathook recover first",
            ) from error
        (directory / _running_log(name)).touch(mode=0o600)
        _write_record(directory, backup)
        return DirectoryStaging(self.home, directory, self.home.backups / name)

    # Reading.

    def list(self) -> tuple[Backup, ...]:
        """Every backup, the ones being made included, by name."""
        places = [*self.home.backups.glob(f"*/{METADATA}"), *self.home.backups.glob(f"{IN_PROGRESS}/*/{METADATA}")]
        found = (_read(path) for path in places)
        return tuple(sorted((one for one in found if one is not None), key=lambda one: one.spec.name))

    def get(self, name: str) -> Backup:
        """Raises ``NotFound``."""
        for directory in (self.home.backups / name, self.home.backups / IN_PROGRESS / name):
            if name and (found := _read(directory / METADATA)) is not None:
                return found
        raise NotFound(f'backup "{name}" does not exist')

    def json(self, name: str, suffix: str) -> object:
        """One of a finished backup's ``<name>-<suffix>.json.gz`` or ``-results.gz`` files; None where it has none."""
        path = self.home.backups / name / f"{name}-{suffix}.gz"
        try:
            return json.loads(gzip.decompress(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise OperationFailed(f"cannot read {path}: {error}") from error

    def log(self, name: str) -> str:
        """The log of a backup that has ended. Raises ``NotFound``, and ``OperationFailed`` before it has."""
        if not self.get(name).phase.ended:
            raise OperationFailed(
                f'logs for backup "{name}" are not available until it\'s finished processing, please wait until the '
                "backup has a phase of Completed or Failed and try again"
            )
        path = self.home.backups / name / f"{name}-logs.gz"
        try:
            return gzip.decompress(path.read_bytes()).decode(errors="replace")
        except OSError as error:
            raise OperationFailed(f"cannot read {path}: {error}") from error

    def put_in_place(self, name: str) -> None:
        """The last step of a backup whose record was written, and whose command died before it was moved."""
        directory = self.home.backups / IN_PROGRESS / name
        if directory.exists():
            _move(directory, self.home.backups / name)

    def discard(self, name: str) -> None:
        """Remove what a backup left that died before its record was written."""
        shutil.rmtree(self.home.backups / IN_PROGRESS / name, ignore_errors=True)

    def abandon(self, backup: Backup) -> bool:
        """End a backup whose command died: its record and its log stay, everything else goes. False: it had ended."""
        name = backup.spec.name
        directory = self.home.backups / IN_PROGRESS / name
        if not directory.exists():
            return False
        for path in directory.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in (METADATA, _running_log(name)):
                path.unlink()
        _finish(directory, self.home.backups / name, backup, None)
        return True


def taken() -> Conflict:
    """What a name that another backup has is refused with."""
    return Conflict("backup already exists in object storage", hint="choose another name")


def _running_log(name: str) -> str:
    return f"{name}-logs"


def _read(path: Path) -> Backup | None:
    try:
        return from_object(json.loads(path.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise OperationFailed(f"cannot read {path}: {error}") from error


def _finish(directory: Path, final: Path, backup: Backup, contents: Contents | None) -> None:
    """Write what is missing, the metadata last, and move the directory into its place."""
    name = backup.spec.name
    log = directory / _running_log(name)
    if log.exists():
        _write(directory / f"{name}-logs.gz", gzip.compress(log.read_bytes(), mtime=0))
        log.unlink()
    if contents is not None:
        write_archive(directory / f"{name}.tar.gz", contents.objects, backup.completed or backup.started)
        files = {
            "resource-list.json": resource_list(contents.objects),
            "results": results(contents.errors, contents.warnings),
            "podvolumebackups.json": [to_json(one) for one in contents.volumes],
        }
        for suffix, value in files.items():
            _write(directory / f"{name}-{suffix}.gz", gzip.compress(compact(value), mtime=0))
    _write_record(directory, backup)
    _move(directory, final)


def _write_record(directory: Path, backup: Backup) -> None:
    replacement = directory / f"{METADATA}.new"
    _write(replacement, _pretty(to_object(backup)))
    replacement.replace(directory / METADATA)
    _sync_directory(directory)


def _move(directory: Path, final: Path) -> None:
    directory.rename(final)
    _sync_directory(final.parent)


def resource_list(objects: Sequence[JsonObject]) -> dict[str, list[str]]:
    """``{"v1/Pod": ["default/db"]}``."""
    listed: dict[str, list[str]] = {}
    for obj in objects:
        key = key_of(obj, default_namespace="default")
        name = f"{key.namespace}/{key.name}" if key.namespace else key.name
        listed.setdefault(f"{obj.get('apiVersion', 'v1')}/{key.kind}", []).append(name)
    return {kind: sorted(names) for kind, names in listed.items()}


def results(errors: Sequence[Problem], warnings: Sequence[Problem]) -> dict[str, object]:
    """The results file: by namespace, the backup's own under ``velero`` (5.4)."""
    return {"errors": _by_place(errors), "warnings": _by_place(warnings)}


def _by_place(problems: Sequence[Problem]) -> dict[str, object]:
    namespaces: dict[str, list[str]] = {}
    own = []
    for problem in problems:
        if problem.namespace:
            namespaces.setdefault(problem.namespace, []).append(str(problem))
        else:
            own.append(str(problem))
    return ({"velero": own} if own else {}) | ({"namespaces": namespaces} if namespaces else {})


def _pretty(value: JsonObject) -> bytes:
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(slots=True)
class MemoryStore:
    """Keeps what a simulated backup would have written. Its own staging, as one lives at a time."""

    lines: list[str] = field(default_factory=list)
    backup: Backup | None = None
    contents: Contents | None = None

    @property
    def places(self) -> tuple[Path, ...]:
        return ()

    def is_taken(self, name: str) -> bool:
        return self.backup is not None and self.backup.spec.name == name

    async def begin(self, backup: Backup) -> Staging:
        if self.is_taken(backup.spec.name):
            raise taken()
        return self

    def log(self, line: str) -> None:
        self.lines.append(line)

    def volume(self, namespace: str, pod: str, volume: str) -> tuple[Path, str]:
        key = f"volumes/{namespace}/{pod}/{volume}.tar.gz"
        return Path(key), key

    async def finish(self, backup: Backup, contents: Contents) -> str:
        self.backup, self.contents = backup, contents
        return f"{backup.spec.name}.tar.gz"
