"""Finalizers, force deletion, eviction, and what is told of a pod: on every kind of cluster."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from boathook.cluster.base import Cluster
from boathook.cluster.local import LocalCluster
from boathook.errors import NotFound
from boathook.events import ContainerExited, ObjectDeleted, SignalSent
from boathook.home import Home
from boathook.model import HookPoint, JsonObject
from boathook.objects import mapping, mappings
from boathook.runtimes.assumptions import Assumption
from boathook.runtimes.base import ContainerId
from tests.cluster.build import (
    IDLE,
    SIMULATED,
    Told,
    a_config_map,
    a_job,
    a_pod,
    at,
    everywhere,
    gone,
    key,
    on,
    phase,
    running,
    runs,
    simulated,
    states,
)

FAILING: dict[str, Any] = {"lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "exit 3"]}}}}

FINALIZERS: Any = ["example.com/kept"]

FAILS = Assumption(point=HookPoint.PRE_STOP, name="app", duration=timedelta(seconds=1), exit_code=3)


def kept(pod: JsonObject) -> JsonObject:
    return pod | {"metadata": mapping(pod, "metadata") | {"finalizers": FINALIZERS}}


def reasons(events: list[JsonObject]) -> list[str]:
    return [str(one["reason"]) for one in events]


@everywhere
def test_a_finalizer_keeps_a_pod_with_its_final_status_until_a_patch_lets_it_go(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(kept(a_pod()))
        await running(cluster)
        await cluster.delete(key("Pod"))
        await cluster.wait_until(
            key("Pod"), lambda obj: True if at(obj, "metadata", "deletionGracePeriodSeconds") == 0 else None
        )
        ended = await cluster.get(key("Pod"))

        assert states(ended) == ["terminated"]
        assert phase(ended) in ("Succeeded", "Failed")
        assert at(ended, "metadata", "deletionTimestamp")
        await cluster.patch(key("Pod"), {"metadata": {"finalizers": None}})
        with pytest.raises(NotFound):
            await cluster.get(key("Pod"))

    on(place, home, body)


@everywhere
def test_an_object_that_nobody_acts_on_is_kept_by_its_finalizer_too(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(kept(a_config_map("demo", a="1")))
        await cluster.delete(key("ConfigMap"))

        assert at(await cluster.get(key("ConfigMap")), "metadata", "deletionTimestamp")
        await cluster.patch(key("ConfigMap"), {"metadata": {"finalizers": []}})
        with pytest.raises(NotFound):
            await cluster.get(key("ConfigMap"))

    on(place, home, body)


@everywhere
def test_a_forced_deletion_is_over_at_once_and_its_name_is_free(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        first = await cluster.create(a_pod(script="trap '' TERM; while :; do sleep 1; done"))
        await running(cluster)
        await cluster.delete(key("Pod"), grace=timedelta(0))
        with pytest.raises(NotFound):
            await cluster.get(key("Pod"))
        second = await cluster.create(a_pod())
        await running(cluster)

        assert at(first, "metadata", "uid") != at(second, "metadata", "uid")
        # The end of the first one changes nothing of the second.
        await anyio.sleep(4)
        assert phase(await cluster.get(key("Pod"))) == "Running"
        await cluster.delete(key("Pod"))
        await gone(cluster, key("Pod"))

    on(place, home, body)


def test_the_containers_of_a_forced_deletion_have_a_second_and_keep_the_cluster_busy_until_they_end() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod())
        await running(cluster)
        began = anyio.current_time()
        await cluster.delete(key("Pod"), grace=timedelta(0))

        assert cluster.busy
        assert any(isinstance(one.event, ObjectDeleted) for one in told.events)
        await cluster.until_idle()
        assert anyio.current_time() - began == 2
        sent = [one.event.signal for one in told.events if isinstance(one.event, SignalSent)]
        assert sent == ["SIGTERM", "SIGKILL"]
        assert not cluster.busy

    simulated(body, Assumption(point="stop", name="app", duration=timedelta(seconds=100), exit_code=0))


@everywhere
def test_an_evicted_pod_is_stopped_and_gone(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        with pytest.raises(NotFound):
            await cluster.evict(key("Pod"))
        await cluster.create(a_pod())
        await running(cluster)
        seen: list[JsonObject] = []

        def look(obj: JsonObject | None) -> bool | None:
            seen.extend([] if obj is None else [obj])
            return True if obj is None else None

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cluster.wait_until, key("Pod"), look)
            await anyio.lowlevel.checkpoint()
            await cluster.evict(key("Pod"), grace=timedelta(seconds=2))
        first = mappings(mapping(seen[-1], "status").get("conditions"))[0]
        assert (first["type"], first["reason"]) == ("DisruptionTarget", "EvictionByEvictionAPI")

    on(place, home, body)


@everywhere
def test_who_watches_sees_how_a_pod_ended_before_it_is_gone(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_pod())
        await running(cluster)
        seen: list[str] = []

        def look(obj: JsonObject | None) -> bool | None:
            seen.append("gone" if obj is None else ",".join(states(obj)))
            return True if obj is None else None

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cluster.wait_until, key("Pod"), look)
            await anyio.lowlevel.checkpoint()
            await cluster.delete(key("Pod"))

        assert seen[-2:] == ["terminated", "gone"]

    on(place, home, body)


@everywhere
def test_what_happened_to_a_pod_is_told_as_events_and_for_a_while_after_it(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        pod = await cluster.create(a_pod(container=FAILING))
        await running(cluster)
        await cluster.delete(key("Pod"))
        await gone(cluster, key("Pod"))
        events = await cluster.object_events(key("Pod"))
        failed = next(one for one in events if one["reason"] == "FailedPreStopHook")

        assert reasons(events)[-2:] == ["Killing", "FailedPreStopHook"]
        assert failed["involvedObject"] == {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": "demo",
            "namespace": "default",
            "uid": at(pod, "metadata", "uid"),
            "fieldPath": "spec.containers{app}",
        }
        assert (failed["type"], failed["message"], failed["count"]) == ("Warning", "PreStopHook failed", 1)
        assert at(failed, "source", "component") == "kubelet"
        assert failed["firstTimestamp"] == failed["lastTimestamp"]
        assert failed["eventTime"] is None

    if place == SIMULATED:
        simulated(body, FAILS)
    else:
        on(place, home, body)


def test_the_same_event_is_counted_and_forgotten_after_an_hour() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod(restartPolicy="Always"))
        await anyio.sleep(1000)
        events = await cluster.object_events(key("Pod"))
        counted = [one for one in events if one["reason"] == "BackOff"]

        assert len(counted) == 1
        count = counted[0]["count"]
        assert isinstance(count, int)
        assert count > 2
        assert str(counted[0]["firstTimestamp"]) < str(counted[0]["lastTimestamp"])
        await cluster.delete(key("Pod"))
        await gone(cluster, key("Pod"))
        assert await cluster.object_events(key("Pod"))
        await anyio.sleep(3601)
        assert await cluster.object_events(key("Pod")) == []

    simulated(body, runs(1, exit_code=1))


def test_the_events_of_a_name_are_those_of_who_bears_it() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        uids = []
        for _ in range(2):
            uids.append(at(await cluster.create(a_pod(container=FAILING)), "metadata", "uid"))
            await running(cluster)
            await cluster.delete(key("Pod"))
            await gone(cluster, key("Pod"))

        events = await cluster.object_events(key("Pod"))
        assert {at(one, "involvedObject", "uid") for one in events} == {uids[1]}

    simulated(body, FAILS)


def test_a_job_whose_process_is_told_to_end_was_stopped_by_it() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job())
        await anyio.sleep(5)
        await cluster.stop_all("the process was told to end")
        condition = at(await cluster.get(key("Job")), "status", "conditions", 0)

        assert (condition["type"], condition["reason"]) == ("Failed", "Stopped")
        assert condition["message"] == "the process was told to end"
        assert any(isinstance(one.event, ContainerExited) for one in told.events)

    simulated(body, runs(1000))


@everywhere
def test_labels_and_an_image_are_patched_in_a_pod_that_runs(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_pod())
        await running(cluster)
        changed = await cluster.patch(key("Pod"), {"metadata": {"labels": {"tier": "web"}}})

        assert at(changed, "metadata", "labels", "tier") == "web"
        assert phase(changed) == "Running"
        assert len(await cluster.list("Pod", labels={"tier": "web"})) == 1

    on(place, home, body)


@everywhere
def test_another_image_restarts_a_container_and_the_log_of_the_one_before_is_kept(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        first = at(await cluster.create(a_pod(restartPolicy="Never")), "metadata", "name")
        before = at(await running(cluster, first), "status", "containerStatuses", 0, "containerID")
        container: JsonObject = {"name": "app", "image": "busybox:1.37", "command": ["sh", "-c", IDLE]}
        await cluster.patch(key("Pod"), {"spec": {"containers": [container]}})
        await cluster.wait_until(
            key("Pod"), lambda obj: True if at(obj, "status", "containerStatuses", 0, "restartCount") == 1 else None
        )
        status = at(await running(cluster), "status", "containerStatuses", 0)
        events = await cluster.object_events(key("Pod"))

        assert status["image"] == "busybox:1.37"
        assert at(status, "lastState", "terminated", "containerID") == before
        assert "Container app definition changed, will be restarted" in [one["message"] for one in events]
        if isinstance(cluster, LocalCluster) and place != SIMULATED:
            kept = [line.text async for line in cluster.runtime.logs(ContainerId(before.removeprefix("boathook://")))]
            assert kept[0] == "up"
        await cluster.delete(key("Pod"))
        await gone(cluster, key("Pod"))
        if isinstance(cluster, LocalCluster):
            await cluster.until_idle()
            assert await cluster.runtime.list({}) == ()

    on(place, home, body)


def test_a_deadline_that_is_given_to_a_pod_that_runs_counts_from_its_start() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod())
        await anyio.sleep(5)
        await cluster.patch(key("Pod"), {"spec": {"activeDeadlineSeconds": 8}})
        began = anyio.current_time()
        await cluster.wait_until(key("Pod"), lambda obj: True if phase(obj) == "Failed" else None)

        assert 3 <= anyio.current_time() - began < 4
        assert at(await cluster.get(key("Pod")), "status", "reason") == "DeadlineExceeded"

    simulated(body)
