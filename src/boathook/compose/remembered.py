"""What is known of earlier runs of a container's post_start hooks: a failed one is not forgotten at the next ``up``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from boathook.events import Stamped
from boathook.home import Home
from boathook.model import Hook, HookPoint
from boathook.runtimes.base import ContainerId

if TYPE_CHECKING:
    # It reads the journal, which most commands do not.
    from boathook.journal.hook_runs import HookRun


class PastHooks(Protocol):
    """Knows which hooks ran in which container, in this command or before."""

    async def runs(self, containers: Sequence[ContainerId]) -> Mapping[ContainerId, Sequence[HookRun]]:
        """The runs of hooks of each of these, oldest first."""
        ...


class NothingPast:
    """Where nothing is remembered: a simulation."""

    async def runs(self, containers: Sequence[ContainerId]) -> Mapping[ContainerId, Sequence[HookRun]]:
        return {}


@dataclass(frozen=True, slots=True)
class JournalPast:
    """What the journal of a home has."""

    home: Home

    async def runs(self, containers: Sequence[ContainerId]) -> Mapping[ContainerId, Sequence[HookRun]]:
        import anyio

        return await anyio.to_thread.run_sync(self._read, tuple(containers))

    def _read(self, containers: Sequence[ContainerId]) -> Mapping[ContainerId, Sequence[HookRun]]:
        from boathook.journal.hook_runs import hook_runs

        return {one: hook_runs(self.home, one) for one in containers}


@dataclass(frozen=True, slots=True)
class HeardPast:
    """What one process has heard, where it does all that is done with a project and keeps no journal."""

    heard: Sequence[Stamped]

    async def runs(self, containers: Sequence[ContainerId]) -> Mapping[ContainerId, Sequence[HookRun]]:
        from boathook.journal.hook_runs import paired

        runs = paired(("", stamped.event) for stamped in self.heard)
        return {one: [run for run in runs if run.started.target.instance == one] for one in containers}


def unfinished(hooks: Sequence[Hook], runs: Sequence[HookRun]) -> tuple[Hook, ...]:
    """Those post_start hooks of a running container that have not ended well since it was started, in their order.

    A turn begins with the first hook after a start: what ran before belongs to an earlier life of the container. What
    is run again later, by ``up`` or alone, can only make good what failed. Where no turn is known, nothing is
    unfinished: somebody else started it.
    """
    ours = [one for one in runs if one.started.hook.point is HookPoint.POST_START]
    begins = [number for number, one in enumerate(ours) if one.first]
    if not begins:
        return ()
    turn = ours[begins[-1] :]
    well = {one.started.hook.name for one in turn if one.finished is not None and one.finished.result.succeeded}
    return tuple(hook for hook in hooks if hook.name not in well)
