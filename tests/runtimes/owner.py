"""A process of its own that runs one container and stays: ``python owner.py HOME SCRIPT``. Prints pids and ids."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio

from boathook.home import Home
from tests.runtimes.build import a_place


async def main(home: str, script: str) -> None:
    async with a_place(Home(Path(home))) as place:
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


anyio.run(main, sys.argv[1], sys.argv[2])
