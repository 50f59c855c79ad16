"""When a container that has ended by itself is started again, as Docker's engine decides it. Pure.

moby ``daemon/internal/restartmanager``: 100 ms doubled with each restart up to a minute, from the beginning again
once a container has run for ten seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from boathook.compose.model import RestartPolicy
from boathook.runtimes.base import Exit

FIRST_DELAY = timedelta(milliseconds=100)
LONGEST_DELAY = timedelta(minutes=1)
LONG_ENOUGH = timedelta(seconds=10)


@dataclass(slots=True, kw_only=True)
class Restarts:
    """The restarts of one container since a command has started it."""

    policy: RestartPolicy
    count: int = 0
    _delay: timedelta = timedelta(0)

    def after(self, ended: Exit, *, ran: timedelta) -> timedelta | None:
        """How long to wait before the next start; None: it stays as it is."""
        if ran >= LONG_ENOUGH:
            self._delay = timedelta(0)
        self._delay = min(self._delay * 2, LONGEST_DELAY) if self._delay else FIRST_DELAY
        if not self._wants_another(ended):
            return None
        self.count += 1
        return self._delay

    def _wants_another(self, ended: Exit) -> bool:
        match self.policy.name:
            case "always" | "unless-stopped":
                return True
            case "on-failure":
                return not ended.ok and (self.policy.retries == 0 or self.count < self.policy.retries)
            case _:
                return False
