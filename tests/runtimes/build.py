"""Containers for tests of runtimes: everything has a default, so that a test names only what it is about."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from boathook.home import Home
from boathook.model import Stream
from boathook.runtimes.base import (
    ContainerId,
    ContainerRuntime,
    ContainerSpec,
    ExecSpec,
    Exit,
    Image,
    ImageConfig,
    NetworkMode,
    PullPolicy,
    SandboxId,
    SandboxSpec,
)
from boathook.runtimes.bubblewrap import BubblewrapRuntime

MINE = f"{os.geteuid()}:{os.getegid()}"
"""A user that every place can give: our own."""

ROOT = os.geteuid() == 0

IDLE = 'trap "exit 42" TERM; echo up; while :; do sleep 60 & wait $!; done'
"""A main process that ends with 42 when it is asked to."""

_PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"


def an_image(home: Home) -> Image:
    """A root of mount points with the host's own programs in it, as stand-ins have it."""
    root = home.path / "skeleton"
    if not root.exists():
        for name in ("dev", "etc", "proc", "sys", "tmp", "var/run"):
            (root / name).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        (root / "etc/passwd").write_text(_PASSWD)
        (root / "run").symlink_to("var/run")
    return Image(
        reference="skeleton", origin="image map", stand_in=False, layers=(root,), host_system=True, config=ImageConfig()
    )


class OneImage:
    """Resolves every reference to the same image."""

    def __init__(self, image: Image) -> None:
        self._image = image

    async def resolve(self, reference: str, policy: PullPolicy) -> Image:
        return replace(self._image, reference=reference)


class Place:
    """A runtime with one sandbox, and short ways to do the usual things in it."""

    def __init__(self, runtime: ContainerRuntime, image: Image, sandbox: SandboxId) -> None:
        self.runtime = runtime
        self.image = image
        self.sandbox = sandbox

    def spec(self, script: str = IDLE, **changes: Any) -> ContainerSpec:
        spec = ContainerSpec(
            name="app",
            labels={},
            sandbox=self.sandbox,
            image=self.image,
            command=("sh", "-c", script),
            environment=(),
            working_dir="/",
            user="0:0",
        )
        return replace(spec, **changes)

    async def started(self, script: str = IDLE, **changes: Any) -> ContainerId:
        container = await self.runtime.create(self.spec(script, **changes))
        await self.runtime.start(container)
        return container

    async def ready(self, script: str = IDLE, **changes: Any) -> ContainerId:
        """Started, and its first line has been written."""
        container = await self.started(script, **changes)
        async for _ in self.runtime.logs(container, follow=True):
            break
        return container

    async def run(self, container: ContainerId, *command: str, **changes: Any) -> tuple[Exit, str, str]:
        """Exit, stdout and stderr of an exec."""
        kept = {Stream.STDOUT: b"", Stream.STDERR: b""}

        def keep(stream: Stream, chunk: bytes) -> None:
            kept[stream] += chunk

        execution = await self.runtime.exec(container, ExecSpec(command=command, **changes), keep)
        ended = await execution.wait()
        return ended, kept[Stream.STDOUT].decode(), kept[Stream.STDERR].decode()

    async def log(self, container: ContainerId) -> list[str]:
        return [line.text async for line in self.runtime.logs(container)]


@asynccontextmanager
async def a_place(
    home: Home,
    *,
    network: NetworkMode = NetworkMode.POD,
    kind: type[BubblewrapRuntime] = BubblewrapRuntime,
    **changes: Any,
) -> AsyncIterator[Place]:
    image = an_image(home)
    async with kind(home, images=OneImage(image)) as runtime:
        spec = SandboxSpec(name="pod", hostname="pod-host", network=network, labels={}, **changes)
        yield Place(runtime, image, await runtime.create_sandbox(spec))


def ignored(stream: Stream, chunk: bytes) -> None:
    """An output sink for those who do not look."""


def left_in(home: Home) -> list[str]:
    """What is left of containers and sandboxes on disk."""
    return sorted(path.name for path in home.containers.iterdir())


def namespace(pid: int | str, kind: str) -> str:
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def processes_below(path: Path) -> list[int]:
    """Processes that name ``path`` in their command line or environment."""
    needle = os.fsencode(path)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                texts = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:
                continue
            if any(needle in text for text in texts):
                found.append(int(entry.name))
    return found
