"""Whether a container that ended is started again, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from boathook.pods.model import ContainerKind, Pod, PodContainer, RestartAction, RestartPolicy
from boathook.runtimes.base import Exit

FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(seconds=300)
FORGOTTEN_AFTER = timedelta(seconds=600)
"""The kubelet's ``MaxContainerBackOff`` and twice that, after which a back-off starts anew."""

UNSEEN_CODE = 137
"""What the kubelet takes for the code of a container whose end nobody saw."""


def is_restarted(policy: RestartPolicy, ended: Exit) -> bool:
    """As ``ShouldContainerBeRestarted`` decides for a pod that is not being deleted."""
    match policy:
        case RestartPolicy.ALWAYS:
            return True
        case RestartPolicy.ON_FAILURE:
            return not ended.ok
        case RestartPolicy.NEVER:
            return False


def policy_of(container: PodContainer, pod: RestartPolicy) -> RestartPolicy:
    """The container's own policy, else the pod's. A sidecar is restarted always."""
    if container.kind is ContainerKind.SIDECAR:
        return RestartPolicy.ALWAYS
    return pod if container.restart_policy is None else container.restart_policy


def rule_for(container: PodContainer, ended: Exit) -> RestartAction | None:
    """What the first rule says that fits; None: none does, and the policy decides."""
    code = UNSEEN_CODE if ended.code is None else ended.code
    for rule in container.restart_rules:
        if (code in rule.exit_codes) is not rule.negated:
            return rule.action
    return None


def is_started_again(container: PodContainer, pod: RestartPolicy, ended: Exit) -> bool:
    """Whether a container of the pod that ended so is started again: by its rules, its policy, or the pod's."""
    if container.kind is ContainerKind.INIT and ended.ok:
        return False
    if container.restart_rules and rule_for(container, ended) is not None:
        return True
    policy = policy_of(container, pod)
    if container.kind is ContainerKind.INIT:
        return policy is not RestartPolicy.NEVER
    return is_restarted(policy, ended)


def ends_by_itself(pod: Pod, container: PodContainer) -> bool:
    """Whether the main process is meant to end: a plain init container's, and one that is not always restarted."""
    if container.kind is ContainerKind.INIT:
        return True
    return policy_of(container, pod.restart_policy) is not RestartPolicy.ALWAYS


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long a container waits before it is started again: not at first, then 10, 20, 40 … 300 s."""

    delay: timedelta = timedelta(0)
    restarted_at: float | None = None
    """Loop time of the last restart, in seconds."""

    def due(self, finished_at: float) -> float:
        """When a container that ended at ``finished_at`` is started again."""
        return finished_at + self._current(finished_at).total_seconds()

    def wait_after(self, finished_at: float) -> timedelta:
        """The back-off that is in force after that end."""
        return self._current(finished_at)

    def restarted(self, at: float) -> BackOff:
        """The back-off after a restart at ``at``."""
        current = self._current(at)
        longer = min(current * 2, LONGEST_DELAY) if current else FIRST_DELAY
        return BackOff(delay=longer, restarted_at=at)

    def _current(self, at: float) -> timedelta:
        forgotten = self.restarted_at is not None and at - self.restarted_at > FORGOTTEN_AFTER.total_seconds()
        return timedelta(0) if forgotten else self.delay
