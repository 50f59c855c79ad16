"""What is written down of each container and sandbox, so that other processes and later commands find them."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from boathook.codec import CodecError, from_json, to_json
from boathook.errors import NotFound
from boathook.home import Home
from boathook.runtimes.base import Container, ContainerId, ContainerSpec, ContainerState, Exit, SandboxId, SandboxSpec
from boathook.runtimes.processes import ProcessId, fresh_name

R = TypeVar("R")

_CONTAINER = "record.json"
_SANDBOX = "sandbox.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxRecord:
    """What any process can know of a sandbox."""

    id: SandboxId
    spec: SandboxSpec
    owner: ProcessId
    holder: ProcessId
    user_namespace: bool
    """It has a user namespace of its own, as everything of an ordinary user has."""
    single_user: bool
    plain: bool = False
    """It has no namespaces of its own: its containers are processes among all others of the machine."""
    """That namespace has one uid only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerRecord:
    """What any process can know of a container."""

    id: ContainerId
    spec: ContainerSpec
    owner: ProcessId
    uid: int
    gid: int
    state: ContainerState
    process: ProcessId | None
    created: datetime
    started: datetime | None
    finished: datetime | None
    exit: Exit | None
    termination_message: str
    paused: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    last_exit: Exit | None = None

    def as_seen(self) -> ContainerRecord:
        """As it stands: what its record says it runs may have ended with its owner, unseen."""
        if self.state is ContainerState.EXITED or self.owner.alive:
            return self
        return replace(self, state=ContainerState.EXITED, exit=self.exit or Exit(code=None, signal=None))

    def container(self) -> Container:
        seen = self.as_seen()
        running = seen.state is ContainerState.RUNNING and seen.process is not None
        return Container(
            id=self.id,
            spec=self.spec,
            state=seen.state,
            user=f"{self.uid}:{self.gid}",
            pid=self.process.pid if running and self.process else None,
            created=self.created,
            started=self.started,
            finished=self.finished,
            exit=seen.exit,
            termination_message=self.termination_message,
            owner_alive=self.owner.alive,
            paused=running and self.paused,
            notes=self.notes,
            last_exit=self.last_exit,
        )


def record_name(record: ContainerRecord | SandboxRecord) -> str:
    return _CONTAINER if isinstance(record, ContainerRecord) else _SANDBOX


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one state directory. A record appears whole or not at all."""

    home: Home

    def directory(self, name: ContainerId | SandboxId) -> Path:
        return self.home.containers / name

    def fresh_directory(self) -> Path:
        """A directory for something that is being made."""
        path = self.home.containers / fresh_name()
        path.mkdir(mode=0o700)
        return path

    def publish(self, fresh: Path, record: ContainerRecord | SandboxRecord) -> None:
        """The finished directory takes its place, with its record in it."""
        self._write(fresh, record)
        fresh.rename(self.directory(record.id))

    def write(self, record: ContainerRecord | SandboxRecord) -> None:
        """Replace the record. Raises ``FileNotFoundError`` when somebody has removed the container."""
        self._write(self.directory(record.id), record)

    def _write(self, directory: Path, record: ContainerRecord | SandboxRecord) -> None:
        path = f"{directory}/{record_name(record)}"
        fresh = f"{path.removesuffix('.json')}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb", buffering=0) as file:
            text = memoryview(json.dumps(to_json(record)).encode())
            while text:
                text = text[file.write(text) :]
        os.rename(fresh, path)

    def container(self, container: ContainerId) -> ContainerRecord:
        found = self._read(self.directory(container) / _CONTAINER, ContainerRecord)
        if found is None:
            raise NotFound(f"no container {container!r}")
        return found

    def sandbox(self, sandbox: SandboxId) -> SandboxRecord:
        found = self._read(self.directory(sandbox) / _SANDBOX, SandboxRecord)
        if found is None:
            raise NotFound(f"no sandbox {sandbox!r}")
        return found

    def containers(self, *, besides: Collection[str] = ()) -> Iterator[ContainerRecord]:
        """All of them, whoever runs them, but those named in ``besides``."""
        yield from self._all(_CONTAINER, ContainerRecord, besides)

    def sandboxes(self) -> Iterator[SandboxRecord]:
        yield from self._all(_SANDBOX, SandboxRecord, ())

    def _all(self, name: str, kind: type[R], besides: Collection[str]) -> Iterator[R]:
        try:
            directories = list(os.scandir(self.home.containers))
        except FileNotFoundError:
            return
        for directory in directories:
            if directory.name.startswith(".") or directory.name in besides:
                continue
            found = self._read(Path(directory.path) / name, kind)
            if found is not None:
                yield found

    def _read(self, path: Path, kind: type[R]) -> R | None:
        """None for what is not there, was written by another version or is not ours to read."""
        try:
            return from_json(kind, json.loads(path.read_bytes()))
        except (OSError, ValueError, CodecError):
            return None
