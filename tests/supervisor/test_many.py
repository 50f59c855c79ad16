"""Two hundred detached pods in one supervisor: what they cost, and that they all go."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import anyio
import pytest

from boathook.clock import SystemClock
from boathook.cluster.store import ObjectStore
from boathook.home import Home
from boathook.model import JsonObject
from boathook.pods import parse_pods
from boathook.supervisor.client import call
from tests.properties.left import left_of
from tests.supervisor.build import a_pod_file, succeeded, the_supervisor, wait_for_end

PODS = 200

QUIET_SECONDS = 5.0

MOST_BYTES_PER_POD = 2 * 1024 * 1024

MOST_OF_A_PROCESSOR = 0.01

TICKS = os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def run_detached(home: Home, text: str) -> None:
    """Each pod with a request of its own."""

    async def one(obj: Any) -> None:
        settings: JsonObject = {"settings": {"network": "pod", "image_map": {}, "offline": True}}
        params: JsonObject = {"objects": [obj], "file": "pods.yaml", "title": "many", "command": "pod run -d pods.yaml"}
        await call(home, "pod.run", params | settings, on_event=lambda stamped: None)

    async with anyio.create_task_group() as tasks:
        for obj in parse_pods(text, "pods.yaml").pod_objects:
            tasks.start_soon(one, obj)


async def all_running(home: Home, count: int) -> None:
    store = ObjectStore.open(home.objects, clock=SystemClock(), uids=str)
    try:
        while True:
            seen = store.version()
            ready = [one for one in store.list("Pod") if "running" in str(one.body.get("status"))]
            if len(ready) == count:
                return
            await store.changed(seen)
    finally:
        store.close()


@pytest.mark.slow
@pytest.mark.runtime
@pytest.mark.anyio
async def test_two_hundred_pods_cost_little_and_are_all_stopped(supervised: Home, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "first").mkdir()
    succeeded("pod", "run", "-d", a_pod_file(tmp_path / "first", "first"))
    pid = the_supervisor(supervised)
    many = a_pod_file(out, *(f"pod-{n}" for n in range(PODS)), hook="echo bye >> /out/said").read_text()
    before, began = resident_bytes(pid), anyio.current_time()

    await run_detached(supervised, many)
    with anyio.fail_after(120):
        await all_running(supervised, PODS + 1)
    seconds = anyio.current_time() - began
    per_pod = (resident_bytes(pid) - before) / PODS
    busy = processor_seconds(pid)
    await anyio.sleep(QUIET_SECONDS)
    share = (processor_seconds(pid) - busy) / QUIET_SECONDS
    listed = len(succeeded("pod", "ls").splitlines()) - 1
    began = anyio.current_time()
    os.kill(pid, signal.SIGTERM)
    wait_for_end(pid)
    stopping = anyio.current_time() - began
    print(f"{per_pod / 1024:.0f} KiB a pod, {share:.2%} of a processor, {seconds:.1f} s up, {stopping:.1f} s down")

    assert listed == PODS + 1
    assert per_pod < MOST_BYTES_PER_POD
    assert share < MOST_OF_A_PROCESSOR
    assert (out / "said").read_text() == "bye\n" * PODS
    assert left_of(supervised, pid) == []
