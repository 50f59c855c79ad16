"""Containers of an engine, for tests: a runtime with one sandbox and an image that the engine has."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from boathook.home import Home
from boathook.runtimes.base import NetworkMode, PullPolicy, SandboxSpec
from boathook.runtimes.docker.endpoint import Endpoint, find_endpoint
from boathook.runtimes.docker.runtime import DockerRuntime
from tests.peers.docker import IMAGE
from tests.runtimes.build import Place


@asynccontextmanager
async def an_engine_place(
    home: Home,
    endpoint: Endpoint | None = None,
    *,
    network: NetworkMode = NetworkMode.POD,
    keep: bool = False,
    **changes: Any,
) -> AsyncIterator[Place]:
    """``changes`` are those of the sandbox."""
    async with DockerRuntime(home, endpoint=endpoint or find_endpoint(os.environ), offline=True, keep=keep) as runtime:
        image = await runtime.resolve_image(IMAGE, PullPolicy.IF_NOT_PRESENT)
        spec = SandboxSpec(name="pod", hostname="pod-host", network=network, labels={}, **changes)
        yield Place(runtime, image, await runtime.create_sandbox(spec))
