"""What the controllers of the local cluster do with pods, in virtual time."""

from __future__ import annotations

from datetime import timedelta

import anyio
import pytest

from boathook.cluster.local import LocalCluster
from boathook.errors import PlaceError
from boathook.events import ObjectDeleted, StopRequested
from boathook.model import HookPoint
from boathook.runtimes.assumptions import STOP, Assumption
from boathook.runtimes.base import ContainerId
from boathook.runtimes.simulated import SimulatedRuntime
from tests.cluster.build import Told, a_job, a_pod, at, gone, key, phase, running, runs, simulated

PRE_STOP = {"lifecycle": {"preStop": {"exec": {"command": ["sync"]}}}}


def pre_stop(seconds: float) -> Assumption:
    return Assumption(point=HookPoint.PRE_STOP, name="app", duration=timedelta(seconds=seconds))


def test_the_grace_period_of_a_deletion_only_shrinks() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod(container=PRE_STOP, terminationGracePeriodSeconds=30))
        await running(cluster)
        graces = []
        for asked in (60, 20, 25, 0):
            await cluster.delete(key("Pod"), grace=timedelta(seconds=asked))
            graces.append(at(await cluster.get(key("Pod")), "metadata", "deletionGracePeriodSeconds"))
        since = at(await cluster.get(key("Pod")), "metadata", "deletionTimestamp")
        await anyio.sleep(1)
        await cluster.delete(key("Pod"))

        assert graces == [30, 20, 20, 1]
        assert at(await cluster.get(key("Pod")), "metadata", "deletionTimestamp") == since
        await gone(cluster, key("Pod"))
        said = [one.event.grace for one in told.events if isinstance(one.event, StopRequested)]
        assert [one.total_seconds() for one in said if one is not None] == [30, 20, 1]

    simulated(body, pre_stop(100))


def test_stop_all_stops_everything_with_its_hooks_at_the_same_time() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        for name in ("one", "two", "three"):
            await cluster.create(a_pod(name, container=PRE_STOP, terminationGracePeriodSeconds=30))
        await cluster.create(a_job())
        await running(cluster, "three")
        began = anyio.current_time()

        await cluster.stop_all("the end")

        assert anyio.current_time() - began == 12
        assert await cluster.list("Pod") == []
        assert not cluster.busy
        causes = {one.event.cause for one in told.events if isinstance(one.event, StopRequested)}
        assert causes == {"the end"}

    simulated(body, pre_stop(10), runs(1000), Assumption(point=STOP, name="app", duration=timedelta(seconds=2)))


def test_stop_all_also_stops_what_was_created_a_moment_before() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod())
        await cluster.create(a_job())
        await cluster.stop_all("the end")

        assert await cluster.list("Pod") == []

    simulated(body)


def test_stop_all_does_not_wait_for_the_claim_of_a_pod() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "missing"}}]
        await cluster.create(a_pod(volumes=volumes))
        await anyio.sleep(5)
        await cluster.stop_all("the end")

        assert await cluster.list("Pod") == []

    simulated(body)


def test_a_pod_that_has_ended_waits_for_its_deletion() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod(restartPolicy="Never"))
        await anyio.sleep(1000)
        ended = phase(await cluster.get(key("Pod")))
        await cluster.delete(key("Pod"))
        await gone(cluster, key("Pod"))

        assert (ended, anyio.current_time()) == ("Succeeded", 1000)

    simulated(body, runs(5))


def test_a_manifest_does_not_say_how_its_object_fares() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        stored = await cluster.create(a_pod() | {"status": {"phase": "Succeeded"}})
        again = await cluster.apply(a_pod() | {"status": {"phase": "Failed"}})
        await running(cluster)

        assert phase(stored) is None
        assert phase(again) is None
        assert told.applied == ["Pod/demo created", "Pod/demo unchanged"]

    simulated(body)


def test_a_pod_whose_place_fails_has_failed_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    start = SimulatedRuntime.start

    async def failing(self: SimulatedRuntime, container: ContainerId) -> None:
        if (await self.inspect(container)).spec.labels.get("io.kubernetes.pod.name") == "bad":
            raise PlaceError("the spawner has ended")
        await start(self, container)

    monkeypatch.setattr(SimulatedRuntime, "start", failing)

    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod("good"))
        await cluster.create(a_pod("bad"))
        await anyio.sleep(1)

        bad = await cluster.get(key("Pod", "bad"))
        assert (phase(bad), at(bad, "status", "message")) == ("Failed", "the spawner has ended")
        await running(cluster, "good")
        await cluster.delete(key("Pod", "bad"))
        with_uid = [one.event for one in told.events if isinstance(one.event, ObjectDeleted)]
        assert [one.target.name for one in with_uid] == ["Pod/bad"]

    simulated(body)
