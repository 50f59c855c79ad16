"""A process that runs a pod of its own and backs it up: ``python -m tests.backup.owner POD.YAML``; tells its events."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import anyio

from boathook.backup import DirectoryStore, create_backup
from boathook.backup.plan import started
from boathook.cluster.local import LocalCluster
from boathook.cluster.owners import FOREGROUND, this_owner
from boathook.cluster.store import ObjectStore
from boathook.events import Stamped
from boathook.home import Home
from boathook.images import ImageResolver
from boathook.pods import parse_pods
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from tests.backup.build import a_spec, step
from tests.journal.build import a_context


def tell(stamped: Stamped) -> None:
    if text := step(stamped.event):
        print(text, flush=True)


async def main(file: str) -> None:
    home = Home.find()
    pods = parse_pods(Path(file).read_text(), file)  # noqa: ASYNC240
    async with (
        a_context(home, command="backup") as context,
        BubblewrapRuntime(home, images=ImageResolver(home, {}, offline=True)) as runtime,
    ):
        store = ObjectStore.open(home.objects, clock=context.clock, uids=lambda: str(uuid.uuid4()))
        async with LocalCluster(store, runtime, context, owner=this_owner(FOREGROUND)) as cluster:
            for obj in (*pods.objects, *pods.pod_objects):
                await cluster.create(obj)
            await started(cluster)
            with context.events.listening(tell):
                made = await create_backup(a_spec(), cluster, context, DirectoryStore(home))
            print(made.phase, made.hooks_attempted, made.hooks_failed, flush=True)
            await cluster.stop_all("stopped")
        store.close()


if __name__ == "__main__":
    anyio.run(main, sys.argv[1])
