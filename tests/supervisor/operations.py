"""Operations that only tests ask for."""

from __future__ import annotations

import anyio

from boathook.events import PhaseChanged
from boathook.journal import Context
from boathook.model import JsonObject, Target
from boathook.supervisor.host import Host

TARGET = Target(kind="object", scope="default", name="Test/test", instance="1")

ended: list[str] = []
"""How each ``wait`` ended."""

let_go = [anyio.Event()]
"""What every ``wait`` waits for."""


async def wait(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """Say that it has begun, and wait."""
    context.events.emit(PhaseChanged(target=TARGET, phase="Begun", reason=None))
    try:
        await let_go[0].wait()
    except anyio.get_cancelled_exc_class():
        ended.append("cancelled")
        raise
    ended.append("finished")
    return {"done": True}


async def fail(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """A bug."""
    return {"never": params["missing"]}


async def owe(host: Host, params: JsonObject, context: Context) -> JsonObject:
    """Open a debt and leave it."""
    debt = await context.obligations.open(kind="test.debt", target=TARGET, description="pay", payload={})
    return {"run": debt.run}
