"""Whole pods in the foreground: on the embedded runtime, and simulated."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio
import pytest

from boathook.clock import SystemClock
from boathook.errors import ManifestError
from boathook.events import ContainerCreated, EventStream, Stamped
from boathook.home import Home
from boathook.images import ImageResolver
from boathook.journal import Context, MemoryObligations
from boathook.model import HookResult, JsonObject
from boathook.pods import Phase, PodFile, PodRun, pod_from_object, run_pod, simulate_pod
from boathook.report.timeline import render_timeline
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from boathook.runtimes.simulated import Assumptions
from tests.pods.build import a_container, a_pod_object

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"


def a_file(*containers: JsonObject, objects: tuple[JsonObject, ...] = (), **spec: Any) -> PodFile:
    obj = a_pod_object(*({**one, "image": IMAGE} for one in containers), **spec)
    return PodFile(pods=(pod_from_object(obj),), pod_objects=(obj,), objects=objects)


@asynccontextmanager
async def a_runtime(home: Home) -> AsyncIterator[BubblewrapRuntime]:
    async with BubblewrapRuntime(home, images=ImageResolver(home, {}, offline=True)) as runtime:
        yield runtime


async def run(home: Home, pod_file: PodFile, *, lasting: float | None = 0.1) -> PodRun:
    context = Context(events=EventStream(), clock=SystemClock(), obligations=MemoryObligations(clock=SystemClock()))
    async with a_runtime(home) as runtime:
        with anyio.fail_after(60):
            span = None if lasting is None else timedelta(seconds=lasting)
            (outcome,) = await run_pod(pod_file, runtime, context, lasting=span)
    assert list(home.containers.iterdir()) == []
    return outcome


def stdout(result: HookResult) -> str:
    assert result.stdout is not None
    return result.stdout.text


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("pods:27")
async def test_a_hook_has_its_containers_user_directory_and_environment(home: Home) -> None:
    hook = ["sh", "-c", "id -u; pwd; echo $GREETING"]
    container = a_container(
        post_start=hook,
        workingDir="/tmp",
        env=[{"name": "GREETING", "value": "hello"}],
        securityContext={"runAsUser": 1000, "runAsGroup": 1000},
    )

    outcome = await run(home, a_file(container))

    assert stdout(outcome.results[0]) == "1000\n/tmp\nhello\n"


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("pods:27")
async def test_the_command_of_a_hook_is_not_read_by_a_shell(home: Home) -> None:
    outcome = await run(home, a_file(a_container(pre_stop=["echo", "$HOME", "a  b"])))

    assert stdout(outcome.results[0]) == "$HOME a  b\n"


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("pods:26")
async def test_what_a_hook_writes_is_not_in_the_containers_log(home: Home) -> None:
    """The fallback of the termination message is the end of the log: it shows what is in it."""
    container = a_container(
        pre_stop=["echo", "from-the-hook"],
        command=["sh", "-c", "echo from-the-app; trap 'exit 3' TERM; sleep 100 & wait"],
        args=None,
        terminationMessagePolicy="FallbackToLogsOnError",
    )

    outcome = await run(home, a_file(container), lasting=0.5)

    statuses: Any = outcome.status["containerStatuses"]
    assert statuses[0]["state"]["terminated"]["message"] == "from-the-app\n"
    assert outcome.exit_codes == {"app": 3}
    assert stdout(outcome.results[0]) == "from-the-hook\n"


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("pods:13")
async def test_a_hook_whose_program_is_missing_is_told_and_the_stop_goes_on(home: Home) -> None:
    outcome = await run(home, a_file(a_container(pre_stop=["/nope"])))

    assert [one.succeeded for one in outcome.results] == [False]
    assert outcome.exit_codes == {"app": 2}
    assert not outcome.succeeded


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("pods:18")
async def test_containers_share_their_volumes_and_their_hooks_run_side_by_side(home: Home) -> None:
    def one(name: str, other: str) -> JsonObject:
        wait = f"touch /data/{name}; until [ -e /data/{other} ]; do sleep 0.05; done"
        mounts = [{"name": "data", "mountPath": "/data"}]
        return a_container(name, pre_stop=["sh", "-c", wait], volumeMounts=mounts)

    pod_file = a_file(one("c1", "c2"), one("c2", "c1"), volumes=[{"name": "data", "emptyDir": {}}], grace=10)

    outcome = await run(home, pod_file)

    assert [one.succeeded for one in outcome.results] == [True, True]


@pytest.mark.runtime
@pytest.mark.anyio
async def test_a_config_map_becomes_files_and_variables(home: Home) -> None:
    config: JsonObject = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": "default"},
        "data": {"mode": "fast"},
    }
    container = a_container(
        post_start=["sh", "-c", "cat /etc/settings/mode; echo; echo $MODE"],
        volumeMounts=[{"name": "settings", "mountPath": "/etc/settings"}],
        env=[{"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}}],
    )
    pod_file = a_file(container, objects=(config,), volumes=[{"name": "settings", "configMap": {"name": "settings"}}])

    outcome = await run(home, pod_file)

    assert stdout(outcome.results[0]) == "fast\nfast\n"


@pytest.mark.runtime
@pytest.mark.anyio
@pytest.mark.behaviour("pods:8", "pods:28")
async def test_a_pod_that_ends_by_itself_ends_the_run_without_a_hook(home: Home) -> None:
    container = a_container(command=["sh", "-c", "exit 0"], args=None, pre_stop=["true"])

    outcome = await run(home, a_file(container, restartPolicy="Never"), lasting=None)

    assert (outcome.phase, outcome.asked_to_stop, outcome.results) == (Phase.SUCCEEDED, False, ())
    assert outcome.succeeded


@pytest.mark.runtime
@pytest.mark.anyio
async def test_a_root_user_is_refused_before_anything_starts_where_it_may_not_be(home: Home) -> None:
    container = a_container(securityContext={"runAsNonRoot": True, "runAsUser": 0})

    with pytest.raises(ManifestError, match="breaks non-root policy"):
        await run(home, a_file(container))

    assert not home.containers.exists() or list(home.containers.iterdir()) == []


@pytest.mark.runtime
@pytest.mark.anyio
async def test_images_that_nobody_has_are_told_for_all_containers_at_once(home: Home) -> None:
    obj = a_pod_object(a_container("c1", image="nobody/has-this:1"), a_container("c2", image="nor/this:1"))
    pod_file = PodFile(pods=(pod_from_object(obj),), pod_objects=(obj,), objects=())

    with pytest.raises(ManifestError) as refused:
        await run(home, pod_file)

    assert [one.source.path for one in refused.value.problems] == [
        "spec.containers[0].image",
        "spec.containers[1].image",
    ]


class TestSimulation:
    def test_the_plan_of_a_pod_is_its_life_in_virtual_time(self) -> None:
        pod_file = a_file(a_container(pre_stop=["sync"]), grace=60)

        text = render_timeline(simulate_pod(pod_file, Assumptions.parse(("preStop:app=40s",))))

        assert text.splitlines() == [
            "pod  simulated  grace 60s",
            "  0.000  app                 created, agnhost pause, root",
            "  0.000  app                 running",
            "  0.000  pod                 Running",
            "  0.000  stop requested (deleted, grace 60s)",
            "  0.000  app                 Normal Killing: Stopping container app",
            "  0.000  preStop             sync  [root]",
            " 40.000  preStop             exit 0 after 40.0s, 20s of grace left",
            " 40.000  app                 SIGTERM, 20s left",
            " 40.000  app                 exited 143",
            " 40.000  pod                 Failed",
            " 40.000  PreStop hook executed successfully",
        ]

    def test_a_plan_is_the_same_each_time(self) -> None:
        pod_file = a_file(a_container("c1", pre_stop=["sync"]), a_container("c2", post_start=["sync"]))

        def plan() -> list[Stamped]:
            return list(simulate_pod(pod_file, Assumptions()))

        assert plan() == plan()
        assert sum(isinstance(one.event, ContainerCreated) for one in plan()) == 2
