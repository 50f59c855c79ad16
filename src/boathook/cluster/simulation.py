"""A cluster that runs nothing: for plans and tests, under the virtual event loop, in memory alone."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from boathook.cluster.local import LocalCluster
from boathook.cluster.store import ObjectStore
from boathook.journal import Context
from boathook.runtimes.assumptions import Assumptions
from boathook.runtimes.simulated import SimulatedRuntime


@asynccontextmanager
async def simulated_cluster(context: Context, assumptions: Assumptions) -> AsyncIterator[LocalCluster]:
    """An empty local cluster on a simulated runtime. Uids and names count up, so that a plan is the same each time."""
    uids, names = itertools.count(1), itertools.count(1)
    store = ObjectStore.in_memory(clock=context.clock, uids=lambda: f"simulated-{next(uids)}")
    try:
        async with (
            SimulatedRuntime(assumptions) as runtime,
            LocalCluster(store, runtime, context, names=lambda: f"{next(names):05}") as cluster,
        ):
            yield cluster
    finally:
        store.close()
