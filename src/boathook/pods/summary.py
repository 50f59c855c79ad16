"""The closing line of a pod's run: what its hooks came to, in the vocabulary of the lifecycle documents. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from boathook.model import HookPoint, HookResult, Outcome
from boathook.pods.model import Phase, Pod


def closing_line(pod: Pod, results: Iterable[HookResult], phase: Phase, *, asked_to_stop: bool) -> str:
    """One clause per hook that stands for the run: each preStop hook, and each postStart hook that failed."""
    results = list(results)
    several = len(pod.all_containers) > 1
    lines = [
        _line(result, several) for result in results if result.hook.point is HookPoint.PRE_STOP or not result.succeeded
    ]
    ran = {result.target.name for result in results if result.hook.point is HookPoint.PRE_STOP}
    lines += [
        f"PreStop hook was not executed{f' in {container.name}' if several else ''}"
        for container in pod.all_containers
        if container.pre_stop is not None and container.name not in ran
    ]
    if not lines and not asked_to_stop:
        lines = [f"Pod phase: {phase}"]
    return ", ".join(lines)


def _line(result: HookResult, several: bool) -> str:
    hook = "PreStop" if result.hook.point is HookPoint.PRE_STOP else "PostStart"
    where = f" in {result.target.name}" if several else ""
    match result.outcome:
        case Outcome.SUCCEEDED:
            return f"{hook} hook executed successfully{where}"
        case Outcome.TIMED_OUT:
            return f"{hook} hook was cut off at the end of the grace period{where}"
        case Outcome.FAILED if result.exit_code is not None:
            return f"{hook} hook failed with exit code {result.exit_code}{where}"
        case _:
            return f"{hook} hook failed{where}: {result.reason or result.outcome}"
