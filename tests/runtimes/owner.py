"""A process of its own with a container that stays: ``python owner.py HOME SCRIPT [process]``. Prints pids and ids."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio

from boathook.home import Home
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from boathook.runtimes.process import ProcessRuntime
from tests.runtimes.build import a_place


async def main(home: str, script: str, isolation: str = "namespaces") -> None:
    kind = ProcessRuntime if isolation == "process" else BubblewrapRuntime
    async with a_place(Home(Path(home)), kind=kind) as place:
        container = await place.ready(script)
        runtime = place.runtime
        known = {
            "container": container,
            "main": (await runtime.inspect(container)).pid,
            "holder": runtime._sandboxes[place.sandbox].record.holder.pid,  # type: ignore[attr-defined]
            "spawner": runtime._spawner._pid,  # type: ignore[attr-defined]
        }
        print(json.dumps(known), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)


anyio.run(lambda: main(*sys.argv[1:]))
