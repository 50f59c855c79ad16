"""Charts installed for real: hooks run as containers of the embedded runtime."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from boathook.clock import SystemClock
from boathook.cluster.local import LocalCluster
from boathook.cluster.store import ObjectStore
from boathook.errors import ManifestError, OperationFailed
from boathook.events import EventStream
from boathook.helm.actions import install, uninstall
from boathook.helm.chart import load_chart
from boathook.helm.model import GivenValue, ReleaseOptions, ReleaseStatus, RenderedChart, RunPhase, ValueSource
from boathook.helm.preflight import check_workloads
from boathook.helm.storage import ReleaseStore
from boathook.home import Home
from boathook.images import ImageResolver
from boathook.journal import Context, MemoryObligations
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from tests.helm.build import install_options, job, uninstall_options, write_chart

pytestmark = [pytest.mark.runtime, pytest.mark.anyio]

EXAMPLE = Path(__file__).parents[2] / "examples/helm/post-install-job"


@asynccontextmanager
async def a_cluster(home: Home) -> AsyncIterator[tuple[LocalCluster, Context]]:
    clock = SystemClock()
    context = Context(events=EventStream(), clock=clock, obligations=MemoryObligations(clock=clock))
    store = ObjectStore.in_memory(clock=clock, uids=lambda: str(uuid4()))
    try:
        async with (
            BubblewrapRuntime(home, images=ImageResolver(home, {}, offline=True)) as runtime,
            LocalCluster(store, runtime, context) as cluster,
        ):
            yield cluster, context
            await cluster.stop_all("the test is over")
    finally:
        store.close()


async def load(chart: Path, *values: str) -> RenderedChart:
    return await load_chart(
        chart,
        values=tuple(GivenValue(source=ValueSource.SET, text=text) for text in values),
        release=ReleaseOptions(name="demo", namespace="default", revision=1, is_upgrade=False),
    )


def shell(script: str) -> str:
    text = job("work", event="post-install").replace('["work"]', f'["sh", "-c", "{script}"]')
    # PID 1 does not hear SIGTERM: what hangs must not hold the test for 30 s.
    return text.replace("restartPolicy:", "terminationGracePeriodSeconds: 1\n      restartPolicy:")


@pytest.mark.behaviour("helm:73")
async def test_the_documented_job_runs_after_the_resources_and_is_deleted(home: Home) -> None:
    async with a_cluster(home) as (cluster, context):
        done = await install(await load(EXAMPLE, "sleepyTime=1"), install_options(), cluster, context)

        jobs = await cluster.list("Job")
        maps = await cluster.list("ConfigMap")
        record = await ReleaseStore(cluster, "default").last("demo")
        await uninstall(uninstall_options(), cluster, context)

        assert done.release.status is ReleaseStatus.DEPLOYED
        assert (jobs, len(maps)) == ([], 1)
        assert record.hooks[0].last_run.phase is RunPhase.SUCCEEDED
        assert await cluster.list("ConfigMap") == []
        assert await cluster.list("Secret") == []


async def test_what_a_failed_hook_said_stands_in_its_result(home: Home, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", job_yaml=shell("echo no table; exit 3"))
    async with a_cluster(home) as (cluster, context):
        with pytest.raises(
            OperationFailed, match="failed post-install: job work failed: BackoffLimitExceeded"
        ) as failed:
            await install(await load(chart), install_options(), cluster, context)

    (result,) = failed.value.results
    assert result.stdout is not None
    assert result.stdout.text == "no table\n"


@pytest.mark.behaviour("helm:24")
async def test_a_hook_that_hangs_fails_at_its_timeout_with_what_it_said(home: Home, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", job_yaml=shell("echo waiting; sleep 60"))
    async with a_cluster(home) as (cluster, context):
        with pytest.raises(OperationFailed, match="Job in progress") as failed:
            await install(await load(chart), install_options(timeout=1), cluster, context)
        jobs: Any = await cluster.list("Job")

    assert [one["metadata"]["name"] for one in jobs] == ["work"]
    assert failed.value.results[0].stdout is not None
    assert failed.value.results[0].stdout.text == "waiting\n"


async def test_an_image_that_is_not_there_is_told_before_anything_starts(home: Home, tmp_path: Path) -> None:
    chart = write_chart(tmp_path / "c", job_yaml=job("work").replace("busybox", "example.org/nothing:1"))
    async with a_cluster(home) as (cluster, _):
        with pytest.raises(ManifestError, match=r"example\.org/nothing:1"):
            await check_workloads(await load(chart), cluster.runtime, "default")
