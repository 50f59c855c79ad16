"""Reads and writes the files of a container, through a process that enters its mounts."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import boathook
from boathook.errors import NotFound, PlaceError
from boathook.runtimes.inside import FileFacts
from boathook.runtimes.processes import ProcessId
from boathook.runtimes.records import SandboxRecord
from boathook.runtimes.spawner.archive import NOT_FOUND

_PROGRAM = "import sys; sys.path.append({path!r}); from boathook.runtimes.spawner.archive import main; main()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The files that a process of a container sees. Every method blocks: call it in a thread."""

    name: str
    """The container's, for messages."""
    process: ProcessId
    sandbox: SandboxRecord

    def stat(self, path: str) -> FileFacts:
        found = json.loads(self._asked({"do": "stat", "path": path}))
        return FileFacts(mode=found["mode"], size=found["size"], link_target=found["link"])

    def read(self, path: str, into: BinaryIO) -> None:
        self._asked({"do": "read", "path": path}, into=into)

    def write(self, directory: str, archive: BinaryIO, owner: tuple[int, int] | None) -> None:
        asked: dict[str, object] = {"do": "write", "path": directory, "owner": None if owner is None else list(owner)}
        self._asked(asked, source=archive)

    def _asked(
        self, asked: dict[str, object], *, source: BinaryIO | None = None, into: BinaryIO | None = None
    ) -> bytes:
        where: dict[str, object] = {"container": [self.process.pid, self.process.start]}
        if self.sandbox.user_namespace:
            where["sandbox"] = [self.sandbox.holder.pid, self.sandbox.holder.start]
        program = _PROGRAM.format(path=str(Path(boathook.__file__).parent.parent))
        with subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", program, json.dumps({**where, **asked})],
            stdin=subprocess.DEVNULL if source is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            if source is not None and process.stdin is not None:
                _feed(source, process.stdin)
            assert process.stdout is not None
            assert process.stderr is not None
            said = b""
            if into is None:
                said = process.stdout.read()
            else:
                shutil.copyfileobj(process.stdout, into)
            why = process.stderr.read().decode(errors="replace").strip()
        self._judge(process.returncode, str(asked["path"]), why)
        return said

    def _judge(self, code: int, path: str, why: str) -> None:
        if code == NOT_FOUND:
            raise NotFound(f"could not find the file {path} in container {self.name}: {why}")
        if code != 0:
            raise PlaceError(f"could not copy {path} of container {self.name}: {why.splitlines()[-1:] or code}")


def _feed(source: BinaryIO, process: BinaryIO | object) -> None:
    """One that refuses what it is given says so itself."""
    try:
        shutil.copyfileobj(source, process)  # type: ignore[arg-type]  # a pipe of Popen's
        process.close()  # type: ignore[union-attr]
    except BrokenPipeError:
        return
