"""What an engine tells of this process's containers, as it happens."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

import anyio

from boathook.errors import BoathookError
from boathook.runtimes.base import ContainerId, RuntimeEvent
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.labels import INSTANCE, container_spec, filters
from boathook.runtimes.docker.state import exit_of_code
from boathook.runtimes.subscriptions import Subscriptions

log = logging.getLogger(__name__)

_WORDS = {
    "create": "created",
    "start": "started",
    "die": "exited",
    "died": "exited",
    "destroy": "removed",
    "remove": "removed",
}
"""Docker's words, and Podman's where they are others."""
_AGAIN_SECONDS = 1.0


class EventWatch:
    """Follows the engine's events from ``open`` until ``close``, and tells them to who asks."""

    def __init__(self, engine: Engine, instance: str) -> None:
        self._engine = engine
        self._instance = instance
        self.subscriptions: Subscriptions[RuntimeEvent] = Subscriptions()
        self._listening = anyio.Event()
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """From its return on, nothing is missed."""
        self._task = asyncio.create_task(self._follow())
        await self._listening.wait()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _follow(self) -> None:
        wanted = filters({INSTANCE: self._instance})
        query = {"filters": {**wanted["filters"], "type": ["container"]}}
        while True:
            try:
                async with self._engine.stream("GET", "events", query=query) as content:
                    self._listening.set()
                    while line := await content.readline():
                        self._tell(json.loads(line))
            except BoathookError as error:
                log.warning("the engine's events are lost: %s", error)
            self._listening.set()
            await anyio.sleep(_AGAIN_SECONDS)

    def _tell(self, event: Mapping[str, Any]) -> None:
        word = _WORDS.get(event.get("Action") or event.get("status") or "")
        attributes = (event.get("Actor") or {}).get("Attributes") or {}
        spec = container_spec(attributes)
        if word is None or spec is None:
            return
        code = str(attributes.get("exitCode") or attributes.get("containerExitCode") or "")
        self.subscriptions.tell(
            RuntimeEvent(
                container=ContainerId(event["Actor"]["ID"]),
                name=spec.name,
                what=word,
                exit=exit_of_code(int(code) if code.isdigit() else None) if word == "exited" else None,
            )
        )
