"""The phase of a pod by how its containers stand (``kubelet_pods.go``: ``getPhase``). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from boathook.pods.model import Phase, RestartPolicy
from boathook.pods.status import ContainerStatus, Running, Terminated, Waiting


def phase_of(
    statuses: Sequence[ContainerStatus],
    policy: RestartPolicy,
    *,
    ended_for_good: bool,
    init: Sequence[ContainerStatus] = (),
    sidecars: Sequence[ContainerStatus] = (),
    init_failed: bool = False,
    more_to_come: bool | None = None,
) -> Phase:
    """The phase, by the first rule that fits. ``statuses`` are those of the regular containers.

    ``ended_for_good``: the pod is being deleted and nothing in it runs any more. ``init_failed``: a plain init
    container has failed and is not restarted. ``more_to_come``: something that has ended is to be started again; None:
    as the policy says.
    """
    if init_failed:
        return Phase.FAILED
    if any(_is_first_run(one) for one in init) or any(_is_unstarted(one) for one in statuses):
        # Deleted before everything had started: what never ran cannot have succeeded.
        return Phase.FAILED if ended_for_good else Phase.PENDING
    if any(isinstance(one.state, Running) for one in (*sidecars, *statuses)):
        return Phase.RUNNING
    succeeded = all(_succeeded(one) for one in statuses)
    if more_to_come is None:
        more_to_come = policy is RestartPolicy.ALWAYS or (policy is RestartPolicy.ON_FAILURE and not succeeded)
    if more_to_come and not ended_for_good:
        return Phase.RUNNING
    return Phase.SUCCEEDED if succeeded else Phase.FAILED


def end_of(status: ContainerStatus) -> Terminated | None:
    """How it ended last, unless it runs."""
    return status.state if isinstance(status.state, Terminated) else status.last


def _is_unstarted(status: ContainerStatus) -> bool:
    return isinstance(status.state, Waiting) and status.last is None


def _is_first_run(status: ContainerStatus) -> bool:
    """An init container that runs, or is yet to."""
    return isinstance(status.state, Running) or _is_unstarted(status)


def _succeeded(status: ContainerStatus) -> bool:
    end = end_of(status)
    return end is not None and end.succeeded
