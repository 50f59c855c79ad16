"""Jobs in virtual time: when their pods are made, and when they are over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import anyio
import pytest

from boathook.cluster.jobs import delay
from boathook.cluster.local import LocalCluster
from boathook.model import JsonObject
from boathook.runtimes.assumptions import STOP, Assumption
from tests.cluster.build import Told, a_job, at, gone, key, runs, simulated


def finished(obj: Any) -> Any:
    """The Job's condition, once it has one."""
    return at(obj, "status", "conditions", 0)


async def the_end(cluster: LocalCluster) -> tuple[str, str | None, float]:
    """How the Job ``demo`` ended, why, and when."""
    condition = await cluster.wait_until(key("Job"), finished)
    return condition["type"], condition.get("reason"), anyio.current_time()


async def pods_of(cluster: LocalCluster) -> list[str]:
    return [at(pod, "status", "phase") for pod in await cluster.list("Pod", labels={"job-name": "demo"})]


def test_a_job_takes_as_long_as_its_pod() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job())

        assert await the_end(cluster) == ("Complete", None, 5)
        job = await cluster.get(key("Job"))
        assert (at(job, "status", "succeeded"), at(job, "status", "failed") or 0) == (1, 0)
        assert at(job, "status", "startTime") == "2000-01-01T00:00:00Z"
        assert at(job, "status", "completionTime") == "2000-01-01T00:00:05Z"
        assert await pods_of(cluster) == ["Succeeded"]

    simulated(body, runs(5))


def test_pods_that_failed_are_followed_by_others_after_10_20_and_40_s() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job(backoffLimit=3))

        assert await the_end(cluster) == ("Failed", "BackoffLimitExceeded", 74)
        pods = await cluster.list("Pod", labels={"job-name": "demo"})
        assert sorted(at(pod, "metadata", "creationTimestamp")[-6:] for pod in pods) == [
            "00:00Z",
            "00:11Z",
            "00:32Z",
            "01:13Z",
        ]
        assert await pods_of(cluster) == ["Failed"] * 4
        assert at(await cluster.get(key("Job")), "status", "failed") == 4

    simulated(body, runs(1, exit_code=1))


def test_the_delay_doubles_up_to_10_minutes() -> None:
    assert [int(delay(failures).total_seconds()) for failures in (1, 2, 3, 6, 7, 8, 50)] == [
        10,
        20,
        40,
        320,
        600,
        600,
        600,
    ]


def test_a_limit_of_0_allows_no_second_pod() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job(backoffLimit=0))

        assert await the_end(cluster) == ("Failed", "BackoffLimitExceeded", 1)
        assert await pods_of(cluster) == ["Failed"]

    simulated(body, runs(1, exit_code=1))


@pytest.mark.parametrize(("limit", "at_second"), [(0, 1), (1, 1), (2, 12)])
def test_restarts_in_place_count_as_failures_and_the_first_is_at_once(limit: int, at_second: float) -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job(policy="OnFailure", backoffLimit=limit))

        assert await the_end(cluster) == ("Failed", "BackoffLimitExceeded", at_second)
        # One pod, which is ended with its Job: that it was restarted is no failure of its own.
        assert at(await cluster.get(key("Job")), "status", "failed") == 1
        await gone_pods(cluster)

    async def gone_pods(cluster: LocalCluster) -> None:
        await anyio.sleep(60)
        assert await pods_of(cluster) == []

    simulated(body, runs(1, exit_code=1))


def test_a_job_that_is_active_for_too_long_fails_and_its_pod_is_stopped() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job(activeDeadlineSeconds=7))

        assert await the_end(cluster) == ("Failed", "DeadlineExceeded", 7)
        assert at(await cluster.get(key("Job")), "status", "failed") == 1
        await anyio.sleep(5)
        assert await pods_of(cluster) == []

    simulated(body, runs(100), Assumption(point=STOP, name="app", duration=timedelta(seconds=2)))


def test_a_finished_job_goes_with_its_pods_after_its_time_to_live() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job(ttlSecondsAfterFinished=30))
        await the_end(cluster)
        await gone(cluster, key("Job"))

        assert anyio.current_time() == 35
        await anyio.sleep(1)
        assert await pods_of(cluster) == []
        assert not cluster.busy

    simulated(body, runs(5))


def test_deleting_a_job_stops_its_pods_and_makes_no_more() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job())
        await anyio.sleep(3)
        (before,) = await pods_of(cluster)

        await cluster.delete(key("Job"))
        await anyio.sleep(1000)

        assert before == "Running"
        assert await cluster.list_all() == []
        assert not cluster.busy

    simulated(body, runs(100))


def test_a_job_that_is_deleted_at_once_makes_no_pod() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job())
        await cluster.delete(key("Job"))
        await anyio.sleep(1)

        assert await cluster.list_all() == []

    simulated(body)


def test_a_pod_of_a_job_that_somebody_deletes_has_failed() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job())
        await anyio.sleep(3)
        (pod,) = await cluster.list("Pod")
        await cluster.delete(key("Pod", at(pod, "metadata", "name")))

        assert await the_end(cluster) == ("Complete", None, 18)
        assert at(await cluster.get(key("Job")), "status", "failed") == 1

    simulated(body, runs(5))


def test_a_new_job_of_the_same_name_is_not_touched_by_the_old_ones_end() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_job())
        await anyio.sleep(3)
        await cluster.delete(key("Job"))
        await cluster.create(a_job())

        assert await the_end(cluster) == ("Complete", None, 8)

    simulated(body, runs(5))


def test_a_pod_tells_its_job_apart_from_others() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        other: JsonObject = a_job("other")
        await cluster.create(a_job())
        await cluster.create(other)
        await anyio.sleep(1)
        (pod,) = await cluster.list("Pod", labels={"batch.kubernetes.io/job-name": "other"})
        await cluster.delete(key("Job"))
        await anyio.sleep(2)

        assert [at(one, "metadata", "name") for one in await cluster.list("Pod")] == [at(pod, "metadata", "name")]

    simulated(body, runs(5))
