"""What is owed while pre_stop hooks run: each of them, until it has ended.

If this process dies meanwhile, ``recover`` settles what is left: embedded containers died with their owner, and their
hooks are run in fresh ones with the same volumes; a container in an engine that runs on needs nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from boathook.codec import to_json
from boathook.compose.place import Member
from boathook.compose.scene import Scene
from boathook.events import ObligationOpened
from boathook.journal.context import Context
from boathook.journal.obligations import Obligation, ObligationState
from boathook.journal.owed import settle
from boathook.model import Exec, Hook, JsonObject, Target

KIND = "compose.stop"


@dataclass(slots=True)
class PreStopDebts:
    """The debts of one container's stop, in the order of its hooks."""

    context: Context
    _open: deque[Obligation] = field(default_factory=deque)

    async def open(self, hook: Hook, target: Target, payload: JsonObject) -> None:
        """Write that ``hook`` is owed; it holds when this returns."""
        command = " ".join(hook.handler.command) if isinstance(hook.handler, Exec) else ""
        description = f"run {hook.name} of {target} ({command})"
        obligation = await self.context.obligations.open(
            kind=KIND, target=target, description=description, payload=payload
        )
        self._open.append(obligation)
        self.context.events.emit(ObligationOpened(obligation=obligation.id, description=description))

    async def met(self) -> None:
        """The oldest open one has been paid: its hook has ended."""
        await settle(self.context, self._open.popleft(), ObligationState.MET, "the hook has run")

    async def drop_rest(self, reason: str) -> None:
        """Nothing more is owed: the stop does not go on, or its container has ended."""
        while self._open:
            await settle(self.context, self._open.popleft(), ObligationState.MOOT, reason)


@asynccontextmanager
async def pre_stop_debts(scene: Scene, member: Member, hooks: tuple[Hook, ...]) -> AsyncIterator[PreStopDebts]:
    """Owe every one of ``hooks`` before the first starts; what is left when the block ends is owed no longer."""
    debts = PreStopDebts(scene.context)
    try:
        for hook in hooks:
            owed = await scene.place.owed(scene.project, member, hook)
            await debts.open(hook, scene.target(member), {"hook": to_json(hook), **owed})
        yield debts
    finally:
        await debts.drop_rest("the stop did not go on")
