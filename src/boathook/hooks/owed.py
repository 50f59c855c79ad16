"""Runs a hook that a dead owner owes: in a fresh container of the same specification, since its own died with it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import anyio

from boathook.errors import PlaceError, TargetError
from boathook.hooks.runner import Deadline, run_hook
from boathook.journal.context import Context
from boathook.model import Hook, HookResult, Target
from boathook.runtimes.base import (
    ContainerId,
    ContainerRuntime,
    ContainerSpec,
    ExecSpec,
    Execution,
    OutputSink,
    Request,
    Response,
    SandboxId,
    SandboxSpec,
)

log = logging.getLogger(__name__)

REMOVE_SECONDS = 15.0
"""How long removing the fresh container may take; what is left of it then is swept later."""

OWED_LABEL = "boathook.io/owed-for"
"""The instance whose hook the fresh container runs. It has no other label: it is nobody's pod or service."""


async def run_owed_hook(
    runtime: ContainerRuntime,
    container: ContainerSpec,
    sandbox: SandboxSpec,
    hook: Hook,
    target: Target,
    context: Context,
    deadline: Deadline | None,
) -> HookResult:
    """Run ``hook`` in a fresh container that only waits, with the volumes of the old one, and remove it.

    A container that cannot be made (its volume is gone, say) is a hook that could not start. ``target`` is the
    instance that the hook was owed to.
    """
    labels = {OWED_LABEL: target.instance}
    fresh = _FreshContainer(
        runtime=runtime,
        sandbox=replace(sandbox, labels=labels),
        container=replace(container, labels=labels, command=(), termination_message_path=None),
    )
    try:
        return await run_hook(hook, target, fresh, deadline=deadline, events=context.events, clock=context.clock)
    finally:
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + REMOVE_SECONDS):
            await fresh.remove()


@dataclass(slots=True, kw_only=True)
class _FreshContainer:
    """Something that can exec and be asked, and is made when it is asked to."""

    runtime: ContainerRuntime
    sandbox: SandboxSpec
    container: ContainerSpec
    made_sandbox: SandboxId | None = None
    made_container: ContainerId | None = None

    async def exec(self, spec: ExecSpec, output: OutputSink) -> Execution:
        return await self.runtime.exec(await self._made(), spec, output)

    async def request(self, request: Request, *, label: str) -> Response:
        """What the old container served is gone with it: only a request to another host can still be answered."""
        return await self.runtime.request(await self._made(), request, label=label)

    async def _made(self) -> ContainerId:
        if self.made_container is None:
            self.made_sandbox = await self.runtime.create_sandbox(self.sandbox)
            self.made_container = await self.runtime.create(replace(self.container, sandbox=self.made_sandbox))
            await self.runtime.start(self.made_container)
        return self.made_container

    async def remove(self) -> None:
        try:
            if self.made_container is not None:
                await self.runtime.remove(self.made_container)
            if self.made_sandbox is not None:
                await self.runtime.remove_sandbox(self.made_sandbox)
        except (TargetError, PlaceError) as error:
            # How the hook ended is what counts; the sweep removes what is left.
            log.warning("could not remove a container in which an owed hook ran: %s", error)
