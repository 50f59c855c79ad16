"""The table of ``ps``."""

from __future__ import annotations

from datetime import timedelta

from boathook.clock import VIRTUAL_EPOCH
from boathook.compose.project import ProjectWorker
from boathook.compose.table import container_table
from tests.compose.build import after, live, takes, up


def test_containers_with_state_and_age() -> None:
    tables: list[str] = []

    async def show(worker: ProjectWorker) -> None:
        found = (await worker.containers()).values()
        tables.append(container_table(found, VIRTUAL_EPOCH + timedelta(seconds=130)))

    live(
        "services: {app: {image: backend, command: [sh, -c, 'sleep 1000000000']}, job: {image: busybox}}",
        up,
        after(10),
        show,
        assume=(takes("run", "job", 10, exit_code=3),),
    )

    assert tables == [
        """\
NAME         IMAGE     COMMAND                  SERVICE   CREATED         STATUS                     PORTS
demo-app-1   backend   "sh -c 'sleep 100000…"   app       2 minutes ago   Up 2 minutes
demo-job-1   busybox   ""                       job       2 minutes ago   Exited (3) 2 minutes ago
"""
    ]


def test_nothing_is_a_heading() -> None:
    assert container_table((), VIRTUAL_EPOCH) == "NAME   IMAGE   COMMAND   SERVICE   CREATED   STATUS   PORTS\n"
