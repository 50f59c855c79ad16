"""How one running container is stopped: Killing, preStop, stop signal, SIGKILL (the kubelet's ``killContainer``)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeAlias

import anyio

from boathook import events as e
from boathook.codec import to_json
from boathook.hooks import ContainerExec, Deadline, OnDeadline, run_hook
from boathook.journal import Context, Debt, owed
from boathook.model import Hook, HookResult, Outcome
from boathook.pods import messages
from boathook.pods.grace import GracePeriod
from boathook.pods.instance import Instance
from boathook.runtimes.base import ContainerRuntime, ExecSpec, Execution, Exit, OutputSink, SandboxSpec, stop

STOP_OBLIGATION = "pods.stop"
"""The kind of debt that a running preStop hook is: see :mod:`boathook.pods.recovery`."""

HOOK_END_SECONDS = 5.0
"""How long the end of an overrun hook is waited for once its container has ended, and the hook with it."""


Turn: TypeAlias = Callable[[timedelta], Awaitable[None]]
"""Waits until a container may be signalled, at most as long as it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """How a container was stopped. ``hook`` None: no preStop hook was run."""

    exit: Exit
    hook: HookResult | None


async def stop_container(
    instance: Instance,
    pre_stop: Hook | None,
    grace: GracePeriod,
    *,
    message: str,
    field_path: str,
    sandbox: SandboxSpec,
    runtime: ContainerRuntime,
    context: Context,
    turn: Turn | None = None,
) -> Stopped:
    """Stop a running container inside its grace period. ``message`` says why, in the words of ``Killing``.

    ``turn`` holds the signal back, not the hook; what it takes counts.
    """
    stopping = _Stopping(
        instance=instance, field_path=field_path, sandbox=sandbox, runtime=runtime, context=context, turn=turn
    )
    stopping.tell(messages.KILLING, message, warning=False)
    if pre_stop is None or not grace.allows_hook:
        return Stopped(exit=await stopping.signal(grace), hook=None)
    return await stopping.after_hook(pre_stop, grace)


@dataclass(slots=True, kw_only=True)
class _Stopping:
    """One stop while it lasts."""

    instance: Instance
    field_path: str
    sandbox: SandboxSpec
    runtime: ContainerRuntime
    context: Context
    turn: Turn | None

    async def after_hook(self, hook: Hook, grace: GracePeriod) -> Stopped:
        """The debt is written before the hook starts, and met when the container has ended."""
        async with owed(
            self.context,
            kind=STOP_OBLIGATION,
            target=self.instance.target,
            description=f"run {hook.name} of {self.instance.target} and stop it",
            payload={
                "hook": to_json(hook),
                "container": to_json(self.instance.spec),
                "sandbox": to_json(self.sandbox),
                "grace": grace.left.total_seconds(),
            },
        ) as debt:
            try:
                return await self._hook_and_signal(hook, grace, debt)
            except anyio.get_cancelled_exc_class():
                if debt.state is None:
                    debt.moot("interrupted: the container was ended at once")
                raise

    async def _hook_and_signal(self, hook: Hook, grace: GracePeriod, debt: Debt) -> Stopped:
        container = _Remembered(self.runtime, self.instance.id)
        abandoned = _Abandoned()
        began = anyio.current_time()
        result = await run_hook(
            hook,
            self.instance.target,
            container,
            deadline=Deadline(after=grace.left, then=OnDeadline.ABANDON),
            events=self.context.events,
            clock=self.context.clock,
            abandoned=abandoned,
        )
        grace = grace.spend(timedelta(seconds=anyio.current_time() - began))
        # A hook that merely outlives the period gives no event at that time.
        if not result.succeeded and result.outcome is not Outcome.TIMED_OUT:
            self.tell(messages.FAILED_PRE_STOP, messages.PRE_STOP_FAILED)
        async with abandoned.watched():
            ended = await self.signal(grace)
            debt.met("the container was stopped after its hook")
        if result.outcome is Outcome.TIMED_OUT:
            await self._tell_late_failure(container)
        return Stopped(exit=ended, hook=result)

    async def _tell_late_failure(self, container: _Remembered) -> None:
        """A program that was cut off with its container has failed late. An overrun sleep is never told."""
        if not container.executions:
            return
        with anyio.move_on_after(HOOK_END_SECONDS):
            ended = await container.executions[-1].wait()
            if not ended.ok:
                self.tell(messages.FAILED_PRE_STOP, messages.PRE_STOP_FAILED)

    async def signal(self, grace: GracePeriod) -> Exit:
        """The stop signal when it is its turn, and SIGKILL when what is left has run out."""
        if self.turn is not None and grace.allows_hook:
            began = anyio.current_time()
            await self.turn(grace.left)
            grace = grace.spend(timedelta(seconds=anyio.current_time() - began))

        def signalled(signal: str, left: timedelta | None) -> None:
            self.instance.signal_sent = signal
            self.context.events.emit(e.SignalSent(target=self.instance.target, signal=signal, left=left))

        return await stop(
            self.runtime,
            self.instance.id,
            signal=self.instance.spec.stop_signal,
            grace=grace.for_stop,
            signalled=signalled,
        )

    def tell(self, reason: str, message: str, *, warning: bool = True) -> None:
        self.context.events.emit(
            e.ClusterEvent(
                target=self.instance.target,
                warning=warning,
                reason=reason,
                message=message,
                field_path=self.field_path,
            )
        )


@dataclass(slots=True)
class _Abandoned:
    """The watches over a hook that outlived its deadline: most hooks leave none, and then no task group is made."""

    watches: list[tuple[Callable[..., Coroutine[Any, Any, object]], tuple[object, ...]]] = field(default_factory=list)

    def start_soon(self, function: Callable[..., Coroutine[Any, Any, object]], *args: object) -> None:
        self.watches.append((function, args))

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Watch while the block ends the container: the hook ends with it, and its end is told before that."""
        if not self.watches:
            yield
            return
        async with anyio.create_task_group() as watching:
            for function, args in self.watches:
                watching.start_soon(function, *args)
            yield
            watching.cancel_scope.deadline = anyio.current_time() + HOOK_END_SECONDS


@dataclass(frozen=True, slots=True)
class _Remembered(ContainerExec):
    """A container to run hooks in that remembers what it started, so that the end of an overrun hook can be told."""

    executions: list[Execution] = field(default_factory=list)

    async def exec(self, spec: ExecSpec, output: OutputSink) -> Execution:
        execution = await ContainerExec.exec(self, spec, output)
        self.executions.append(execution)
        return execution
