"""The pre_stop example as a process of its own, to be killed at any moment of its life."""

from __future__ import annotations

import anyio

from boathook.clock import SystemClock
from boathook.compose.embedded.place import EmbeddedPlace
from boathook.compose.parse import parse_project
from boathook.compose.project import ProjectWorker
from boathook.events import EventStream
from boathook.home import Home
from boathook.journal import Context, Journal, SqliteObligations
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from tests.compose.build import EXAMPLES, backend_images

VOLUME = "demo_data"


async def up_and_down(home: Home) -> None:
    """Bring the example up, wait until it serves, and take it down."""
    project = parse_project(
        (EXAMPLES / "pre-stop" / "compose.yaml").read_text(),
        file="compose.yaml",
        directory=home.path,
        name="demo",
        variables={},
        read=lambda path: None,
    ).project
    async with (
        Journal.open(home) as journal,
        BubblewrapRuntime(home, images=backend_images(home)) as runtime,
        anyio.create_task_group() as tasks,
    ):
        run = await journal.begin(command="compose up", title="demo")
        events = EventStream()
        context = Context(events=events, clock=SystemClock(), obligations=SqliteObligations(journal, run.id))
        with events.listening(run.listener):
            place = EmbeddedPlace(runtime, tasks=tasks)
            worker = ProjectWorker(project=project, place=place, context=context)
            await worker.up()
            (member,) = await worker.members()
            async for line in place.logs(member.id, follow=True):
                if "serving" in line.text:
                    break
            await worker.down()
            tasks.cancel_scope.cancel()
