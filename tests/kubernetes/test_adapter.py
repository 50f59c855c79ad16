"""The adapter on a real cluster."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from boathook.cluster.base import Cluster, ObjectKey
from boathook.cluster.kubernetes import KubernetesCluster, open_cluster
from boathook.errors import Conflict, CouldNotStart, ManifestError, NotFound, PlaceError, UnsupportedHere
from boathook.model import JsonObject, Stream
from boathook.objects import mapping, mappings, text
from boathook.runtimes.base import ExecSpec, Exit
from tests.kubernetes.testbed import LONGEST_SECONDS, Testbed

pytestmark = [pytest.mark.anyio, pytest.mark.kubernetes, pytest.mark.timeout(LONGEST_SECONDS)]

TRAPPING = "trap 'exit 3' TERM; echo ready; echo trouble >&2; while :; do sleep 0.1; done"


def key_of(name: str) -> ObjectKey:
    return ObjectKey(kind="Pod", namespace="default", name=name)


def pod_of(name: str, *, script: str = TRAPPING, lifecycle: JsonObject | None = None, **spec: object) -> JsonObject:
    container: JsonObject = {
        "name": "app",
        "image": "docker.io/library/busybox:1.36",
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script],
    }
    if lifecycle is not None:
        container["lifecycle"] = lifecycle
    whole: JsonObject = {"terminationGracePeriodSeconds": 5, "containers": [container]}
    whole.update(spec)  # type: ignore[arg-type]  # tests write plain JSON
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": whole}


def is_running(pod: JsonObject | None) -> bool | None:
    return True if pod is not None and text(pod, "status", "phase") == "Running" else None


def is_gone(pod: JsonObject | None) -> bool | None:
    return True if pod is None else None


@pytest.fixture
async def name(cluster: KubernetesCluster) -> AsyncIterator[str]:
    """A pod's name that nobody else uses; what has it is removed afterwards."""
    unique = f"adapter-{uuid.uuid4().hex[:8]}"
    yield unique
    with anyio.CancelScope(shield=True):
        try:
            await cluster.patch(key_of(unique), {"metadata": {"finalizers": None}})
            await cluster.delete(key_of(unique), grace=timedelta(0))
        except NotFound:
            pass


@pytest.fixture
async def running_pod(cluster: KubernetesCluster, name: str) -> ObjectKey:
    await cluster.create(pod_of(name))
    with anyio.fail_after(60):
        await cluster.wait_until(key_of(name), is_running)
    return key_of(name)


async def run(
    cluster: Cluster, pod: ObjectKey, *command: str, container: str = "app"
) -> tuple[Exit, dict[Stream, bytes]]:
    written = {Stream.STDOUT: b"", Stream.STDERR: b""}

    def hear(stream: Stream, data: bytes) -> None:
        written[stream] += data

    with anyio.fail_after(30):
        execution = await cluster.exec(pod, container, ExecSpec(command=command), hear)
        return await execution.wait(), written


async def test_it_says_which_kubernetes_it_is(cluster: KubernetesCluster) -> None:
    assert cluster.name.startswith("kubernetes v1.")
    assert cluster.version >= (1, 20)


