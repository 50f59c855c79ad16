"""What a backup would do: its pods started on a simulated cluster, and the same code run there in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import anyio

from boathook.backup.layout import MemoryStore
from boathook.backup.model import BackupSpec
from boathook.backup.run import create_backup
from boathook.clock import LoopClock, run_virtual
from boathook.cluster.base import Cluster, key_of
from boathook.errors import BoathookError, NotFound
from boathook.events import EventStream, Stamped
from boathook.journal import Context, MemoryObligations
from boathook.model import JsonObject
from boathook.runtimes.assumptions import Assumptions

READY_SECONDS = 600.0
"""How long a simulated pod has to run before the backup begins without it."""


def plan_backup(
    objects: Sequence[JsonObject], spec: BackupSpec, assumptions: Assumptions, *, namespace: str = "default"
) -> tuple[Stamped, ...]:
    """The events of starting the pods, backing them up and stopping them. Raises ``ManifestError`` for bad objects."""
    return run_virtual(_simulate, tuple(objects), spec, assumptions, namespace)


async def _simulate(
    objects: tuple[JsonObject, ...], spec: BackupSpec, assumptions: Assumptions, namespace: str
) -> tuple[Stamped, ...]:
    from boathook.cluster.simulation import simulated_cluster

    stamped: list[Stamped] = []
    events = EventStream(clock=LoopClock())
    context = Context(events=events, clock=LoopClock(), obligations=MemoryObligations())
    with events.listening(stamped.append):
        async with simulated_cluster(context, assumptions) as cluster:
            for obj in sorted(objects, key=lambda one: one.get("kind") == "Pod"):
                await cluster.create(obj, namespace=namespace)
            await started(cluster)
            # The run has told how it ended.
            with contextlib.suppress(BoathookError):
                await create_backup(spec, cluster, context, MemoryStore())
            await cluster.stop_all("stopped")
    return tuple(stamped)


async def started(cluster: Cluster) -> None:
    """Until every pod of the cluster runs or has ended, or does not come."""
    for pod in await cluster.list("Pod"):
        with anyio.move_on_after(READY_SECONDS), contextlib.suppress(NotFound):
            await cluster.wait_until(key_of(pod, default_namespace="default"), _has_started)


def _has_started(obj: JsonObject | None) -> bool | None:
    status = (obj or {}).get("status")
    phase = status.get("phase") if isinstance(status, dict) else None
    return True if obj is None or phase in ("Running", "Succeeded", "Failed") else None
