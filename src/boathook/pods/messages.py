"""The exact sentences of Kubernetes about hooks and restarts. Pure."""

from __future__ import annotations

from datetime import timedelta

from boathook.model import Exec, HookResult, HttpGet, Outcome, Sleep
from boathook.pods.model import ContainerKind, Pod, PodContainer, ProbeKind
from boathook.report.words import go_quoted

FAILED_POST_START = "FailedPostStartHook"
FAILED_PRE_STOP = "FailedPreStopHook"
KILLING = "Killing"

POST_START_FAILED = "PostStartHook failed"
PRE_STOP_FAILED = "PreStopHook failed"

CANNOT_RUN = "Cannot run handler"

KILLED_WITH_ALL = "killing"
"""The message of ``Killing`` for the others when one container's end restarts all of them."""

RESTARTING_ALL = ("RestartingAllContainers", "The container is removed because RestartAllContainers in place")
"""Why every container of the pod waits then."""

DEADLINE_EXCEEDED = "DeadlineExceeded"
ACTIVE_TOO_LONG = "Pod was active on the node longer than the specified deadline"


PULLING = "Pulling"


def pulling(image: str) -> str:
    return f'Pulling image "{image}"'


def image_unavailable(image: str, reason: str, why: str) -> list[tuple[str, str]]:
    """The events of an image that is not to be had, as reasons and messages (``images/image_manager.go``)."""
    error = ("Failed", f"Error: {reason}")
    if reason == "ErrImageNeverPull":
        return [(reason, f'Container image "{image}" is not present with pull policy of Never'), error]
    if reason == "InvalidImageName":
        return [("InspectFailed", f'Failed to apply default image tag "{image}": {why}'), error]
    return [(PULLING, pulling(image)), ("Failed", f'Failed to pull image "{image}": {why}'), error]


def field_path(container: PodContainer) -> str:
    """What an event about a container of the pod points at."""
    part = "containers" if container.kind is ContainerKind.REGULAR else "initContainers"
    return f"spec.{part}{{{container.name}}}"


def failed_probe(container: PodContainer, probe: ProbeKind, *, restarted: bool) -> str:
    """The message of ``Killing`` for a container that failed its startup or liveness probe."""
    return _to_kill(container, f"failed {probe} probe", restarted=restarted)


def definition_changed(container: PodContainer) -> str:
    """The message of ``Killing`` for a container whose image is another one now: it is always restarted."""
    return _to_kill(container, "definition changed", restarted=True)


def _to_kill(container: PodContainer, why: str, *, restarted: bool) -> str:
    if container.kind is not ContainerKind.REGULAR:
        return f"Init container {container.name} {why}"
    return f"Container {container.name} {why}{', will be restarted' if restarted else ''}"


def stopping(container: str) -> str:
    """The message of ``Killing`` when the pod is deleted."""
    return f"Stopping container {container}"


def full_name(pod: Pod, uid: str) -> str:
    """How messages name a pod: ``name_namespace(uid)``."""
    return f"{pod.name}_{pod.namespace}({uid})"


def back_off(container: str, pod: Pod, uid: str) -> str:
    """The message of the event ``BackOff``."""
    return f"Back-off restarting failed container {container} in pod {full_name(pod, uid)}"


def crash_loop(delay: timedelta, container: str, pod: Pod, uid: str) -> str:
    """The message of the waiting reason ``CrashLoopBackOff``."""
    return f"back-off {go_duration(delay)} restarting failed container={container} pod={full_name(pod, uid)}"


def post_start_error(result: HookResult, container: str, pod: Pod, uid: str) -> str:
    """The message of the waiting reason ``PostStartHookError``: argv, error and output of the hook."""
    handler = result.hook.handler
    where = f'for Container "{container}" in Pod "{full_name(pod, uid)}" failed - error: '
    match handler:
        case Exec():
            argv = " ".join(handler.command)
            return f"Exec lifecycle hook ([{argv}]) {where}{_exec_error(result, argv)}, message: {_output(result)}"
        case HttpGet():
            return f"HTTP lifecycle hook ({handler.path}) {where}{result.reason or result.outcome}"
        case Sleep():
            seconds = int(handler.duration.total_seconds())
            return f"Sleep lifecycle hook ({seconds}) {where}{result.reason or ''}"
        case _:
            reason = result.reason or ""
            return reason if reason.startswith(CANNOT_RUN) else f"{CANNOT_RUN}: {reason}"


def _exec_error(result: HookResult, argv: str) -> str:
    if result.outcome is Outcome.FAILED and result.exit_code is not None:
        stderr = result.stderr.text if result.stderr else ""
        return f"command '{argv}' exited with {result.exit_code}: {stderr}"
    return result.reason or str(result.outcome)


def _output(result: HookResult) -> str:
    """Standard output, then standard error, quoted; not interleaved."""
    return go_quoted("".join(output.text for output in (result.stdout, result.stderr) if output is not None))


def go_duration(value: timedelta) -> str:
    """Whole seconds as Go writes a duration: ``10s``, ``1m20s``, ``5m0s``."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
