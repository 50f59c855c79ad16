"""Hooks that a crash left owing on an engine, whose containers, unlike the embedded ones, live on.

One that still runs needs nothing: nobody stops it any more. One that has ended or is gone did not get its hook: that
runs in a fresh container with the same volumes, which only waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import anyio

from boathook.codec import from_json
from boathook.compose.engine.listing import inspected
from boathook.compose.engine.pre_start import shared_mounts
from boathook.errors import NotFound
from boathook.hooks import run_hook
from boathook.hooks.owed import OWED_LABEL
from boathook.journal.context import Context
from boathook.journal.obligations import Obligation, ObligationState
from boathook.journal.recovery import Settled
from boathook.model import Hook, JsonObject
from boathook.runtimes.base import ExecSpec, Execution, OutputSink
from boathook.runtimes.docker import pause
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.executions import start_execution
from boathook.runtimes.docker.removal import remove_container
from boathook.runtimes.docker.specification import WAITING, exec_body

Found = Mapping[str, Any]

_CONFIG = ("Image", "Env", "User", "WorkingDir")
_HOST = ("NetworkMode", "Binds", "Mounts", "Tmpfs", "Privileged", "CapAdd", "CapDrop", "SecurityOpt", "ExtraHosts")


def owed(found: Found) -> JsonObject:
    """``found``: the container as the engine describes it. What of it a hook can notice."""
    return {
        "container": found["Id"],
        "Config": {key: found["Config"].get(key) for key in _CONFIG},
        "HostConfig": {key: found["HostConfig"].get(key) for key in _HOST},
        "Mounts": found.get("Mounts") or [],
    }


async def settle_stop(obligation: Obligation, context: Context, engine: Engine) -> Settled:
    """Run the owed hook where its container has ended."""
    payload = obligation.payload
    if await _runs(engine, str(payload["container"])):
        return Settled(ObligationState.MOOT, "its container runs on: it was not stopped")
    hook = from_json(Hook, payload["hook"])
    fresh = _Fresh(engine, fresh_body(payload, obligation.target.instance))
    try:
        result = await run_hook(
            hook, obligation.target, fresh, deadline=None, events=context.events, clock=context.clock
        )
    finally:
        with anyio.CancelScope(shield=True):
            await fresh.remove()
    if result.succeeded:
        return Settled(ObligationState.MET, f"{hook.name} was run again in a fresh container with the same volumes")
    return Settled(ObligationState.FAILED, f"{hook.name} failed again: {result.reason}")


async def _runs(engine: Engine, container: str) -> bool:
    try:
        return bool((await inspected(engine, container))["State"].get("Running"))
    except NotFound:
        return False


def fresh_body(payload: Found, instance: str) -> dict[str, Any]:
    """A container as the one that is gone, but for its program. Pure."""
    config, host = payload["Config"], payload["HostConfig"]
    kept = {key: value for key, value in host.items() if key not in ("Binds", "Mounts", "Tmpfs") and value}
    return {
        **{key: value for key, value in config.items() if value},
        "Entrypoint": [WAITING],
        "Cmd": [],
        "Labels": {OWED_LABEL: instance},
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": {**kept, **shared_mounts(payload), "RestartPolicy": {"Name": "no"}},
    }


@dataclass(slots=True)
class _Fresh:
    """Something that can exec, and is made when it is asked to."""

    engine: Engine
    body: Mapping[str, Any]
    made: str = ""

    async def exec(self, spec: ExecSpec, output: OutputSink) -> Execution:
        container = await self._made()
        known = {str(one).partition("=")[0] for one in self.body.get("Env") or ()}
        body = exec_body(spec, known, podman=self.engine.podman)
        return await start_execution(self.engine, container, body, output, stdin=spec.stdin)

    async def _made(self) -> str:
        if not self.made:
            made = await self.engine.call("POST", "containers/create", body=dict(self.body))
            self.made = str(made["Id"])
            content = pause.archive(await self.engine.learn_architecture(), WAITING)
            await self.engine.call("PUT", f"containers/{self.made}/archive", query={"path": "/"}, body=content)
            await self.engine.call("POST", f"containers/{self.made}/start")
        return self.made

    async def remove(self) -> None:
        if self.made:
            await remove_container(self.engine, self.made)
