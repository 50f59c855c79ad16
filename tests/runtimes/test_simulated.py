"""The runtime that runs nothing, in virtual time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from boathook.clock import run_virtual
from boathook.errors import NotFound, NotRunning, RequestFailed, UsageError
from boathook.runtimes.base import (
    ContainerId,
    ContainerSpec,
    ContainerState,
    ExecSpec,
    Exit,
    HttpRequest,
    NetworkMode,
    PullPolicy,
    SandboxSpec,
    stop,
)
from boathook.runtimes.simulated import ENDS_BY_ITSELF, Assumptions, SimulatedRuntime


def nothing(*_: object) -> None:
    pass


async def a_running(runtime: SimulatedRuntime, name: str = "app", **labels: str) -> ContainerId:
    sandbox = await runtime.create_sandbox(SandboxSpec(name="pod", hostname="pod", network=NetworkMode.POD, labels={}))
    container = await runtime.create(
        ContainerSpec(
            name=name,
            labels={key.replace("__", "/").replace("_", "."): value for key, value in labels.items()},
            sandbox=sandbox,
            image=await runtime.resolve_image("app", PullPolicy.NEVER),
            command=("app",),
            environment=(),
            working_dir="/",
            user="1000",
        )
    )
    await runtime.start(container)
    return container


def simulated(*assumed: str) -> SimulatedRuntime:
    return SimulatedRuntime(Assumptions.parse(assumed))


class TestAssumptions:
    @pytest.mark.parametrize(
        ("entry", "point", "name", "seconds"),
        [
            ("preStop:app=40s", "pre_stop", "app", 40),
            ("pre_stop:app=1m30s", "pre_stop", "app", 90),
            ("post-install:demo-job=500ms", "post_install", "demo-job", 0.5),
            ("pre.hook:db=2s", "pre_backup", "db", 2),
            ("run:app=5s", "run", "app", 5),
            ("copy:data=0", "copy", "data", 0),
        ],
    )
    def test_a_point_may_be_written_as_its_dialect_writes_it(
        self, entry: str, point: str, name: str, seconds: float
    ) -> None:
        (one,) = Assumptions.parse((entry,)).given

        assert (one.point, one.name, one.duration) == (point, name, timedelta(seconds=seconds))

    @pytest.mark.parametrize(
        "entry", ["", "app=5s", "preStop:=5s", "preStop:app", "middle:app=5s", "run:app=soon", "run:app=-1s"]
    )
    def test_anything_else_is_refused(self, entry: str) -> None:
        with pytest.raises(UsageError, match="invalid assumption"):
            Assumptions.parse((entry,))

    def test_defaults_that_were_used_and_assumptions_that_were_not_are_known(self) -> None:
        runtime = simulated("preStop:typo=3s")

        async def life() -> None:
            container = await a_running(runtime)
            await (await runtime.exec(container, ExecSpec(command=("x",), label="pre_stop:app"), nothing)).wait()

        run_virtual(life)

        assert runtime.assumptions.defaults_used == ("pre_stop:app=0s",)
        assert runtime.assumptions.unused == ("pre_stop:typo",)


class TestMainProcess:
    def test_it_runs_until_it_is_signalled_and_ends_at_once_with_143(self) -> None:
        async def life() -> tuple[float, Exit]:
            runtime = simulated()
            container = await a_running(runtime)
            await anyio.sleep(100)
            ended = await stop(runtime, container, signal="SIGTERM", grace=timedelta(seconds=30), signalled=nothing)
            return anyio.current_time(), ended

        assert run_virtual(life) == (100, Exit(code=143, signal=15))

    def test_it_ends_by_itself_when_that_is_assumed(self) -> None:
        async def life() -> tuple[float, Exit]:
            runtime = simulated("run:app=5s")
            return anyio.current_time(), await runtime.wait(await a_running(runtime))

        assert run_virtual(life)[1] == Exit(code=0, signal=None)

    def test_a_jobs_ends_at_once_and_says_so(self) -> None:
        async def life() -> tuple[str, ...]:
            runtime = simulated()
            await runtime.wait(await a_running(runtime, **{ENDS_BY_ITSELF: "true"}))
            return runtime.assumptions.defaults_used

        assert run_virtual(life) == ("run:app=0s",)

    def test_one_that_ignores_its_stop_signal_is_killed_at_the_end_of_the_grace_period(self) -> None:
        async def life() -> tuple[float, Exit]:
            runtime = simulated("stop:app=1h")
            container = await a_running(runtime)
            ended = await stop(runtime, container, signal="SIGTERM", grace=timedelta(seconds=30), signalled=nothing)
            return anyio.current_time(), ended

        assert run_virtual(life) == (30, Exit(code=137, signal=9))

    def test_one_that_has_ended_takes_no_signal(self) -> None:
        async def life() -> None:
            runtime = simulated()
            container = await a_running(runtime)
            await runtime.signal(container, "SIGKILL")
            with pytest.raises(NotRunning):
                await runtime.signal(container, "SIGTERM")

        run_virtual(life)


class TestExec:
    def test_it_takes_as_long_as_its_hook_is_assumed_to(self) -> None:
        async def life() -> tuple[float, Exit]:
            runtime = simulated("preStop:app=40s")
            container = await a_running(runtime)
            running = await runtime.exec(container, ExecSpec(command=("x",), label="pre_stop:app"), nothing)
            ended = await running.wait()
            return anyio.current_time(), ended

        assert run_virtual(life) == (40, Exit(code=0, signal=None))

    def test_it_is_killed_with_its_container(self) -> None:
        async def life() -> tuple[float, Exit]:
            runtime = simulated("preStop:app=40s")
            container = await a_running(runtime)
            running = await runtime.exec(container, ExecSpec(command=("x",), label="pre_stop:app"), nothing)
            await anyio.sleep(7)
            await runtime.signal(container, "SIGKILL")
            ended = await running.wait()
            return anyio.current_time(), ended

        assert run_virtual(life) == (7, Exit(code=137, signal=9))

    def test_cancelling_a_wait_does_not_end_it(self) -> None:
        async def life() -> tuple[float, Exit]:
            runtime = simulated("preStop:app=40s")
            container = await a_running(runtime)
            running = await runtime.exec(container, ExecSpec(command=("x",), label="pre_stop:app"), nothing)
            with anyio.move_on_after(5):
                await running.wait()
            ended = await running.wait()
            return anyio.current_time(), ended

        assert run_virtual(life) == (40, Exit(code=0, signal=None))


class TestRecords:
    def test_containers_are_found_by_label_and_gone_when_removed(self) -> None:
        async def life() -> list[Any]:
            runtime = simulated()
            container = await a_running(runtime, team="x")
            seen: list[Any] = [one.state for one in await runtime.list({"team": "x"})]
            seen.append((await runtime.inspect(container)).user)
            await runtime.remove(container)
            await runtime.remove(container)
            with pytest.raises(NotFound):
                await runtime.inspect(container)
            return seen

        assert run_virtual(life) == [ContainerState.RUNNING, "1000:0"]

    def test_what_happens_is_told_to_subscribers(self) -> None:
        async def life() -> list[str]:
            runtime, told = simulated(), list[str]()

            async def listen() -> None:
                async for event in runtime.events():
                    told.append(f"{event.name} {event.what}")

            async with anyio.create_task_group() as group:
                group.start_soon(listen)
                await anyio.lowlevel.checkpoint()
                container = await a_running(runtime)
                await runtime.signal(container, "SIGKILL")
                await anyio.sleep(1)
                group.cancel_scope.cancel()
            return told

        assert run_virtual(life) == ["app created", "app started", "app exited"]

    def test_a_sandboxs_own_volumes_go_with_it(self) -> None:
        async def life() -> tuple[bool, bool, bool]:
            runtime = simulated()
            sandbox = await runtime.create_sandbox(
                SandboxSpec(name="pod", hostname="pod", network=NetworkMode.POD, labels={})
            )
            first = await runtime.create_volume("data", {}, mode=0o777, sandbox=sandbox)
            again = await runtime.create_volume("data", {}, mode=0o777, sandbox=sandbox)
            await runtime.remove_sandbox(sandbox)
            return first.fresh, again.fresh, bool(await runtime.list_volumes({}))

        assert run_virtual(life) == (True, False, False)

    @pytest.mark.parametrize(("user", "expected"), [("", (0, 0)), ("root", (0, 0)), ("1000:5", (1000, 5))])
    def test_numbers_are_users_and_root_is_zero(self, user: str, expected: tuple[int, int]) -> None:
        async def look_up() -> tuple[int, int]:
            runtime = simulated()
            return await runtime.resolve_user(await runtime.resolve_image("app", PullPolicy.NEVER), user)

        assert run_virtual(look_up) == expected


class TestRequests:
    """What is asked of a container is answered after the assumed time."""

    def asked(self, label: str, *assumed: str, host: str = "") -> tuple[int, float, tuple[str, ...]]:
        async def scene() -> tuple[int, float, tuple[str, ...]]:
            runtime = simulated(*assumed)
            container = await a_running(runtime)
            began = anyio.current_time()
            request = HttpRequest(secure=False, host=host, port=80, path="/", headers=())
            response = await runtime.request(container, request, label=label)
            return response.status, anyio.current_time() - began, runtime.assumptions.defaults_used

        return run_virtual(scene)

    def test_a_hooks_request_takes_what_was_assumed(self) -> None:
        assert self.asked("pre_stop:app", "preStop:app=40s") == (200, 40.0, ())

    def test_what_nobody_assumed_of_a_hook_is_said_and_of_a_probe_is_not(self) -> None:
        assert self.asked("pre_stop:app") == (200, 0.0, ("pre_stop:app=0s",))
        assert self.asked("liveness:app") == (200, 0.0, ())
        assert self.asked("liveness:app", "livenessProbe:app=2s") == (200, 2.0, ())

    def test_a_request_ends_with_its_container(self) -> None:
        async def scene() -> float:
            runtime = simulated("preStop:app=40s")
            container = await a_running(runtime)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._killed_after, runtime, container, 3)
                with pytest.raises(RequestFailed, match="EOF"):
                    await runtime.request(
                        container,
                        HttpRequest(secure=False, host="", port=80, path="/", headers=()),
                        label="pre_stop:app",
                    )
            return anyio.current_time()

        assert run_virtual(scene) == 3

    async def _killed_after(self, runtime: SimulatedRuntime, container: ContainerId, seconds: float) -> None:
        await anyio.sleep(seconds)
        await runtime.signal(container, "SIGKILL")
