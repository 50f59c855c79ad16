"""Containers of a real Docker Engine: what is the engine's own, and what of it is made equal to the other runtimes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from boathook.errors import Conflict, CouldNotStart, ImageUnavailable, NotFound, NotRunning, PlaceError, RequestFailed
from boathook.home import Home
from boathook.model import Stream
from boathook.runtimes.base import (
    ContainerId,
    ContainerState,
    ExecSpec,
    Exit,
    HttpRequest,
    Mount,
    NetworkMode,
    PullPolicy,
    Response,
    TcpConnect,
)
from boathook.runtimes.docker.endpoint import Endpoint, find_endpoint
from boathook.runtimes.docker.removal import sweep_engine
from boathook.runtimes.docker.runtime import DockerRuntime
from tests.peers.docker import TestEngine
from tests.runtimes.build import IDLE, Place, ignored, namespace
from tests.runtimes.engines import an_engine_place

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

SERVER = 'mkdir -p /www; echo hello > /www/index.html; echo up; exec httpd -f -p "$PORT" -h /www'


@pytest.fixture
async def place(home: Home, docker_engine: TestEngine) -> AsyncIterator[Place]:
    async with an_engine_place(home) as place:
        yield place


@pytest.fixture
async def elsewhere(home: Home, docker_engine: TestEngine) -> AsyncIterator[Place]:
    """The same engine by TLS, which is taken for one of another machine."""
    async with an_engine_place(home, find_endpoint(docker_engine.by_tls)) as place:
        yield place


def a_get(port: int) -> HttpRequest:
    return HttpRequest(secure=False, host="", port=port, path="/index.html", headers=())


@asynccontextmanager
async def a_way_to(engine: TestEngine, path: str) -> AsyncIterator[Callable[[], None]]:
    """A socket that leads to the engine's until it is cut."""
    open_streams: list[asyncio.StreamWriter] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(engine.address.removeprefix("unix://"))
        open_streams.extend((writer, back))
        await asyncio.gather(copy(reader, back), copy(there, writer))

    def cut() -> None:
        server.close()
        Path(path).unlink()
        for writer in open_streams:
            writer.transport.abort()

    server = await asyncio.start_unix_server(serve, path)
    yield cut
    await anyio.wait_all_tasks_blocked()


async def asked(place: Place, container: ContainerId, request: HttpRequest) -> Response:
    """The answer of a server that may still be coming up."""
    with anyio.fail_after(10):
        while True:
            try:
                return await place.runtime.request(container, request)
            except RequestFailed:
                await anyio.sleep(0.02)


