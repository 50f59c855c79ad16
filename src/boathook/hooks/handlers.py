"""How each kind of handler is run: one coroutine per kind. Deadlines and outcomes are the runner's business."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import assert_never

import anyio

from boathook.hooks.target import CanApply, CanExec, HookTarget, can_apply, can_exec
from boathook.model import Exec, Handler, Manifest, Outcome, Sleep
from boathook.runtimes.base import ExecSpec, Execution, Exit, OutputSink


@dataclass(slots=True)
class Held:
    """What a handler has started and what must be ended, or watched, when nobody waits for it any more."""

    label: str
    """The hook's point and target, for a runtime that only simulates."""
    execution: Execution | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a handler ended that was let run to its end."""

    outcome: Outcome
    exit_code: int | None = None
    signal: int | None = None
    reason: str | None = None


async def run_handler(handler: Handler, against: HookTarget, output: OutputSink, held: Held) -> Ran:
    """Run a handler to its end. Raises what its target raises when it cannot be started."""
    match handler:
        case Exec():
            if not can_exec(against):
                raise TypeError("an exec hook needs a target that can run programs")
            return await run_exec(handler, against, output, held)
        case Sleep():
            return await run_sleep(handler)
        case Manifest():
            if not can_apply(against):
                raise TypeError("a manifest hook needs a target that can apply objects")
            return await run_manifest(handler, against, output)
        case _:
            assert_never(handler)


async def run_exec(handler: Exec, target: CanExec, output: OutputSink, held: Held) -> Ran:
    """Run the program in the target and wait until it and whatever holds its output have ended."""
    spec = ExecSpec(
        command=handler.command,
        user=handler.user,
        working_dir=handler.working_dir,
        environment=handler.environment,
        privileged=handler.privileged,
        label=held.label,
    )
    held.execution = await target.exec(spec, output)
    return ran(await held.execution.wait())


async def run_sleep(handler: Sleep) -> Ran:
    """Wait. Nothing runs in the target."""
    await anyio.sleep(handler.duration.total_seconds())
    return Ran(outcome=Outcome.SUCCEEDED)


async def run_manifest(handler: Manifest, target: CanApply, output: OutputSink) -> Ran:
    """Apply the object and wait until it is complete or has failed. It is not deleted here: that is a policy."""
    await target.apply(handler)
    completion = await target.completion(handler, output)
    if completion.ok:
        return Ran(outcome=Outcome.SUCCEEDED)
    return Ran(outcome=Outcome.FAILED, reason=completion.message)


def ran(ended: Exit) -> Ran:
    """What an exit means for a hook: only 0 is success, and an unseen end is unknown, never success."""
    if ended.code is None:
        return Ran(outcome=Outcome.UNKNOWN, signal=ended.signal, reason="the connection broke before a status came")
    if ended.ok:
        return Ran(outcome=Outcome.SUCCEEDED, exit_code=0)
    how = f"exited with code {ended.code}" if ended.signal is None else f"killed by {_signal_name(ended.signal)}"
    return Ran(outcome=Outcome.FAILED, exit_code=ended.code, signal=ended.signal, reason=how)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
