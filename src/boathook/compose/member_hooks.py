"""Runs the hooks of one container as a command wishes it: their deadlines, and which failures stop the command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from boathook.compose.failures import helper_failure, hook_failure
from boathook.compose.labels import SHORT_ID
from boathook.compose.model import Project, Service
from boathook.compose.options import HookWishes
from boathook.compose.place import Member, ProjectPlace, Ready
from boathook.compose.scene import Scene
from boathook.errors import NotFound, OperationFailed
from boathook.hooks import run_hook
from boathook.hooks.runner import Deadline, OnDeadline
from boathook.hooks.target import HookTarget
from boathook.model import Hook, HookResult, OnFailure, RunContainer
from boathook.runtimes.base import ContainerId, ExecSpec, Execution, OutputSink


@dataclass(frozen=True, slots=True)
class MemberExec:
    """A container of a project, as something that can exec."""

    place: ProjectPlace
    member: Member

    async def exec(self, spec: ExecSpec, output: OutputSink) -> Execution:
        return await self.place.exec(self.member.id, spec, output)

    async def user(self) -> str | None:
        return self.member.user or None


@dataclass(slots=True)
class BesideMember:
    """A container that is created, as something beside which another one can be run to its end."""

    place: ProjectPlace
    project: Project
    ready: Ready
    member: Member
    execution: Execution | None = field(default=None, init=False)
    """What runs in it, or has run."""

    async def run_container(self, handler: RunContainer, output: OutputSink, *, label: str) -> Execution:
        self.execution = await self.place.run_helper(
            self.project, self.ready, self.member, handler, output, label=label
        )
        return self.execution

    @property
    def kept(self) -> str:
        """What a container that has failed is called by, where the place keeps it."""
        return (getattr(self.execution, "helper_id", None) or "")[:SHORT_ID]

    async def user(self) -> str | None:
        return self.member.user or None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRuns:
    """The one user of the hooks' runner among all that acts on projects."""

    scene: Scene
    wishes: HookWishes

    def skip(self, member: Member, hooks: Sequence[Hook]) -> bool:
        """Whether these are left out, as the command wishes; each of them is then said."""
        if not self.wishes.skip:
            return False
        for hook in hooks:
            self.scene.warn("hook-skipped", f"{hook.name} of {member.name} was not run: --no-hooks")
        return True

    async def run(self, service: Service, member: Member, hook: Hook) -> OperationFailed | None:
        """Run one in its container; the failure that ends the command. One that it goes on after is only said."""
        result = await self._run(hook, member, MemberExec(self.scene.place, member))
        if result.succeeded:
            return None
        failure = hook_failure(service.name, member.name, result, running=await self.runs(member.id))
        return None if self._goes_on_after(service, result, failure) else failure

    async def run_beside(self, service: Service, member: Member, hook: Hook, ready: Ready) -> OperationFailed | None:
        """Run one in a container of its own; else as :meth:`run`."""
        scene = self.scene
        beside = BesideMember(scene.place, scene.project, ready, member)
        result = await self._run(hook, member, beside)
        if result.succeeded:
            return None
        failure = helper_failure(service.name, result, beside.kept if result.exit_code is not None else "")
        return None if self._goes_on_after(service, result, failure) else failure

    async def runs(self, container: ContainerId) -> bool:
        """Whether an exec could enter it at this moment."""
        try:
            return (await self.scene.place.inspect(container)).running
        except NotFound:
            return False

    async def _run(self, hook: Hook, member: Member, against: HookTarget) -> HookResult:
        context = self.scene.context
        limit = hook.timeout or self.wishes.timeout
        return await run_hook(
            hook,
            self.scene.target(member),
            against,
            deadline=None if limit is None else Deadline(after=limit, then=OnDeadline.KILL),
            events=context.events,
            clock=context.clock,
        )

    def _goes_on_after(self, service: Service, result: HookResult, failure: OperationFailed) -> bool:
        """What the file says of this hook counts; where it says nothing, what the command wishes."""
        hook = result.hook
        wish = hook.on_failure if service.says_on_failure(hook) else self.wishes.on_failure
        if wish is not OnFailure.CONTINUE:
            return False
        self.scene.warn("hook-failed", f"{failure}; it is set to go on", source=hook.source)
        return True
