"""What the controllers of the local cluster do with pods, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import anyio
import pytest

from boathook.cluster.base import ObjectKey
from boathook.cluster.local import LocalCluster
from boathook.cluster.store import ObjectStore
from boathook.errors import Conflict, JournalError, PlaceError
from boathook.events import ObjectDeleted, PhaseChanged, StopRequested
from boathook.model import HookPoint, JsonObject
from boathook.runtimes.assumptions import STOP, Assumption
from boathook.runtimes.base import ContainerId
from boathook.runtimes.simulated import SimulatedRuntime
from tests.cluster.build import Told, a_config_map, a_job, a_pod, at, gone, key, phase, running, runs, simulated

PRE_STOP = {"lifecycle": {"preStop": {"exec": {"command": ["sync"]}}}}


def pre_stop(seconds: float) -> Assumption:
    return Assumption(point=HookPoint.PRE_STOP, name="app", duration=timedelta(seconds=seconds))


def test_the_grace_period_of_a_deletion_only_shrinks() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod(container=PRE_STOP, terminationGracePeriodSeconds=30))
        await running(cluster)
        graces = []
        for asked in (60, 20, 25, 1):
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


def test_a_pod_that_has_ended_keeps_nobody_busy_and_stays_to_be_looked_at() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod(restartPolicy="Never"))
        await cluster.wait_until(key("Pod"), lambda pod: True if phase(pod) == "Succeeded" else None)

        assert not cluster.busy
        assert len(cluster.ended) == 1
        await cluster.stop_all("the end")
        assert phase(await cluster.get(key("Pod"))) == "Succeeded"
        await cluster.delete(key("Pod"), cause="deleted")
        await gone(cluster, key("Pod"))
        assert [one.event.cause for one in told.events if isinstance(one.event, ObjectDeleted)] == ["deleted"]

    simulated(body, runs(1))


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
        phases = [one.event for one in told.events if isinstance(one.event, PhaseChanged)]
        assert ("bad", "Failed", "the spawner has ended") in [
            (one.target.name, one.phase, one.reason) for one in phases
        ]

    simulated(body)


def test_a_changed_spec_is_a_new_generation() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        made = [await cluster.apply(a_job(backoffLimit=limit)) for limit in (1, 1, 2)]

        assert [at(one, "metadata", "generation") for one in made] == [1, 1, 2]

    simulated(body)


def test_a_manifest_made_from_another_version_is_refused() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        first = await cluster.apply(a_config_map(colour="red"))
        second = await cluster.apply(a_config_map(colour="blue"))

        with pytest.raises(Conflict, match='configmaps "settings": the object has been modified'):
            await cluster.apply(first)
        await cluster.apply(second | {"data": {"colour": "green"}})
        assert at(await cluster.get(key("ConfigMap", "settings")), "data") == {"colour": "green"}

    simulated(body)


def test_a_job_whose_place_fails_has_failed_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    insert = ObjectStore.insert

    def failing(self: ObjectStore, obj: JsonObject, *, namespace: str, owner: str = "") -> JsonObject:
        if at(obj, "metadata", "labels", "job-name") == "bad":
            raise JournalError("the disk is full")
        return insert(self, obj, namespace=namespace, owner=owner)

    monkeypatch.setattr(ObjectStore, "insert", failing)

    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job("bad"))
        await cluster.create(a_job("good"))
        await anyio.sleep(20)

        ends = [at(await cluster.get(key("Job", name)), "status", "conditions", 0) for name in ("bad", "good")]
        assert [(one["type"], one.get("message")) for one in ends] == [
            ("Failed", "the disk is full"),
            ("Complete", None),
        ]

    simulated(body, runs(5))


def test_what_happened_while_the_disk_was_full_is_written_when_there_is_room(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    update = ObjectStore.update

    def failing(
        self: ObjectStore, key: ObjectKey, change: Callable[[JsonObject], JsonObject], *, owner: str | None = None
    ) -> JsonObject:
        if 3 < anyio.current_time() < 30:
            raise JournalError("the disk is full")
        return update(self, key, change, owner=owner)

    monkeypatch.setattr(ObjectStore, "update", failing)

    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job())
        await anyio.sleep(29)
        assert phase((await cluster.list("Pod"))[0]) == "Running"
        await anyio.sleep(5)

        assert phase((await cluster.list("Pod"))[0]) == "Succeeded"
        job = await cluster.get(key("Job"))
        assert (at(job, "status", "succeeded"), at(job, "status", "conditions", 0, "type")) == (1, "Complete")

    simulated(body, runs(5))
    assert "it is tried again every 1 s" in caplog.text
