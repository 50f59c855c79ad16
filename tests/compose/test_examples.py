"""The documented examples, in real containers: of the embedded runtime, and of a Docker Engine."""

from __future__ import annotations

import pytest

from boathook import events as e
from boathook.compose.debts import KIND
from boathook.compose.options import DownOptions
from boathook.compose.place import Health, Status
from boathook.compose.recovery import SETTLERS
from boathook.errors import ManifestError, OperationFailed
from boathook.home import Home
from boathook.journal import ObligationState
from boathook.model import Target
from tests.compose.build import EXAMPLES
from tests.compose.places import PROJECT, Begin, embedded

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]


def the_example(name: str) -> str:
    return (EXAMPLES / name / "compose.yaml").read_text()


@pytest.mark.root
@pytest.mark.behaviour("compose:17")
async def test_post_start_registers_as_root_a_service_that_runs_as_user_1001(real: Begin) -> None:
    async with real(the_example("post-start")) as place:
        await place.worker.up()

        assert [hook.exit_code for hook in place.hooks] == [0]
        assert await place.until_logged("the registry lists it") == (
            "backend: the registry lists it: app, registered by uid 0"
        )
        log = await place.log(await place.member())
        assert "backend: started as uid 1001" in log
        assert "only root may write the registry" in log
        await place.worker.down()


async def test_pre_stop_backs_up_the_file_before_the_stop_signal(real: Begin) -> None:
    async with real(the_example("pre-stop")) as place:
        await place.worker.up()
        await place.until_logged("serving")
        await place.worker.down()

        await place.worker.up()

        found = await place.until_logged("found the backup of the last run")
        assert found.endswith(("opened", "a request was served")), "the backup was made before the signal"
        assert [hook.exit_code for hook in place.hooks] == [0]
        await place.worker.down()


@pytest.mark.behaviour("compose:4", "compose:6", "compose:60", "compose:62")
async def test_a_queue_is_prepared_then_healthy_then_its_workers_join_and_leave(real: Begin) -> None:
    async with real(the_example("pre-start")) as place:
        await place.worker.up()

        queue = await place.member("queue")
        assert queue.health is Health.HEALTHY
        assert await place.until_logged("queue: open", queue) == "queue: open with 6 jobs"
        workers = [one for one in await place.worker.members() if one.service == "worker"]
        assert {one.name for one in workers} == {"demo-worker-1", "demo-worker-2"}
        assert place.outputs() == {
            "queue-1 pre_start[0]": "prepared 6 jobs",
            "worker-1 post_start[0]": "joined the queue",
            "worker-2 post_start[0]": "joined the queue",
        }
        for worker in workers:
            assert await place.until_logged("worker: started", worker) == "worker: started, the queue is open"
        await place.worker.down()
        left = [text for hook, text in place.outputs().items() if "pre_stop" in hook]
        assert len(left) == 2
        assert all(one.startswith("left the queue after ") for one in left)


@pytest.mark.behaviour("compose:30")
async def test_pre_stop_does_not_run_when_the_service_is_killed(real: Begin) -> None:
    async with real(the_example("pre-stop")) as place:
        await place.worker.up()

        assert await place.worker.kill() == 1
        await place.worker.down()

        assert place.hooks == []


@pytest.mark.behaviour("compose:31")
async def test_pre_stop_does_not_run_when_the_service_ends_by_itself(real: Begin) -> None:
    text = the_example("pre-stop").replace("image: backend", "image: backend\n    command: [sh, -c, exit 5]")
    async with real(text) as place:
        await place.worker.up()
        ended = await place.worker.place.wait((await place.member()).id)
        await place.worker.down()

        assert ended.code == 5
        assert place.hooks == []


async def test_down_with_volumes_removes_them_and_nothing_is_left(real: Begin) -> None:
    async with real(the_example("pre-stop")) as place:
        await place.worker.up()
        await place.until_logged("serving")

        await place.worker.down(DownOptions(volumes=True))

        assert await place.worker.members() == ()
        removed = [one.target.name for one in place.happened if isinstance(one, e.ObjectDeleted)]
        assert removed == ["demo_data", "demo_default"]


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
    real: Begin, hook: str, status: int
) -> None:
    async with real(f"services: {{app: {{image: backend, post_start: [{{{hook}}}]}}}}") as place:
        with pytest.raises(OperationFailed) as failed:
            await place.worker.up()

        assert str(failed.value).startswith(f"app hook exited with status {status}")
        assert (await place.member()).status is Status.RUNNING


@pytest.mark.behaviour("compose:12")
async def test_an_unknown_user_of_a_hook_is_refused_before_anything_starts(real: Begin) -> None:
    text = "services: {app: {image: backend, user: nobody-here, post_start: [{command: x, user: nor-here}]}}"
    async with real(text) as place:
        with pytest.raises(ManifestError) as refused:
            await place.worker.up()

        assert [problem.source.path for problem in refused.value.problems] == [
            "services.app.user",
            "services.app.post_start[0].user",
        ]
        assert await place.worker.members() == ()


@pytest.mark.behaviour("compose:14", "compose:17")
async def test_a_hook_has_the_services_user_directory_and_environment(real: Begin) -> None:
    text = r"""
services:
  app:
    image: backend
    user: "0:7"
    working_dir: /tmp
    environment: {A: svc, B: svc}
    post_start:
      - command: [sh, -c, 'echo "$$(id -u):$$(id -g) $$(pwd) A=$$A B=$${B-unset}"']
        environment: {A: hook, B: null}
"""
    async with real(text) as place:
        await place.worker.up()

        assert place.outputs() == {"app-1 post_start[0]": "0:7 /tmp A=hook B=unset"}
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
    async with embedded(home, text) as place:
        await place.worker.up()

        output = place.outputs()["app-1 post_start[0]"]
        names = [name for line in output.splitlines() if line.startswith("127.0.0.1\t") for name in line.split()[1:]]
        assert {"app", "demo-app-1", "db", "the-database"} <= set(names)
        await place.worker.down()


async def test_an_owed_pre_stop_is_run_in_a_fresh_container_with_the_same_volume(home: Home) -> None:
    """What ``recover`` does after the owner died in the middle of the hook, and its container with it."""
    async with embedded(home, the_example("pre-stop")) as place:
        worker = place.worker
        await worker.up()
        member = await place.member()
        payload = await worker.place.owed(worker.project, member, worker.project.service("app").pre_stop[0])
        target = Target(kind="container", scope=PROJECT, name="app-1", instance=member.id)
        obligation = await worker.context.obligations.open(kind=KIND, target=target, description="", payload=payload)
        await place.until_logged("serving")
        await worker.kill()
        await worker.down()

        settled = await SETTLERS[KIND](obligation, worker.context, worker.place)

        assert settled.state is ObligationState.MET
        assert (home.volumes / "demo_data" / "data" / "app.db.bak").exists()
        assert list(home.containers.iterdir()) == []
