"""A run as steps per container: what happens in which order, without what differs from run to run. Pure.

Times, exit codes, output and identities are left out, so that a plan and the run that it foretold have the same steps.
"""

from __future__ import annotations

from collections.abc import Iterable

from boathook import events as e
from boathook.model import Exec, Hook, Target
from boathook.report import words

WITH_PHASES = ("release", "backup")
"""What is no container and still has steps: its phases and its hooks."""


def steps_of(stamped: Iterable[e.Stamped]) -> dict[str, list[str]]:
    """The steps of each container, release and backup, by its name, in the order in which they happened.

    What happens to a pod (it is asked to stop, a volume of it is copied) is a step of each of its containers.
    """
    steps: dict[str, list[str]] = {}
    containers: dict[str, list[str]] = {}
    for one in stamped:
        target, step = _step(one.event)
        if target is None:
            continue
        if isinstance(one.event, e.ContainerCreated):
            containers.setdefault(target.scope, []).append(target.name)
        names = containers.get(str(target), []) if target.kind == "pod" else [target.name]
        for name in names:
            steps.setdefault(name, []).append(step)
    return steps


def _step(event: e.Event) -> tuple[Target | None, str]:
    match event:
        case e.HookStarted(target=target):
            return target, f"{event.hook.name}: {_what(event.hook)}"
        case e.HookFinished():
            return event.result.target, f"{event.result.hook.name} {event.result.outcome}"
        case e.VolumeCopyStarted(target=target):
            return target, f"copying {event.volume}"
        case e.VolumeCopied(target=target):
            return target, f"copied {event.volume}"
        case e.PhaseChanged(target=target) if target.kind in WITH_PHASES:
            return target, event.phase
        case _:
            return _step_of_container(event)


def _step_of_container(event: e.Event) -> tuple[Target | None, str]:
    match event:
        case e.ContainerCreated(target=target):
            # Its program may be the image's own, which a plan does not look into.
            return target, f"created as {words.user(event.user)}"
        case e.ContainerStarted(target=target):
            return target, "started"
        case e.StopRequested(target=target):
            return target, "stop requested"
        case e.SignalSent(target=target):
            return target, event.signal
        case e.ContainerExited(target=target):
            return target, "exited"
        case e.ContainerRemoved(target=target):
            return target, "removed"
        case _:
            return None, ""


def _what(hook: Hook) -> str:
    handler = hook.handler
    user = f" as {words.user(handler.user)}" if isinstance(handler, Exec) and handler.user else ""
    return words.handler(handler, width=None) + user
