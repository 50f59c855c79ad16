"""One hook of a pod run alone, against a container that runs already: whoever runs it, and outside its life.

Nothing follows from how it ends: no container is killed, and nothing is counted against a grace period.
"""

from __future__ import annotations

from datetime import timedelta

from boathook.hooks import ContainerExec, Deadline, OnDeadline, run_hook
from boathook.journal import Context
from boathook.model import Hook, HookResult, Target
from boathook.runtimes.base import ContainerId, ContainerRuntime


async def run_lone_hook(
    hook: Hook,
    target: Target,
    container: ContainerId,
    *,
    timeout: timedelta | None,
    runtime: ContainerRuntime,
    context: Context,
) -> HookResult:
    """Run it with the container's user, environment and directory. At ``timeout`` it is ended (None: no limit)."""
    return await run_hook(
        hook,
        target,
        ContainerExec(runtime, container),
        deadline=None if timeout is None else Deadline(after=timeout, then=OnDeadline.KILL),
        events=context.events,
        clock=context.clock,
    )
