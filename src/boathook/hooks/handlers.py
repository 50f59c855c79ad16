"""How each kind of handler is run: one coroutine per kind. Deadlines and outcomes are the runner's business."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import assert_never

import anyio

from boathook.errors import RequestFailed
from boathook.hooks.target import (
    CanApply,
    CanExec,
    CanRequest,
    CanRunContainer,
    HookTarget,
    can_apply,
    can_exec,
    can_request,
    can_run_container,
)
from boathook.model import Exec, Handler, HttpGet, Manifest, Outcome, RunContainer, Sleep, TcpSocket
from boathook.runtimes.base import ExecSpec, Execution, Exit, OutputSink

HTTP_FALLBACK = "LifecycleHTTPFallback"
HTTP_FALLBACK_TEXT = "request to HTTPS lifecycle hook {} got HTTP response, retry with HTTP succeeded"


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
    warning: tuple[str, str] | None = None
    """What its cluster would record besides, as reason and message of an event."""


async def run_handler(handler: Handler, against: HookTarget, output: OutputSink, held: Held) -> Ran:
    """Run a handler to its end. Raises what its target raises when it cannot be started."""
    match handler:
        case Exec() if can_exec(against):
            return await run_exec(handler, against, output, held)
        case RunContainer() if can_run_container(against):
            return await run_container(handler, against, output, held)
        case HttpGet() if can_request(against):
            return await run_http_get(handler, against, held)
        case Manifest() if can_apply(against):
            return await run_manifest(handler, against, output)
        case TcpSocket():
            return run_tcp_socket(handler)
        case Sleep():
            return await run_sleep(handler)
        case Exec() | RunContainer() | HttpGet() | Manifest():
            raise TypeError(f"a target of type {type(against).__name__} can do nothing with {type(handler).__name__}")
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


async def run_container(handler: RunContainer, target: CanRunContainer, output: OutputSink, held: Held) -> Ran:
    """Run the program in a container beside the target, and wait until that has ended."""
    held.execution = await target.run_container(handler, output, label=held.label)
    return ran(await held.execution.wait())


async def run_http_get(handler: HttpGet, target: CanRequest, held: Held) -> Ran:
    """Any answer is a success, whatever its status; there is no limit of time but the hook's own deadline."""
    from boathook.hooks.http import get_as_hook

    fallbacks: list[str] = []
    try:
        await get_as_hook(handler, lambda request: target.request(request, label=held.label), fallbacks.append)
    except RequestFailed as error:
        return Ran(outcome=Outcome.FAILED, reason=str(error))
    warning = (HTTP_FALLBACK, HTTP_FALLBACK_TEXT.format(*fallbacks)) if fallbacks else None
    return Ran(outcome=Outcome.SUCCEEDED, warning=warning)


def run_tcp_socket(handler: TcpSocket) -> Ran:
    """Kubernetes accepts such a hook and then fails it each time: its handlers know no such kind."""
    return Ran(outcome=Outcome.FAILED, reason="Cannot run handler: invalid handler")


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