async def test_a_refused_pod_is_a_manifest_error_with_a_finding_for_each_cause(
    cluster: KubernetesCluster, name: str
) -> None:
    with pytest.raises(ManifestError) as refused:
        await cluster.create(pod_of(name, lifecycle={"preStop": {}, "postStart": {"httpGet": {"port": 0}}}))

    assert [(problem.source.path, problem.message) for problem in refused.value.problems] == [
        (
            "spec.containers[0].lifecycle.postStart.httpGet.port",
            "Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        ("spec.containers[0].lifecycle.preStop", "Required value: must specify a handler type"),
    ]


async def test_a_field_that_kubernetes_does_not_know_is_refused(cluster: KubernetesCluster, name: str) -> None:
    if cluster.version < (1, 25):
        pytest.skip("this API server drops unknown fields")
    with pytest.raises(ManifestError, match=r'strict decoding error: unknown field "spec\.hooks"'):
        await cluster.create(pod_of(name, hooks=[]))
    with pytest.raises(ManifestError, match=r"\.spec\.hooks: field not declared in schema"):
        await cluster.apply(pod_of(name, hooks=[]))


async def test_what_is_missing_or_there_already_is_told_in_the_apis_words(
    cluster: KubernetesCluster, running_pod: ObjectKey
) -> None:
    with pytest.raises(NotFound, match=r'^pods "nobody" not found$'):
        await cluster.get(key_of("nobody"))
    with pytest.raises(NotFound, match=r'^pods "nobody" not found$'):
        await cluster.delete(key_of("nobody"))
    with pytest.raises(NotFound, match='no matches for kind "Boat"'):
        await cluster.get(ObjectKey(kind="Boat", namespace="default", name="it"))
    with pytest.raises(Conflict, match=f'^pods "{running_pod.name}" already exists$'):
        await cluster.create(pod_of(running_pod.name))


async def test_a_deleted_pod_is_seen_running_and_gone_and_its_pre_stop_hook_has_run(
    cluster: KubernetesCluster, name: str, tmp_path: Path
) -> None:
    hook: JsonObject = {"preStop": {"exec": {"command": ["sh", "-c", "echo stopped > /shared/hook; exit 4"]}}}
    pod = pod_of(name, lifecycle=hook, volumes=[{"name": "shared", "hostPath": {"path": str(tmp_path)}}])
    pod["spec"]["containers"][0]["volumeMounts"] = [{"name": "shared", "mountPath": "/shared"}]  # type: ignore[index,call-overload]
    await cluster.apply(pod)

    with anyio.fail_after(60):
        await cluster.wait_until(key_of(name), is_running)
        await cluster.delete(key_of(name))
        await cluster.wait_until(key_of(name), is_gone)

    assert (tmp_path / "hook").read_text() == "stopped\n"
    events = [(text(event, "reason"), text(event, "message")) for event in await cluster.object_events(key_of(name))]
    assert events[0][0] == "Scheduled"
    assert ("Killing", "Stopping container app") in events
    assert "FailedPreStopHook" in [reason for reason, _ in events]


async def test_an_eviction_ends_the_pod_as_its_deletion_does(
    cluster: KubernetesCluster, running_pod: ObjectKey
) -> None:
    await cluster.evict(running_pod)

    with anyio.fail_after(60):
        await cluster.wait_until(running_pod, is_gone)
    assert "Killing" in [text(event, "reason") for event in await cluster.object_events(running_pod)]
    with pytest.raises(NotFound):
        await cluster.evict(running_pod)


async def test_a_forced_deletion_takes_the_object_away_at_once(
    cluster: KubernetesCluster, running_pod: ObjectKey
) -> None:
    await cluster.delete(running_pod, grace=timedelta(0))

    with pytest.raises(NotFound):
        await cluster.get(running_pod)


async def test_a_finalizer_keeps_the_object_until_a_patch_takes_it_away(cluster: KubernetesCluster, name: str) -> None:
    pod = pod_of(name)
    mapping(pod, "metadata")["finalizers"] = ["boathook.dev/test"]
    await cluster.create(pod)
    with anyio.fail_after(60):
        await cluster.wait_until(key_of(name), is_running)
        await cluster.delete(key_of(name))
        await cluster.wait_until(
            key_of(name), lambda found: True if found and "deletionTimestamp" in mapping(found, "metadata") else None
        )

        await cluster.patch(key_of(name), {"metadata": {"finalizers": None}})
        await cluster.wait_until(key_of(name), is_gone)


async def test_applying_again_changes_what_is_said_and_keeps_the_object(
    cluster: KubernetesCluster, running_pod: ObjectKey
) -> None:
    before = await cluster.get(running_pod)
    changed = pod_of(running_pod.name)
    mapping(changed, "metadata")["labels"] = {"boat": running_pod.name}

    await cluster.apply(changed)

    listed = await cluster.list("Pod", labels={"boat": running_pod.name})
    assert [text(found, "metadata", "uid") for found in listed] == [text(before, "metadata", "uid")]
    assert [text(found, "kind") for found in listed] == ["Pod"]


async def test_a_change_that_is_not_allowed_is_refused(cluster: KubernetesCluster, running_pod: ObjectKey) -> None:
    with pytest.raises(ManifestError, match="pod updates may not change fields other than"):
        await cluster.patch(running_pod, {"spec": {"terminationGracePeriodSeconds": 50}})


@pytest.mark.behaviour("deps:12")
async def test_a_command_has_its_streams_apart_its_exit_code_and_no_input(
    cluster: KubernetesCluster, running_pod: ObjectKey
) -> None:
    ended, written = await run(cluster, running_pod, "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (ended, written) == (Exit(code=7, signal=None), {Stream.STDOUT: b"out\n", Stream.STDERR: b"err\n"})

    ended, written = await run(cluster, running_pod, "cat")
    assert (ended.code, written[Stream.STDOUT]) == (0, b"")

    ended, written = await run(cluster, running_pod, "sh", "-c", "yes | head -c 300000")
    assert (ended.code, len(written[Stream.STDOUT])) == (0, 300_000)


async def test_a_command_that_cannot_be_run_is_told_apart_from_one_that_fails(
    cluster: KubernetesCluster, running_pod: ObjectKey
) -> None:
    with pytest.raises(CouldNotStart, match="/nope"):
        await run(cluster, running_pod, "/nope")
    with pytest.raises(NotFound, match=r'^pods "nobody" not found$'):
        await run(cluster, key_of("nobody"), "true")
    with pytest.raises(NotFound, match=f'^container "other" of pod "{running_pod.name}" not found$'):
        await run(cluster, running_pod, "true", container="other")
    with pytest.raises(UnsupportedHere, match="as another user"):
        await cluster.exec(running_pod, "app", ExecSpec(command=("id",), user="1000"), lambda _stream, _data: None)


async def test_a_command_goes_on_when_nobody_waits_for_it(cluster: KubernetesCluster, running_pod: ObjectKey) -> None:
    execution = await cluster.exec(
        running_pod,
        "app",
        ExecSpec(command=("sh", "-c", "sleep 1; echo done > /tmp/done")),
        lambda _stream, _data: None,
    )
    with anyio.move_on_after(0.1):
        await execution.wait()

    with anyio.fail_after(30):
        assert (await execution.wait()).ok
    ended, written = await run(cluster, running_pod, "cat", "/tmp/done")
    assert (ended.code, written[Stream.STDOUT]) == (0, b"done\n")


async def test_logs_are_read_so_far_followed_to_the_end_and_of_the_instance_before(
    cluster: KubernetesCluster, name: str
) -> None:
    await cluster.create(pod_of(name, script="echo one; sleep 2; echo two; exit 1"))
    with anyio.fail_after(60):
        await cluster.wait_until(key_of(name), is_running)
        with pytest.raises(NotFound, match="previous terminated container"):
            _ = [line async for line in cluster.logs(key_of(name), "app", previous=True)]
        assert [line.text async for line in cluster.logs(key_of(name), "app", follow=True)] == ["one", "two"]
        await cluster.wait_until(key_of(name), lambda pod: True if pod and restarts(pod) else None)
        assert [line.text async for line in cluster.logs(key_of(name), "app", previous=True)] == ["one", "two"]


async def test_a_containers_instance_is_its_id_and_changes_with_a_restart(
    cluster: KubernetesCluster, running_pod: ObjectKey
) -> None:
    target = await cluster.container_target(running_pod, "app")

    assert (target.kind, target.scope, target.name) == ("container", f"default/{running_pod.name}", "app")
    assert "://" in target.instance
    with pytest.raises(NotFound):
        await cluster.container_target(running_pod, "other")


async def test_what_lies_in_the_cluster_is_not_reached_from_here(
    cluster: KubernetesCluster, running_pod: ObjectKey, tmp_path: Path
) -> None:
    assert await cluster.volume_path(running_pod, "data") is None
    assert await cluster.container_specification(running_pod, "app") is None
    with pytest.raises(UnsupportedHere, match='volume "data"'):
        await cluster.archive_volume(running_pod, "data", tmp_path / "data.tar.gz")
    with pytest.raises(UnsupportedHere, match="name a kind"):
        await cluster.list_all()


async def test_a_context_that_the_kubeconfig_does_not_have_is_refused(kubernetes: Testbed) -> None:
    with pytest.raises(PlaceError, match="Context 'other' not found") as refused:
        async with open_cluster(kubernetes.kubeconfig, "other"):
            pass
    assert refused.value.hint is not None


def restarts(pod: JsonObject) -> int:
    return sum(int(text(one, "restartCount")) for one in mappings(mapping(pod, "status").get("containerStatuses")))
