"""The two documented examples, in real containers of the embedded runtime."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from boathook import events as e
from boathook.clock import SystemClock
from boathook.codec import to_json
from boathook.compose.containers import sandbox_spec
from boathook.compose.debts import KIND
from boathook.compose.parse import parse_project
from boathook.compose.project import ProjectWorker
from boathook.compose.recovery import SETTLERS
from boathook.errors import ManifestError, OperationFailed
from boathook.events import EventStream
from boathook.home import Home
from boathook.journal import Context, MemoryObligations, ObligationState
from boathook.model import HookResult, Target
from boathook.runtimes.base import Container, ContainerState, NetworkMode
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from tests.compose.build import EXAMPLES, backend_images

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]


@dataclass
class Real:
    """A project on the embedded runtime, and what has happened to it."""

    worker: ProjectWorker
    home: Home
    happened: list[e.Event] = field(default_factory=list)

    @property
    def hooks(self) -> list[HookResult]:
        return [event.result for event in self.happened if isinstance(event, e.HookFinished)]

    async def app(self) -> Container:
        return (await self.worker.containers())["app"]

    async def log(self) -> str:
        container = await self.app()
        return "".join([f"{line.text}\n" async for line in self.worker.runtime.logs(container.id)])

    async def until_logged(self, text: str) -> None:
        container = await self.app()
        with anyio.fail_after(10):
            async for line in self.worker.runtime.logs(container.id, follow=True):
                if text in line.text:
                    return

    def volume(self, name: str) -> Path:
        return self.home.volumes / name / "data"


@asynccontextmanager
async def real(home: Home, text: str) -> AsyncIterator[Real]:
    project = parse_project(
        text,
        file="compose.yaml",
        directory=home.path,
        name="demo",
        variables={},
        read=lambda path: None,
    ).project
    events = EventStream()
    context = Context(events=events, clock=SystemClock(), obligations=MemoryObligations(SystemClock()))
    async with BubblewrapRuntime(home, images=backend_images(home)) as runtime:
        worker = ProjectWorker(project=project, runtime=runtime, context=context, network=NetworkMode.POD)
        result = Real(worker, home)
        with events.listening(lambda stamped: result.happened.append(stamped.event)):
            yield result


def the_example(name: str) -> str:
    return (EXAMPLES / name / "compose.yaml").read_text()


@pytest.mark.root
@pytest.mark.behaviour("compose:17")
async def test_post_start_registers_as_root_a_service_that_runs_as_user_1001(home: Home) -> None:
    async with real(home, the_example("post-start")) as place:
        await place.worker.up()

        assert (await place.app()).user.partition(":")[0] == "1001"
        assert [hook.exit_code for hook in place.hooks] == [0]
        await place.until_logged("backend: the registry lists it: app, registered by uid 0")
        assert "started as uid 1001" in await place.log()
        assert "only root may write the registry" in await place.log()
        await place.worker.down()


async def test_pre_stop_backs_up_the_file_before_the_stop_signal(home: Home) -> None:
    async with real(home, the_example("pre-stop")) as place:
        await place.worker.up()
        database = place.volume("demo_data") / "app.db"
        backup = place.volume("demo_data") / "app.db.bak"
        await place.until_logged("serving")

        await place.worker.down()

        assert database.read_text().endswith("closed\n"), "the application was stopped by its signal"
        assert backup.read_text().startswith("opened\n")
        assert "closed" not in backup.read_text(), "the backup was made before the signal"


@pytest.mark.behaviour("compose:30")
async def test_pre_stop_does_not_run_when_the_service_is_killed(home: Home) -> None:
    async with real(home, the_example("pre-stop")) as place:
        await place.worker.up()

        assert await place.worker.kill() == 1
        await place.worker.down()

        assert place.hooks == []
        assert not (place.volume("demo_data") / "app.db.bak").exists()


@pytest.mark.behaviour("compose:31")
async def test_pre_stop_does_not_run_when_the_service_ends_by_itself(home: Home) -> None:
    text = the_example("pre-stop").replace("image: backend", "image: backend\n    command: [sh, -c, exit 5]")
    async with real(home, text) as place:
        await place.worker.up()
        ended = await place.worker.runtime.wait((await place.app()).id)
        await place.worker.down()

        assert ended.code == 5
        assert place.hooks == []


async def test_down_with_volumes_removes_them_and_nothing_is_left(home: Home) -> None:
    async with real(home, the_example("pre-stop")) as place:
        await place.worker.up()
        await place.until_logged("serving")
        assert place.volume("demo_data").is_dir()

        await place.worker.down(volumes=True)

        assert not place.volume("demo_data").exists()
        assert list(home.containers.iterdir()) == []


@pytest.mark.root
@pytest.mark.behaviour("compose:10", "compose:11", "compose:12")
@pytest.mark.parametrize(
    ("hook", "status"),
    [
        ("command: /nope", 126),
        ("command: [sh, -c, nosuchcmd]", 127),
        ("command: 'true', working_dir: /missing", 126),
        ("command: 'true', working_dir: relative", 126),
    ],
)
async def test_a_hook_that_cannot_be_started_fails_with_the_status_of_an_engine(
    home: Home, hook: str, status: int
) -> None:
    async with real(home, f"services: {{app: {{image: backend, post_start: [{{{hook}}}]}}}}") as place:
        with pytest.raises(OperationFailed) as failed:
            await place.worker.up()

        assert str(failed.value).startswith(f"app hook exited with status {status}")
        assert (await place.app()).state is ContainerState.RUNNING


@pytest.mark.behaviour("compose:12")
async def test_an_unknown_user_of_a_hook_is_refused_before_anything_starts(home: Home) -> None:
    text = "services: {app: {image: backend, user: nobody-here, post_start: [{command: x, user: nor-here}]}}"
    async with real(home, text) as place:
        with pytest.raises(ManifestError) as refused:
            await place.worker.up()

        assert [problem.source.path for problem in refused.value.problems] == [
            "services.app.user",
            "services.app.post_start[0].user",
        ]
        assert await place.worker.containers() == {}


@pytest.mark.behaviour("compose:14", "compose:17")
async def test_a_hook_has_the_services_user_directory_and_environment(home: Home) -> None:
    text = (
        """
