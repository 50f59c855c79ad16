"""A process that starts a container with another program than bubblewrap: ``python late.py HOME PROGRAM``."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio

from boathook.errors import CouldNotStart
from boathook.home import Home
from tests.runtimes.build import a_place


async def main(home: str, program: str) -> None:
    async with a_place(Home(Path(home))) as place:
        place.runtime._bubblewrap = program  # type: ignore[attr-defined]
        try:
            await place.started()
        except CouldNotStart:
            await anyio.sleep(60)


anyio.run(main, sys.argv[1], sys.argv[2])