def a_killed_owner(home: Home, *options: str) -> tuple[int, str]:
    """The pid of a process that was killed, and the container that it left."""
    command = [sys.executable, "-m", "tests.runtimes.engine_owner", str(home.path), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        left = owner.stdout.readline().strip()
        owner.kill()
    return owner.pid, left


def processes(argument: str) -> list[int]:
    """Processes of the machine that have this word among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if argument.encode() in words:
                found.append(int(entry.name))
    return found


async def has_come(argument: str) -> bool:
    """A process has a pid before it has its program."""
    with anyio.move_on_after(10):
        while not processes(argument):  # noqa: ASYNC110  nobody tells when a process of another's has begun
            await anyio.sleep(0.02)
        return True
    return False


async def has_gone(argument: str) -> bool:
    with anyio.move_on_after(10):
        while processes(argument):  # noqa: ASYNC110  nobody tells when a process of another's has ended
            await anyio.sleep(0.02)
        return True
    return False


@pytest.mark.behaviour("deps:3")
async def test_an_exec_has_its_user_directory_and_variables_and_its_streams_apart(place: Place) -> None:
    container = await place.started(environment=(("A", "1"), ("B", "2")))
    script = 'id -u; id -g; pwd; echo "$A $FOO ${B-none}"; echo e >&2; exit 7'

    ended, stdout, stderr = await place.run(
        container,
        *("sh", "-c", script),
        user="1000:1001",
        working_dir="/tmp",
        environment=(("FOO", "bar"), ("B", None)),
    )

    assert (stdout, stderr) == ("1000\n1001\n/tmp\n1 bar none\n", "e\n")
    assert ended == Exit(code=7, signal=None)


async def test_an_exec_without_a_user_has_that_of_its_container(place: Place) -> None:
    container = await place.started(user="1000:1001")

    assert (await place.run(container, "id", "-u"))[1] == "1000\n"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (ExecSpec(command=("/nope",)), 'exec: "/nope": stat /nope: no such file or directory'),
        (ExecSpec(command=("/etc/passwd",)), "permission denied"),
        (ExecSpec(command=("id",), user="stranger"), "unable to find user stranger"),
        (ExecSpec(command=("id",), working_dir="/nope"), 'chdir to cwd ("/nope")'),
        (ExecSpec(command=()), "No exec command specified"),
    ],
)
@pytest.mark.behaviour("deps:5", "deps:6")
async def test_a_program_that_cannot_be_started_is_told_with_the_engines_reason(
    place: Place, spec: ExecSpec, reason: str
) -> None:
    container = await place.started()
    written: list[bytes] = []

    with pytest.raises(CouldNotStart) as caught:
        await place.runtime.exec(container, spec, lambda stream, chunk: written.append(chunk))

    assert reason in str(caught.value)
    assert written == []


@pytest.mark.parametrize("code", [125, 126, 127])
@pytest.mark.behaviour("deps:5")
async def test_a_program_that_ends_with_an_engines_code_has_failed_by_itself(place: Place, code: int) -> None:
    container = await place.started()

    ended, stdout, _ = await place.run(container, "sh", "-c", f"echo OCI runtime exec failed; exit {code}")

    assert (ended.code, stdout) == (code, "OCI runtime exec failed\n")


@pytest.mark.behaviour("deps:7")
async def test_a_paused_container_is_entered_by_nobody(place: Place, docker_engine: TestEngine) -> None:
    container = await place.started()
    docker_engine.docker("pause", container)

    with pytest.raises(NotRunning, match="container 'app' is paused"):
        await place.runtime.exec(container, ExecSpec(command=("true",)), ignored)


@pytest.mark.behaviour("deps:9")
async def test_an_exec_ends_with_its_container(place: Place) -> None:
    container = await place.started()
    execution = await place.runtime.exec(container, ExecSpec(command=("sleep", "600")), ignored)

    await place.runtime.signal(container, "SIGKILL")

    with anyio.fail_after(10):
        assert (await execution.wait()).code == 137


async def test_kill_ends_an_exec_with_its_children_and_keeps_what_it_wrote(place: Place) -> None:
    container = await place.started()
    written: list[bytes] = []
    command = ("sh", "-c", "echo begun; sleep 61011 & sleep 61011; true")
    execution = await place.runtime.exec(
        container, ExecSpec(command=command), lambda stream, chunk: written.append(chunk)
    )
    with anyio.fail_after(10):
        while b"".join(written) != b"begun\n":  # noqa: ASYNC110
            await anyio.sleep(0.01)

    with anyio.fail_after(10):
        await execution.kill()

    assert await has_gone("61011")
    assert (await place.runtime.inspect(container)).state is ContainerState.RUNNING
    assert (await execution.wait()).code == 137


async def test_an_exec_of_an_engine_elsewhere_is_killed_by_the_engine(elsewhere: Place) -> None:
    container = await elsewhere.started()
    execution = await elsewhere.runtime.exec(container, ExecSpec(command=("sleep", "61012")), ignored)
    assert await has_come("61012")

    with anyio.fail_after(20):
        await execution.kill()

    assert await has_gone("61012")
    assert (await execution.wait()).code == 137


@pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.04])
async def test_an_exec_that_is_cancelled_while_it_starts_leaves_nothing_that_runs(place: Place, after: float) -> None:
    container = await place.started()

    with anyio.move_on_after(after):
        await place.runtime.exec(container, ExecSpec(command=("sleep", "61013")), ignored)
        raise AssertionError("it was to be cancelled")

    assert not processes("61013")
    assert (await place.runtime.inspect(container)).state is ContainerState.RUNNING


@pytest.mark.behaviour("deps:8")
async def test_a_hook_past_its_time_is_killed_and_what_it_wrote_is_kept(place: Place) -> None:
    container = await place.started()
    written: list[bytes] = []
    command = ("sh", "-c", "echo begun; sleep 61014")
    execution = await place.runtime.exec(
        container, ExecSpec(command=command), lambda stream, chunk: written.append(chunk)
    )

    with anyio.move_on_after(0.5) as limit:
        await execution.wait()
    await execution.kill()

    assert limit.cancelled_caught
    assert b"".join(written) == b"begun\n"
    assert await has_gone("61014")


@pytest.mark.behaviour("deps:11")
async def test_a_background_child_that_holds_the_output_is_not_waited_for_in_vain(place: Place) -> None:
    container = await place.started()

    with anyio.fail_after(10):
        ended, stdout, _ = await place.run(container, "sh", "-c", "sleep 1 & echo said; exit 4")

    assert (ended.code, stdout) == (4, "said\n")


async def test_much_output_comes_whole(place: Place) -> None:
    container = await place.started()

    ended, stdout, _ = await place.run(container, "sh", "-c", "yes | head -c 1000000")

    assert (ended.code, len(stdout)) == (0, 1000000)


@pytest.mark.slow
@pytest.mark.behaviour("deps:4")
async def test_a_hundred_execs_at_once_keep_their_output_apart(place: Place) -> None:
    container = await place.started()
    results = {}

    async def one(number: int) -> None:
        script = f"echo {number}; echo e{number} >&2; exit {number}"
        results[number] = await place.run(container, "sh", "-c", script)

    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(one, number)

    assert all(
        (results[number][0].code, *results[number][1:]) == (number, f"{number}\n", f"e{number}\n")
        for number in range(100)
    )


@pytest.mark.behaviour("deps:4")
async def test_many_who_wait_delay_nobody(place: Place) -> None:
    container = await place.started()

    async with anyio.create_task_group() as tasks:
        for _ in range(150):
            tasks.start_soon(place.runtime.wait, container)
        await anyio.wait_all_tasks_blocked()
        began = anyio.current_time()
        await place.runtime.inspect(container)
        elapsed = anyio.current_time() - began
        tasks.cancel_scope.cancel()

    assert elapsed < 2


async def test_the_main_process_has_the_whole_environment_and_no_more(place: Place) -> None:
    image = replace(place.image, config=replace(place.image.config, environment=(("OLD", "1"), ("KEPT", "image"))))
    container = await place.started("env", image=image, environment=(("KEPT", "mine"), ("NEW", "a=b")))
    await place.runtime.wait(container)

    lines = await place.log(container)

    assert "KEPT=mine" in lines
    assert "NEW=a=b" in lines
    assert not any(line.startswith("OLD") for line in lines)


async def test_user_groups_and_directory_are_those_of_the_specification(place: Place) -> None:
    container = await place.started(
        "id -u; id -g; id -G; pwd", user="nobody", supplemental_groups=(2000,), working_dir="/made/here"
    )
    await place.runtime.wait(container)

    assert (await place.runtime.inspect(container)).user == "65534:65534"
    assert await place.log(container) == ["65534", "65534", "65534 2000", "/made/here"]


async def test_a_user_that_the_image_does_not_know_is_refused(place: Place) -> None:
    with pytest.raises(CouldNotStart, match="unable to find user stranger"):
        await place.runtime.create(place.spec(user="stranger"))


async def test_a_root_that_is_read_only_capabilities_and_privileges_are_as_asked(place: Place) -> None:
    script = "touch /x 2>/dev/null || echo read-only; grep -E 'CapBnd|NoNewPrivs' /proc/self/status"
    container = await place.started(
        script, read_only_root=True, no_new_privileges=True, capabilities_drop=("ALL",), capabilities_add=("CHOWN",)
    )
    await place.runtime.wait(container)

    assert await place.log(container) == ["read-only", "CapBnd:\t0000000000000001", "NoNewPrivs:\t1"]


async def test_root_is_refused_where_it_is_not_wanted(place: Place) -> None:
    container = await place.runtime.create(place.spec(run_as_non_root=True))

    with pytest.raises(CouldNotStart, match="runAsNonRoot"):
        await place.runtime.start(container)

    seen = await place.runtime.inspect(container)
    assert (seen.state, seen.exit) == (ContainerState.EXITED, Exit(code=None, signal=None))
    assert await place.runtime.wait(container) == Exit(code=None, signal=None)


async def test_a_container_that_cannot_be_started_has_exited_and_nobody_knows_how(place: Place) -> None:
    container = await place.runtime.create(place.spec(command=("/nope",)))

    with pytest.raises(CouldNotStart, match="/nope"):
        await place.runtime.start(container)

    seen = await place.runtime.inspect(container)
    assert (seen.state, seen.exit) == (ContainerState.EXITED, Exit(code=None, signal=None))
    with pytest.raises(CouldNotStart, match="/nope"):
        await place.runtime.start(container)


async def test_an_exit_code_and_a_termination_message_are_kept(place: Place) -> None:
    container = await place.started("echo why > /dev/end; exit 3", termination_message_path="/dev/end")

    assert await place.runtime.wait(container) == Exit(code=3, signal=None)
    seen = await place.runtime.inspect(container)
    assert seen.termination_message == "why\n"
    assert seen.started is not None
    assert seen.finished is not None
    assert seen.finished >= seen.started


async def test_a_termination_message_is_read_from_an_engine_elsewhere_too(elsewhere: Place) -> None:
    container = await elsewhere.started("echo why > /end; exit 3", termination_message_path="/end")
    await elsewhere.runtime.wait(container)

    assert (await elsewhere.runtime.inspect(container)).termination_message == "why\n"


async def test_a_log_has_streams_moments_and_long_lines_in_parts(place: Place) -> None:
    script = "echo one; sleep 0.05; echo two >&2; sleep 0.05; head -c 20000 /dev/zero | tr '\\0' x; echo; printf end"
    container = await place.started(script)
    await place.runtime.wait(container)

    lines = [line async for line in place.runtime.logs(container)]

    assert [(line.stream, line.partial, len(line.text)) for line in lines] == [
        (Stream.STDOUT, False, 3),
        (Stream.STDERR, False, 3),
        (Stream.STDOUT, True, 16384),
        (Stream.STDOUT, False, 20000 - 16384),
        (Stream.STDOUT, False, 3),
    ]
    assert lines[0].time < lines[1].time < lines[2].time


async def test_a_log_is_followed_from_before_the_start_to_the_end(place: Place) -> None:
    container = await place.runtime.create(place.spec("echo one; sleep 0.3; echo two"))
    lines = []

    async def follow() -> None:
        lines.extend([line.text async for line in place.runtime.logs(container, follow=True)])

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow)
            await anyio.wait_all_tasks_blocked()
            await place.runtime.start(container)

    assert lines == ["one", "two"]


async def test_containers_of_a_sandbox_share_network_host_name_and_memory(place: Place) -> None:
    server = await place.ready(SERVER, environment=(("PORT", "8080"),))
    other = await place.started(name="other")
    await place.run(server, "sh", "-c", "echo shared > /dev/shm/file")

    assert (await place.run(other, "wget", "-qO-", "http://127.0.0.1:8080/index.html"))[1] == "hello\n"
    assert (await place.run(other, "hostname"))[1] == "pod-host\n"
    assert (await place.run(other, "cat", "/dev/shm/file"))[1] == "shared\n"


async def test_a_sandbox_knows_the_names_that_it_is_given(home: Home, docker_engine: TestEngine) -> None:
    async with an_engine_place(home, hosts=(("10.1.2.3", "db.test"),)) as place:
        container = await place.started()

        hosts = (await place.run(container, "cat", "/etc/hosts"))[1]

    assert "10.1.2.3\tdb.test" in hosts


async def test_a_sandbox_can_have_the_machines_network(home: Home, docker_engine: TestEngine) -> None:
    async with an_engine_place(home, network=NetworkMode.HOST) as place:
        container = await place.started()

        network = (await place.run(container, "readlink", "/proc/self/ns/net"))[1].strip()

    assert network == namespace("self", "net")


async def test_a_container_is_asked_at_its_sandboxs_address(place: Place) -> None:
    container = await place.ready(SERVER, environment=(("PORT", "8080"),))
    response = await asked(place, container, a_get(8080))

    assert (response.status, response.body) == (200, b"hello\n")
    assert (await place.runtime.request(container, TcpConnect(host="", port=8080))).status == 0
    with pytest.raises(RequestFailed, match=r"dial tcp 10\.189\.\d+\.\d+:81: connect: connection refused"):
        await place.runtime.request(container, a_get(81))


async def test_a_container_of_an_engine_elsewhere_is_not_asked(elsewhere: Place) -> None:
    container = await elsewhere.started()

    with pytest.raises(RequestFailed, match="not reachable from here"):
        await elsewhere.runtime.request(container, a_get(80))


async def test_a_sandboxs_volume_is_shared_by_its_containers_and_goes_with_it(place: Place) -> None:
    volume = await place.runtime.create_volume("scratch", {}, mode=0o777, sandbox=place.sandbox)
    assert volume.path is not None
    mount = Mount(source=str(volume.path), target="/scratch")
    writer = await place.started(mounts=(mount,), user="1000:1000")
    reader = await place.started(name="reader", mounts=(replace(mount, read_only=True),))

    assert (await place.run(writer, "sh", "-c", "echo data > /scratch/file"))[0].ok
    assert (await place.run(reader, "cat", "/scratch/file"))[1] == "data\n"
    assert not (await place.run(reader, "touch", "/scratch/other"))[0].ok
    for container in (writer, reader):
        await place.runtime.remove(container)
    await place.runtime.remove_sandbox(place.sandbox)
    await place.runtime.remove_sandbox(place.sandbox)
    assert not volume.path.exists()


async def test_an_engine_elsewhere_keeps_a_sandboxs_volumes_itself(elsewhere: Place, docker_engine: TestEngine) -> None:
    volume = await elsewhere.runtime.create_volume("scratch", {}, mode=0o777, sandbox=elsewhere.sandbox)
    assert volume.path is None
    mount = Mount(source=f"volume:{volume.name}", target="/scratch")
    container = await elsewhere.started(mounts=(mount,), user="1000:1000")

    assert (await elsewhere.run(container, "touch", "/scratch/file"))[0].ok
    await elsewhere.runtime.remove(container)
    await elsewhere.runtime.remove_sandbox(elsewhere.sandbox)
    assert volume.name not in docker_engine.docker("volume", "ls", "-q").split()


async def test_a_volume_that_somebody_else_made_is_used_and_never_removed(
    place: Place, docker_engine: TestEngine
) -> None:
    docker_engine.docker("volume", "create", "precious")
    try:
        assert not (await place.runtime.create_volume("precious", {}, mode=0o700)).fresh
        with pytest.raises(Conflict, match="not made here"):
            await place.runtime.remove_volume("precious")
    finally:
        docker_engine.docker("volume", "rm", "precious")


async def test_a_container_without_a_command_waits(place: Place) -> None:
    container = await place.started(command=())

    assert (await place.run(container, "true"))[0].ok


async def test_a_container_without_a_command_waits_in_an_engine_elsewhere(elsewhere: Place) -> None:
    container = await elsewhere.started(command=(), read_only_root=True)

    assert (await elsewhere.run(container, "true"))[0].ok


async def test_a_container_that_somebody_else_removed_has_ended_unseen(place: Place, docker_engine: TestEngine) -> None:
    container = await place.started()
    docker_engine.docker("rm", "-f", container)

    assert await place.runtime.wait(container) == Exit(code=None, signal=None)
    with pytest.raises(NotFound):
        await place.runtime.exec(container, ExecSpec(command=("true",)), ignored)
    await place.runtime.remove(container)


async def test_nothing_is_left_in_the_engine_when_the_runtime_is_closed(home: Home, docker_engine: TestEngine) -> None:
    async with an_engine_place(home) as place:
        await place.runtime.create_volume("scratch", {}, mode=0o777, sandbox=place.sandbox)
        await place.ready()
        await place.runtime.create(place.spec(termination_message_path="/end"))

    assert docker_engine.docker("ps", "-aq") == ""
    assert list((home.path / "engine").iterdir()) == []


async def test_what_is_to_stay_stays_whatever_becomes_of_its_maker(home: Home, docker_engine: TestEngine) -> None:
    _, left = a_killed_owner(home, "keep")
    endpoint = find_endpoint({"DOCKER_HOST": docker_engine.address})

    assert await sweep_engine(home, endpoint) == ()

    async with DockerRuntime(home) as runtime:
        seen = await runtime.inspect(ContainerId(left))
        directories = list((home.path / "engine").glob("*/volumes/scratch"))
        await runtime.remove(seen.id)
        await runtime.remove_sandbox(seen.spec.sandbox)
    assert (seen.state, seen.owner_alive, len(directories)) == (ContainerState.RUNNING, True, 1)
    assert docker_engine.docker("ps", "-aq") == ""
    assert list((home.path / "engine").iterdir()) == []


async def test_what_a_killed_owner_left_is_seen_and_swept_and_nothing_of_a_living_one(
    home: Home, place: Place, docker_engine: TestEngine
) -> None:
    mine = await place.ready()
    pid, left = a_killed_owner(home)
    seen = {each.id: each for each in await place.runtime.list({})}

    said = await sweep_engine(home, find_endpoint({"DOCKER_HOST": docker_engine.address}))

    assert {id: (each.state, each.owner_alive) for id, each in seen.items()} == {
        left: (ContainerState.RUNNING, False),
        mine: (ContainerState.RUNNING, True),
    }
    assert said == (
        f"removed container 'app', which process {pid} left behind in the engine",
        f"removed sandbox 'pod', which process {pid} left behind in the engine",
    )
    assert [each.id for each in await place.runtime.list({})] == [mine]
    assert len(list((home.path / "engine").iterdir())) == 1


async def test_another_state_directory_sees_none_of_it(place: Place, tmp_path: Path) -> None:
    await place.started()

    async with an_engine_place(Home(tmp_path / "other").ensure()) as other:
        assert await other.runtime.list({}) == ()


async def test_an_image_that_the_engine_does_not_have_is_told_with_the_remedy(place: Place) -> None:
    with pytest.raises(ImageUnavailable) as never:
        await place.runtime.resolve_image("boathook.test/missing:1", PullPolicy.NEVER)
    with pytest.raises(ImageUnavailable) as offline:
        await place.runtime.resolve_image("boathook.test/missing:1", PullPolicy.ALWAYS)

    assert never.value.reason == "ErrImageNeverPull"
    assert offline.value.reason == "ErrImagePull"
    assert "docker pull boathook.test/missing:1" in (never.value.hint or "")


async def test_an_image_says_how_it_is_run(home: Home, docker_engine: TestEngine) -> None:
    docker_engine.import_image(
        "boathook.test/said:1",
        *('ENTRYPOINT ["sh"]', 'CMD ["-c","id -u"]', "USER nobody", "WORKDIR /tmp", "VOLUME /data", "ENV A=1"),
    )
    async with an_engine_place(home) as place:
        image = await place.runtime.resolve_image("boathook.test/said:1", PullPolicy.NEVER)
        user = await place.runtime.resolve_user(image, "")

    assert (image.origin, image.config.entrypoint, image.config.command) == ("engine", ("sh",), ("-c", "id -u"))
    assert (image.config.working_dir, image.config.user, image.config.volumes) == ("/tmp", "nobody", ("/data",))
    assert dict(image.config.environment)["A"] == "1"
    assert user == (65534, 65534)


async def test_an_engine_that_is_not_there_is_told_with_the_remedy(home: Home, tmp_path: Path) -> None:
    endpoint = Endpoint(address=f"unix://{tmp_path}/none", found_by="DOCKER_HOST")

    with pytest.raises(PlaceError) as caught:
        async with DockerRuntime(home, endpoint=endpoint):
            pass

    assert str(caught.value) == (
        f"the engine at unix://{tmp_path}/none (DOCKER_HOST) cannot be reached: No such file or directory"
    )
    assert "DOCKER_HOST" in (caught.value.hint or "")


async def test_an_engine_that_breaks_away_is_told_to_everybody_who_waits(
    home: Home, docker_engine: TestEngine, tmp_path: Path
) -> None:
    told: list[str] = []

    async def tell(waiting: Awaitable[Exit]) -> None:
        try:
            await waiting
        except PlaceError as error:
            told.append(str(error))

    way = f"{tmp_path}/way"
    async with (
        a_way_to(docker_engine, way) as cut,
        an_engine_place(home, Endpoint(address=f"unix://{way}", found_by="test")) as place,
    ):
        container = await place.started()
        execution = await place.runtime.exec(container, ExecSpec(command=("sleep", "600")), ignored)
        with anyio.fail_after(20):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(tell, place.runtime.wait(container))
                tasks.start_soon(tell, execution.wait())
                await anyio.wait_all_tasks_blocked()
                cut()
        with pytest.raises(PlaceError, match="cannot be reached"):
            await place.runtime.signal(container, "SIGTERM")
    docker_engine.docker("rm", "-f", container, place.sandbox)

    assert len(told) == 2
    assert all(line.startswith(f"the engine at unix://{way} (test) cannot be reached: ") for line in told)


async def test_the_stop_signal_of_a_specification_is_the_engines_too(place: Place, docker_engine: TestEngine) -> None:
    container = await place.ready(IDLE.replace("TERM", "INT"), stop_signal="SIGINT")

    docker_engine.docker("stop", "-t", "10", container)

    assert await place.runtime.wait(container) == Exit(code=42, signal=None)