services:
  app:
    image: backend
    user: "0:7"
    working_dir: /tmp
    environment: {A: svc, B: svc}
    post_start:
      - command: [sh, -c, 'echo "$(id -u):$(id -g) $(pwd) A=$A B=${B-unset}"']
        environment: {A: hook, B: null}
""".replace("$(", "$$(")
        .replace("$A", "$$A")
        .replace("${B", "$${B")
    )
    async with real(home, text) as place:
        await place.worker.up()

        output = place.hooks[0].stdout
        assert output is not None
        assert output.text == "0:7 /tmp A=hook B=unset\n"
        await place.worker.down()


async def test_services_of_a_project_find_each_other_by_name(home: Home) -> None:
    text = """
services:
  app:
    image: backend
    depends_on: [db]
    post_start: [{command: [cat, /etc/hosts]}]
  db:
    image: backend
    container_name: the-database
"""
    async with real(home, text) as place:
        await place.worker.up()

        output = place.hooks[0].stdout
        assert output is not None
        names = [line.split("\t")[1] for line in output.text.splitlines() if line.startswith("127.0.0.1\t")]
        assert {"app", "demo-app-1", "db", "the-database"} <= set(names)
        await place.worker.down()


async def test_an_owed_pre_stop_is_run_in_a_fresh_container_with_the_same_volume(home: Home) -> None:
    """What ``recover`` does after the owner died in the middle of the hook, and its container with it."""
    async with real(home, the_example("pre-stop")) as place:
        await place.worker.up()
        container = await place.app()
        target = Target(kind="container", scope="demo", name="app-1", instance=container.id)
        obligation = await place.worker.context.obligations.open(
            kind=KIND,
            target=target,
            description="",
            payload={
                "hook": to_json(place.worker.project.service("app").pre_stop[0]),
                "container": to_json(container.spec),
                "sandbox": to_json(sandbox_spec(place.worker.project, NetworkMode.POD, user=None)),
            },
        )
        await place.until_logged("serving")
        await place.worker.kill()
        await place.worker.down()

        settled = await SETTLERS[KIND](obligation, place.worker.context, place.worker.runtime)

        assert settled.state is ObligationState.MET
        assert (place.volume("demo_data") / "app.db.bak").exists()
        assert list(home.containers.iterdir()) == []
