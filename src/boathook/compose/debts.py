"""What is owed while pre_stop hooks run: each of them, until it has ended.

If this process dies meanwhile, its containers die with it; the hooks that had not ended are then run by ``recover`` in
a fresh container of the same specification, whose named volumes are the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from boathook.codec import to_json
from boathook.events import ObligationOpened
from boathook.journal.context import Context
from boathook.journal.obligations import Obligation, ObligationState
from boathook.journal.owed import settle
from boathook.model import Exec, Hook, Target
from boathook.runtimes.base import ContainerSpec, SandboxSpec

KIND = "compose.stop"


@dataclass(slots=True)
class PreStopDebts:
    """The debts of one container's stop, in the order of its hooks."""

    context: Context
    _open: deque[Obligation] = field(default_factory=deque)

    async def open(self, hook: Hook, target: Target, container: ContainerSpec, sandbox: SandboxSpec) -> None:
        """Write that ``hook`` is owed; it holds when this returns."""
        command = " ".join(hook.handler.command) if isinstance(hook.handler, Exec) else ""
        description = f"run {hook.name} of {target} ({command})"
        obligation = await self.context.obligations.open(
            kind=KIND,
            target=target,
            description=description,
            payload={"hook": to_json(hook), "container": to_json(container), "sandbox": to_json(sandbox)},
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
async def pre_stop_debts(
    context: Context, hooks: tuple[Hook, ...], target: Target, container: ContainerSpec, sandbox: SandboxSpec
) -> AsyncIterator[PreStopDebts]:
    """Owe every one of ``hooks`` before the first starts; what is left when the block ends is owed no longer."""
    debts = PreStopDebts(context)
    try:
        for hook in hooks:
            await debts.open(hook, target, container, sandbox)
        yield debts
    finally:
        await debts.drop_rest("the stop did not go on")
