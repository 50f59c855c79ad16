"""A process of its own with a container in an engine: ``engine_owner.py HOME [keep]``. Prints the container's id."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio

from boathook.home import Home
from tests.runtimes.engines import an_engine_place


async def main(home: str, *options: str) -> None:
    async with an_engine_place(Home(Path(home)), keep="keep" in options) as place:
        await place.runtime.create_volume("scratch", {}, mode=0o777, sandbox=place.sandbox)
        print(await place.ready(), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)


anyio.run(lambda: main(*sys.argv[1:]))
