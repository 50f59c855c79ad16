"""One hook of a service run alone, in a container that runs already: whoever runs it, and outside its life.

Nothing follows from how it ends: the container runs on, and no service waits for it.
"""

from __future__ import annotations

from datetime import timedelta

from boathook.compose.member_hooks import MemberExec
from boathook.compose.place import Member, ProjectPlace, member_target
from boathook.hooks import Deadline, OnDeadline, run_hook
from boathook.journal.context import Context
from boathook.model import Hook, HookResult


async def run_lone_hook(
    hook: Hook,
    project: str,
    member: Member,
    *,
    timeout: timedelta | None,
    place: ProjectPlace,
    context: Context,
) -> HookResult:
    """Run it as it would in the container's life. At ``timeout`` (None: its own limit, if it has one) it is ended."""
    limit = hook.timeout if timeout is None else timeout
    return await run_hook(
        hook,
        member_target(project, member),
        MemberExec(place, member),
        deadline=None if limit is None else Deadline(after=limit, then=OnDeadline.KILL),
        events=context.events,
        clock=context.clock,
    )
