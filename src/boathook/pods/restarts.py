"""Whether a container that ended is started again, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from boathook.pods.model import RestartPolicy
from boathook.runtimes.base import Exit

FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(seconds=300)
FORGOTTEN_AFTER = timedelta(seconds=600)
"""The kubelet's ``MaxContainerBackOff`` and twice that, after which a back-off starts anew."""


def is_restarted(policy: RestartPolicy, ended: Exit) -> bool:
    """As ``ShouldContainerBeRestarted`` decides for a pod that is not being deleted."""
    match policy:
        case RestartPolicy.ALWAYS:
            return True
        case RestartPolicy.ON_FAILURE:
            return not ended.ok
        case RestartPolicy.NEVER:
            return False


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
