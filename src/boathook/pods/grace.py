"""The grace period of a pod: the only place that counts it.

The kubelet counts in whole, truncated seconds and gives every stop at least two (``kuberuntime_container.go``:
``killContainer``, ``minimumGracePeriodInSeconds``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

SECOND = timedelta(seconds=1)

MINIMUM = timedelta(seconds=2)
"""What a container gets between its stop signal and SIGKILL, whatever was used up before."""

DELETION_MINIMUM = SECOND
"""What a deletion gives at least (``pod_workers.go``: ``calculateEffectiveGracePeriod``)."""


@dataclass(frozen=True, slots=True)
class GracePeriod:
    """What is left of a grace period. Immutable: ``spend`` gives the one that remains."""

    left: timedelta

    @classmethod
    def of_deletion(cls, current: timedelta, asked: timedelta | None) -> GracePeriod:
        """The period of a deletion: it only ever shrinks, and never below one second."""
        smallest = current if asked is None else min(current, asked)
        return cls(max(smallest, DELETION_MINIMUM))

    @property
    def allows_hook(self) -> bool:
        """A hook runs only while there is something left: with a period of zero none does."""
        return self.left > timedelta(0)

    @property
    def for_stop(self) -> timedelta:
        """How long the container may take from its stop signal to SIGKILL: what is left, at least the minimum."""
        return max(self.left, MINIMUM)

    def spend(self, duration: timedelta) -> GracePeriod:
        """What is left after ``duration``, of which only whole seconds count."""
        return GracePeriod(max(self.left - (duration // SECOND) * SECOND, timedelta(0)))
