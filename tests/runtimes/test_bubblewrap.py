"""Containers of the embedded runtime: isolation, users, capabilities, signals, output, and what is left of them."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from boathook.errors import BoathookError, CouldNotStart, NotFound, UnsupportedHere, UsageError
from boathook.home import Home
from boathook.model import Stream
from boathook.runtimes import abilities
from boathook.runtimes.base import ContainerId, ContainerState, ExecSpec, Exit, Mount, NetworkMode, stop
from boathook.runtimes.identity import this_identity
from boathook.runtimes.processes import process_id
from tests.runtimes.build import ROOT, Place, a_place, ignored, left_in, namespace

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

DEFAULT_CAPABILITIES = "00000000a80425fb"


async def pid_of(place: Place, container: ContainerId) -> int:
    pid = (await place.runtime.inspect(container)).pid
    assert pid is not None
    return pid


def status_field(pid: int, name: str) -> str:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.split(":", 1)[1].strip()
    raise KeyError(name)


@pytest.mark.behaviour("deps:16")
async def test_containers_of_a_sandbox_share_network_and_volume_but_not_processes(home: Home) -> None:
    async with a_place(home) as place:
        volume = await place.runtime.create_volume("data", {}, mode=0o777, sandbox=place.sandbox)
        shared = (Mount(source=str(volume.path), target="/data"),)
        first = await place.ready(mounts=shared)
        second = await place.ready(mounts=shared)
        pids = [await pid_of(place, each) for each in (first, second)]

        for kind in ("net", "ipc", "uts"):
            assert namespace(pids[0], kind) == namespace(pids[1], kind) != namespace("self", kind)
        for kind in ("pid", "mnt"):
            assert len({namespace("self", kind), *(namespace(each, kind) for each in pids)}) == 3
        await place.run(first, "sh", "-c", "echo shared > /data/file")
        assert (await place.run(second, "cat", "/data/file"))[1] == "shared\n"
        assert await place.run(first, "hostname") == await place.run(second, "hostname")


async def test_the_loopback_interface_is_up_and_the_only_one(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()

        _, interfaces, _ = await place.run(container, "cat", "/proc/net/dev")
        _, address, _ = await place.run(container, "cat", "/sys/class/net/lo/operstate")

        assert [line.split(":")[0].strip() for line in interfaces.splitlines()[2:]] == ["lo"]
        assert address == "unknown\n"


async def test_with_the_host_network_the_network_namespace_is_the_machine_s(home: Home) -> None:
    async with a_place(home, network=NetworkMode.HOST) as place:
        container = await place.ready()
        pid = await pid_of(place, container)

        assert namespace(pid, "net") == namespace("self", "net")
        assert namespace(pid, "uts") != namespace("self", "uts")
        assert (await place.run(container, "true"))[0].ok


async def test_names_of_the_sandbox_resolve_to_loopback(home: Home) -> None:
    async with a_place(home, hosts=(("127.0.0.1", "db"),)) as place:
        container = await place.ready()

        _, hosts, _ = await place.run(container, "cat", "/etc/hosts")

        assert "127.0.0.1\tpod-host\n127.0.0.1\tdb\n" in hosts
        assert (await place.run(container, "cat", "/etc/hostname"))[1] == "pod-host\n"


@pytest.mark.behaviour("deps:17")
async def test_a_main_process_that_traps_sigterm_ends_with_its_own_code(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()

        ended = await stop(
            place.runtime, container, signal="SIGTERM", grace=timedelta(seconds=20), signalled=lambda *told: None
        )

        assert (ended.code, ended.signal) == (42, None)


@pytest.mark.behaviour("deps:17")
async def test_pid_1_without_a_handler_ignores_sigterm_and_is_killed_after_the_grace_period(home: Home) -> None:
    told: list[str] = []
    async with a_place(home) as place:
        container = await place.started("echo up; exec sleep 60")

        ended = await stop(
            place.runtime,
            container,
            signal="SIGTERM",
            grace=timedelta(seconds=0.3),
            signalled=lambda name, left: told.append(name),
        )

        assert (ended.code, ended.signal) == (137, 9)
        assert told == ["SIGTERM", "SIGKILL"]


async def test_a_container_without_a_command_pauses_and_leaves_when_asked(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.started(command=())
        assert (await place.run(container, "echo", "inside"))[1] == "inside\n"

        await place.runtime.signal(container, "SIGTERM")

        assert (await place.runtime.wait(container)).code == 0


async def test_main_and_exec_of_root_have_the_default_capabilities_and_no_more(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()
        pid = await pid_of(place, container)

        _, text, _ = await place.run(container, "grep", "^Cap", "/proc/self/status")
        mounted, _, _ = await place.run(container, "mount", "-t", "tmpfs", "none", "/tmp")

        assert {name: status_field(pid, name) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {
            "CapEff": DEFAULT_CAPABILITIES,
            "CapPrm": DEFAULT_CAPABILITIES,
            "CapBnd": DEFAULT_CAPABILITIES,
            "CapInh": "0" * 16,
            "CapAmb": "0" * 16,
        }
        assert [line.split()[1] for line in text.splitlines()] == [
            "0" * 16, DEFAULT_CAPABILITIES, DEFAULT_CAPABILITIES, DEFAULT_CAPABILITIES, "0" * 16
        ]  # fmt: skip
        assert not mounted.ok


async def test_added_and_dropped_capabilities_hold_for_execs_too(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready(capabilities_drop=("ALL",), capabilities_add=("NET_BIND_SERVICE", "CAP_CHOWN"))

        _, text, _ = await place.run(container, "grep", "^CapEff", "/proc/self/status")

        assert int(text.split()[1], 16) == 1 << 10 | 1


async def test_a_privileged_exec_may_do_more_than_its_container(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()

        mounted, _, problem = await place.run(container, "mount", "-t", "tmpfs", "none", "/tmp", privileged=True)

        assert mounted.ok, problem


async def test_no_new_privileges_is_set_where_it_is_asked_for(home: Home) -> None:
    async with a_place(home) as place:
        plain = await place.ready()
        locked = await place.ready(no_new_privileges=True)

        flags = [(await place.run(each, "grep", "NoNewPrivs", "/proc/self/status"))[1] for each in (plain, locked)]

        assert flags == ["NoNewPrivs:\t0\n", "NoNewPrivs:\t1\n"]


@pytest.mark.behaviour("deps:18")
async def test_an_exec_runs_as_the_user_it_names(home: Home) -> None:
    if this_identity().single:
        pytest.skip("an ordinary user without a range in /etc/subuid has one uid only")
    async with a_place(home) as place:
        container = await place.ready(user="1000:1000", supplemental_groups=(77,))

        assert (await place.run(container, "id", "-u"))[1] == "1000\n"
        assert (await place.run(container, "id", "-G"))[1] == "1000 77\n"
        assert (await place.run(container, "id", "-u", user="0:0"))[1] == "0\n"
        assert (await place.run(container, "sh", "-c", "id -u; id -g", user="12345:54321"))[1] == "12345\n54321\n"


@pytest.mark.behaviour("deps:18")
async def test_an_ordinary_user_gets_no_second_uid_and_is_told_the_remedy(home: Home) -> None:
    if not this_identity().single:
        pytest.skip("root, and whoever has a range in /etc/subuid, can give several uids")
    async with a_place(home, user=1000) as place:
        container = await place.ready(user="1000:1000")

        assert (await place.run(container, "id", "-u"))[1] == "1000\n"
        with pytest.raises(UnsupportedHere, match="not supported by this isolator") as refused:
            await place.runtime.exec(container, ExecSpec(command=("true",), user="0:0"), ignored)
        assert "/etc/subuid" in (refused.value.hint or "")
        assert "/etc/subuid" in (place.runtime.can_be(frozenset({0, 1000})) or "")
        with pytest.raises(UnsupportedHere, match="one uid only"):
            await place.runtime.create(place.spec(user="1001:1001"))


@pytest.mark.behaviour("deps:19")
async def test_the_environment_is_the_container_s_and_the_exec_s_and_nothing_of_the_caller_s(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLER_SECRET", "1")
    async with a_place(home) as place:
        container = await place.ready(environment=(("A", "container"), ("B", "container"), ("C", "x")))

        _, text, _ = await place.run(container, "env", environment=(("B", "exec"), ("C", None)))
        _, plain, _ = await place.run(container, "env")

        assert {"A=container", "B=exec", "HOSTNAME=pod-host", "HOME=/root"} <= set(text.splitlines())
        assert not {"C=x"} & set(text.splitlines())
        assert {"A=container", "B=container", "C=x"} <= set(plain.splitlines())
        assert "CALLER_SECRET" not in text + plain


async def test_the_working_directory_is_made_for_a_container_and_must_exist_for_an_exec(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready("pwd; exec sleep 60", working_dir="/run/app/new")

        assert await place.log(container) == ["/var/run/app/new"]
        assert (await place.run(container, "pwd"))[1] == "/var/run/app/new\n"
        assert (await place.run(container, "pwd", working_dir="/tmp"))[1] == "/tmp\n"
        with pytest.raises(CouldNotStart, match='enter working directory "/nowhere": no such file or directory'):
            await place.run(container, "pwd", working_dir="/nowhere")


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("nope", 'exec "nope": executable file not found in $PATH'),
        ("/nope", 'exec "/nope": no such file or directory'),
        ("/etc/passwd", 'exec "/etc/passwd": permission denied'),
        ("/tmp", 'exec "/tmp": permission denied'),
    ],
)
async def test_a_program_that_cannot_be_executed_is_no_exit_code(home: Home, program: str, why: str) -> None:
    async with a_place(home) as place:
        container = await place.ready()
        broken = await place.runtime.create(place.spec(command=(program,)))

        with pytest.raises(CouldNotStart) as refused_exec:
            await place.run(container, program)
        with pytest.raises(CouldNotStart) as refused_start:
            await place.runtime.start(broken)

        assert str(refused_exec.value) == why
        assert str(refused_start.value) == f"container 'app' could not be started: {why}"
        found = await place.runtime.inspect(broken)
        assert (found.state, found.exit and found.exit.code) == (ContainerState.EXITED, None)


async def test_a_program_that_exits_with_127_has_been_started(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()

        assert (await place.run(container, "sh", "-c", "exit 127"))[0].code == 127
        killed, _, _ = await place.run(container, "sh", "-c", "kill -9 $$")
        assert (killed.code, killed.signal) == (137, 9)


async def test_root_is_refused_where_it_must_not_run(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.runtime.create(place.spec(run_as_non_root=True))

        with pytest.raises(CouldNotStart, match=r"^container has runAsNonRoot and image will run as root$"):
            await place.runtime.start(container)


async def test_a_missing_mount_source_and_an_unknown_capability_are_told(home: Home) -> None:
    async with a_place(home) as place:
        missing = await place.runtime.create(place.spec(mounts=(Mount(source="/no/such/place", target="/data"),)))

        with pytest.raises(CouldNotStart, match="mount source '/no/such/place' is missing"):
            await place.runtime.start(missing)
        with pytest.raises(CouldNotStart, match="unknown capability 'FLY'"):
            await place.runtime.create(place.spec(capabilities_add=("FLY",)))


async def test_stdout_and_stderr_are_kept_apart(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()

        ended, out, err = await place.run(container, "sh", "-c", "echo o; echo e >&2; exit 7")

        assert (ended.code, out, err) == (7, "o\n", "e\n")


async def test_a_flood_of_output_is_read_to_the_end(home: Home) -> None:
    counted = 0

    def count(stream: Stream, chunk: bytes) -> None:
        nonlocal counted
        counted += len(chunk)

    async with a_place(home) as place:
        container = await place.ready()

        execution = await place.runtime.exec(
            container, ExecSpec(command=("head", "-c", "100000000", "/dev/zero")), count
        )

        assert (await execution.wait()).ok
        assert counted == 100_000_000


async def test_the_log_has_lines_parts_of_long_lines_and_replaces_what_is_no_text(home: Home) -> None:
    script = r"printf '\377\n'; echo err >&2; head -c 40000 /dev/zero | tr '\0' x; echo; printf end"
    async with a_place(home) as place:
        container = await place.started(script)
        await place.runtime.wait(container)

        lines = [line async for line in place.runtime.logs(container)]

        out = [line for line in lines if line.stream is Stream.STDOUT]
        assert [(len(line.text), line.partial) for line in out] == [
            (1, False), (16384, True), (16384, True), (7232, False), (3, False)
        ]  # fmt: skip
        assert out[0].text == "\ufffd"
        assert [line.text for line in lines if line.stream is Stream.STDERR] == ["err"]


async def test_logs_can_be_followed_to_the_end_of_the_container(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.started("for n in 1 2 3; do echo $n; sleep 0.05; done")

        assert [line.text async for line in place.runtime.logs(container, follow=True)] == ["1", "2", "3"]


async def test_an_exec_can_write_into_the_log_of_its_container(home: Home) -> None:
    async with a_place(home, user=None if ROOT else 1000) as place:
        container = await place.ready(user="1000:1000")

        ended, _, problem = await place.run(container, "sh", "-c", "echo from the hook > /proc/1/fd/1")
        await place.runtime.signal(container, "SIGKILL")
        await place.runtime.wait(container)

        assert ended.ok, problem
        assert "from the hook" in await place.log(container)


async def test_the_root_is_writable_and_its_changes_are_the_container_s_own(home: Home) -> None:
    async with a_place(home) as place:
        first, second = await place.ready(), await place.ready()

        await place.run(first, "sh", "-c", "echo changed > /etc/passwd; mkdir /made")

        assert (await place.run(first, "cat", "/etc/passwd"))[1] == "changed\n"
        assert (await place.run(second, "ls", "/made"))[0].code != 0
        assert (await place.run(second, "head", "-c", "4", "/etc/passwd"))[1] == "root"


async def test_a_read_only_root_leaves_volumes_writable(home: Home) -> None:
    async with a_place(home) as place:
        volume = await place.runtime.create_volume("data", {}, mode=0o777)
        mounts = (Mount(source=str(volume.path), target="/data"),)
        container = await place.ready(read_only_root=True, mounts=mounts, working_dir="/work")

        root, _, problem = await place.run(container, "touch", "/file")
        data, _, _ = await place.run(container, "touch", "/data/file")

        assert not root.ok
        assert "Read-only file system" in problem
        assert data.ok


async def test_a_read_only_mount_cannot_be_written(home: Home) -> None:
    async with a_place(home) as place:
        volume = await place.runtime.create_volume("data", {}, mode=0o777)
        container = await place.ready(mounts=(Mount(source=str(volume.path), target="/data", read_only=True),))

        assert not (await place.run(container, "touch", "/data/file"))[0].ok


async def test_a_volume_has_exactly_the_mode_asked_for(home: Home) -> None:
    async with a_place(home) as place:
        volume = await place.runtime.create_volume("data", {}, mode=0o777, sandbox=place.sandbox)

        assert volume.path is not None
        assert volume.path.stat().st_mode & 0o7777 == 0o777


async def test_the_termination_message_is_read_when_the_container_ends(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.started(
            "echo the disk is full > /dev/termination-log", termination_message_path="/dev/termination-log"
        )
        await place.runtime.wait(container)

        assert (await place.runtime.inspect(container)).termination_message == "the disk is full\n"


async def test_an_exec_is_over_when_its_background_child_has_closed_the_output(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()

        ended, out, _ = await place.run(container, "sh", "-c", "(sleep 0.3; echo late) & echo early")

        assert (ended.code, out) == (0, "early\nlate\n")


@pytest.mark.behaviour("deps:21")
async def test_killing_an_exec_leaves_nothing_of_it(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()
        script = "sleep 1234 & (sleep 1235 & setsid sleep 1236 &) ; echo up; wait"
        up = anyio.Event()
        execution = await place.runtime.exec(
            container, ExecSpec(command=("sh", "-c", script)), lambda stream, chunk: up.set()
        )
        await up.wait()

        await execution.kill()
        ended = await execution.wait()

        assert (ended.code, ended.signal) == (137, 9)
        _, left, _ = await place.run(container, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
        assert "sleep 1234" not in left
        assert "sleep 1235" not in left


async def test_a_container_that_dies_takes_its_execs_with_it(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()
        execution = await place.runtime.exec(container, ExecSpec(command=("sleep", "60")), ignored)

        await place.runtime.signal(container, "SIGKILL")

        assert (await execution.wait()).signal == 9
        assert (await place.runtime.wait(container)).code == 137


async def test_an_exec_may_kill_its_own_container(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready("trap 'exit 3' INT; echo up; while :; do sleep 60 & wait $!; done")

        await place.run(container, "sh", "-c", "kill -INT 1")

        assert (await place.runtime.wait(container)).code == 3


@pytest.mark.behaviour("deps:20")
async def test_fifty_containers_at_once_all_end_as_they_should(home: Home) -> None:
    codes: dict[int, int | None] = {}

    async with a_place(home) as place:

        async def life(number: int) -> None:
            container = await place.ready(f'trap "exit {number}" TERM; echo up; while :; do sleep 60 & wait $!; done')
            ended, out, _ = await place.run(container, "echo", str(number))
            assert (ended.code, out) == (0, f"{number}\n")
            await place.runtime.signal(container, "SIGTERM")
            codes[number] = (await place.runtime.wait(container)).code
            await place.runtime.remove(container)

        async with anyio.create_task_group() as lives:
            for number in range(50):
                lives.start_soon(life, number)

    assert codes == {number: number for number in range(50)}
    assert left_in(home) == []


async def test_nothing_is_left_when_the_runtime_is_released(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()
        pid = await pid_of(place, container)
        holder = place.runtime._sandboxes[place.sandbox].record.holder  # type: ignore[attr-defined]

    assert left_in(home) == []
    assert not process_id(pid).alive
    assert not holder.alive


async def test_state_in_a_directory_that_others_may_not_enter_is_no_hindrance(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    async with a_place(Home(closed / "home"), user=None if ROOT else 1000) as place:
        volume = await place.runtime.create_volume("data", {}, mode=0o777)
        container = await place.ready(user="1000:1000", mounts=(Mount(source=str(volume.path), target="/data"),))

        assert (await place.run(container, "touch", "/data/file"))[0].ok


async def test_an_unknown_container_is_not_found(home: Home) -> None:
    async with a_place(home) as place:
        with pytest.raises(NotFound):
            await place.runtime.inspect(ContainerId("nobody"))


async def test_proc_shows_the_container_alone_and_cannot_change_the_machine(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()

        _, processes, _ = await place.run(container, "sh", "-c", "echo /proc/[0-9]*")
        changed, _, _ = await place.run(container, "sh", "-c", "echo 1 > /proc/sys/kernel/panic")

        assert len(processes.split()) <= 4
        assert not changed.ok
        assert os.getpid() not in [int(each.rsplit("/", 1)[1]) for each in processes.split()][1:]


async def test_a_root_is_copied_where_overlays_cannot_be_had(home: Home) -> None:
    abilities.remember(home, this_identity(), overlay=False)
    async with a_place(home) as place:
        first, second = await place.ready(), await place.ready()

        await place.run(first, "sh", "-c", "echo changed > /etc/passwd")

        assert (await place.run(first, "stat", "-f", "-c", "%T", "/"))[1] != "overlayfs\n"
        assert (await place.run(first, "cat", "/etc/passwd"))[1] == "changed\n"
        assert (await place.run(second, "head", "-c", "4", "/etc/passwd"))[1] == "root"
    assert left_in(home) == []


async def test_what_is_not_enforced_is_said(home: Home) -> None:
    async with a_place(home) as place:
        said = place.runtime.not_enforced(place.spec(privileged=True, supplemental_groups=(5,)))

        assert any("privileged" in sentence for sentence in said) is not ROOT
        assert place.runtime.not_enforced(place.spec()) == ()


async def test_a_spawner_that_is_killed_takes_its_containers_with_it_and_nobody_hangs(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()
        execution = await place.runtime.exec(container, ExecSpec(command=("sleep", "60")), ignored)

        os.kill(place.runtime._spawner._pid, 9)  # type: ignore[attr-defined]

        assert await place.runtime.wait(container) == Exit(code=None, signal=None)
        assert (await execution.wait()).code is None
        with pytest.raises(BoathookError):
            await place.runtime.exec(container, ExecSpec(command=("true",)), ignored)
    assert left_in(home) == []


async def test_a_user_without_a_group_has_the_one_of_the_image_else_0(home: Home) -> None:
    async with a_place(home) as place:
        assert await place.runtime.resolve_user(place.image, "1000") == (1000, 1000)
        assert await place.runtime.resolve_user(place.image, "app") == (1000, 1000)
        assert await place.runtime.resolve_user(place.image, "4321") == (4321, 0)
        assert await place.runtime.resolve_user(place.image, "") == (0, 0)
        with pytest.raises(CouldNotStart, match="nosuchuser"):
            await place.runtime.resolve_user(place.image, "nosuchuser")


async def test_an_unknown_signal_is_refused(home: Home) -> None:
    async with a_place(home) as place:
        container = await place.ready()

        with pytest.raises(UsageError, match="unknown signal 'SIGNOPE'"):
            await place.runtime.signal(container, "SIGNOPE")


@pytest.mark.behaviour("deps:24")
async def test_the_isolator_is_named(home: Home) -> None:
    async with a_place(home) as place:
        assert place.runtime.name == "local/bwrap"
