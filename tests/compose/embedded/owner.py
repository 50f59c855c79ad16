"""A process that runs the services of ``test_owners`` until its standard input ends: ``owner.py HOME``."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio

from boathook.compose.place import Health
from boathook.home import Home
from tests.compose.embedded.build import a_project, real
from tests.compose.embedded.test_owners import TEXT


async def main(home: Home) -> None:
    async with real(home, a_project(TEXT, home.path)) as demo:
        for service in ("app", "restless", "asked"):
            await demo.started(service)
        while Health.HEALTHY not in [one.health for one in await demo.place.members("demo")]:  # noqa: ASYNC110  as others see it
            await anyio.sleep(0.02)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await anyio.to_thread.run_sync(sys.stdin.read)


if __name__ == "__main__":
    anyio.run(main, Home(Path(sys.argv[1])))
