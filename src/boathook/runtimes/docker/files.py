"""Files that a container gets from us, and those that are read when it has ended.

Where the engine is on this machine they are mounted; one elsewhere is given and asked for archives.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boathook.errors import NotFound
from boathook.runtimes.base import ContainerSpec, Mount
from boathook.runtimes.docker import pause
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.images import file_in
from boathook.runtimes.docker.labels import DIRECTORY, MESSAGE
from boathook.runtimes.docker.sandboxes import SandboxDirectories, message_text
from boathook.runtimes.docker.specification import WAITING


@dataclass(frozen=True, slots=True)
class ContainerFiles:
    engine: Engine
    directories: SandboxDirectories

    def mounts(self, spec: ContainerSpec, directory: str, token: str) -> tuple[Mount, ...]:
        """The file for its termination message, and the program that waits where it has no command."""
        if not self.engine.endpoint.local:
            return ()
        mounts = []
        if spec.termination_message_path is not None:
            file = self.directories.message_file(directory, token)
            mounts.append(Mount(source=str(file), target=spec.termination_message_path))
        if not spec.command:
            program = self.directories.waiting_program(directory, pause.program(self.engine.architecture))
            mounts.append(Mount(source=str(program), target=WAITING, read_only=True))
        return tuple(mounts)

    async def put(self, container: str, spec: ContainerSpec) -> None:
        """What could not be mounted."""
        if not spec.command and not self.engine.endpoint.local:
            content = pause.archive(self.engine.architecture, WAITING)
            await self.engine.call("PUT", f"containers/{container}/archive", query={"path": "/"}, body=content)

    async def termination_message(self, found: Mapping[str, Any], path: str) -> str:
        """``found``: what the engine says of the container."""
        labels = found["Config"]["Labels"]
        if self.engine.endpoint.local:
            return self.directories.message(labels.get(DIRECTORY, ""), labels.get(MESSAGE, ""))
        with contextlib.suppress(NotFound):
            return message_text(file_in(await self.engine.archive(found["Id"], path)))
        return ""
