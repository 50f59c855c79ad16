"""What every ``Cluster`` must do: simulated, in this process on the embedded runtime, and seen from another process."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import anyio
import pytest

from boathook.cluster.base import Cluster
from boathook.codec import from_json
from boathook.errors import Conflict, ManifestError, NotFound, TargetError
from boathook.home import Home
from boathook.model import JsonObject, Stream
from boathook.runtimes.base import ContainerSpec, ExecSpec, SandboxSpec
from tests.cluster.build import (
    REAL,
    REMOTE,
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
    run_in,
    running,
)

for_real = pytest.mark.parametrize("place", REAL)


@everywhere
def test_an_object_is_created_then_configured_then_unchanged(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        first = await cluster.apply(a_config_map(a="1"))
        second = await cluster.apply(a_config_map(a="2"))
        third = await cluster.apply(a_config_map(a="2"))

        assert told.applied == [f"ConfigMap/settings {how}" for how in ("created", "configured", "unchanged")]
        assert at(first, "metadata", "uid") == at(second, "metadata", "uid")
        assert at(second, "data", "a") == "2"
        assert third == second == await cluster.get(key("ConfigMap", "settings"))
        assert at(first, "metadata", "resourceVersion") != at(second, "metadata", "resourceVersion")

    on(place, home, body)


@everywhere
def test_what_exists_is_not_created_again_and_what_does_not_is_not_found(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_config_map())

        with pytest.raises(Conflict, match='configmaps "settings" already exists'):
            await cluster.create(a_config_map())
        with pytest.raises(NotFound, match='configmaps "other" not found'):
            await cluster.get(key("ConfigMap", "other"))
        with pytest.raises(NotFound, match='jobs "other" not found'):
            await cluster.delete(key("Job", "other"))
        await cluster.delete(key("ConfigMap", "settings"))
        with pytest.raises(NotFound, match='configmaps "settings" not found'):
            await cluster.get(key("ConfigMap", "settings"))

    on(place, home, body)


@everywhere
def test_objects_are_listed_by_namespace_and_labels_in_order(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        for namespace, name, tier in (("b", "one", "web"), ("a", "two", "web"), ("a", "one", "db")):
            labelled = a_config_map(name)
            labelled["metadata"] = {"name": name, "labels": {"tier": tier, "app": "shop"}}
            await cluster.create(labelled, namespace=namespace)

        async def names(**how: Any) -> list[str]:
            found = await cluster.list("ConfigMap", **how)
            return [f"{at(one, 'metadata', 'namespace')}/{at(one, 'metadata', 'name')}" for one in found]

        assert await names() == ["a/one", "a/two", "b/one"]
        assert await names(namespace="a") == ["a/one", "a/two"]
        assert await names(labels={"tier": "web", "app": "shop"}) == ["a/two", "b/one"]
        assert await names(namespace="b", labels={"tier": "db"}) == []
        assert len(await cluster.list_all()) == 3

    on(place, home, body)


@everywhere
def test_a_kind_that_nothing_acts_on_is_stored_untouched_and_inert(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        service: JsonObject = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"x": [1]}}

        stored = await cluster.create(service)

        assert told.applied == ["Service/web created inert"]
        assert cluster.is_inert("Service")
        assert not cluster.is_inert("Job")
        assert stored["spec"] == service["spec"]

    on(place, home, body)


@everywhere
def test_a_pod_is_stopped_before_it_is_gone(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_pod())
        await running(cluster)

        await cluster.delete(key("Pod"))
        marked = await cluster.wait_until(
            key("Pod"), lambda obj: "gone" if obj is None else at(obj, "metadata", "deletionTimestamp")
        )
        await gone(cluster, key("Pod"))

        assert marked
        assert await cluster.list("Pod") == []

    on(place, home, body)


@everywhere
def test_a_pod_that_is_deleted_at_once_never_starts(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_pod())
        await cluster.delete(key("Pod"))
        await gone(cluster, key("Pod"))

        assert await cluster.list("Pod") == []

    on(place, home, body)


@everywhere
def test_a_job_is_complete_when_its_pod_has_succeeded(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_job())

        finished = await cluster.wait_until(
            key("Job"), lambda obj: obj if at(obj, "status", "conditions", 0, "type") else None
        )
        (pod,) = await cluster.list("Pod", labels={"job-name": "demo"})
        await cluster.delete(key("Job"))
        await gone(cluster, key("Pod", at(pod, "metadata", "name")))

        assert (at(finished, "status", "conditions", 0, "type"), at(finished, "status", "succeeded")) == ("Complete", 1)
        assert phase(pod) == "Succeeded"
        assert at(pod, "metadata", "ownerReferences", 0, "uid") == at(finished, "metadata", "uid")

    on(place, home, body)


@everywhere
def test_what_cannot_be_changed_is_refused(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_pod())
        await cluster.create(a_job())

        with pytest.raises(ManifestError, match="spec: Forbidden: pod updates may not change fields"):
            await cluster.apply(a_pod(script="sleep 5"))
        with pytest.raises(ManifestError, match=r"spec\.template: Invalid value: field is immutable"):
            await cluster.apply(a_job(policy="OnFailure"))
        await cluster.delete(key("Job"))
        await cluster.delete(key("Pod"))

    on(place, home, body)


@everywhere
@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        ({"kind": "ConfigMap", "metadata": {}}, "apiVersion: Required value\n.*metadata.name: Required value"),
        (a_config_map("Upper"), 'metadata.name: Invalid value: "Upper": a lowercase RFC 1123 subdomain'),
        (a_job(completions=3), "spec.completions: Unsupported value: 3"),
        (a_job(policy="Always"), 'restartPolicy: Unsupported value: "Always": supported values: "OnFailure", "Never"'),
        (a_pod(containers=[]), "spec.containers: Required value"),
    ],
)
def test_a_bad_manifest_is_refused_in_the_api_servers_words(
    place: str, home: Home, obj: JsonObject, expected: str
) -> None:
    if place == REMOTE and obj["kind"] != "Pod":
        pytest.skip("one is enough to see that findings cross the socket")

    async def body(cluster: Cluster, told: Told) -> None:
        with pytest.raises(ManifestError, match=f"(?s){expected}"):
            await cluster.create(obj)
        assert await cluster.list_all() == []

    on(place, home, body)


@for_real
def test_a_program_in_a_pod_has_its_streams_apart_and_its_exit_code(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_pod())
        await running(cluster)

        ended, out, err = await run_in(cluster, "sh", "-c", "echo one; echo two >&2; exit 3")

        assert (ended.code, out, err) == (3, "one\n", "two\n")
        with pytest.raises(NotFound, match='container "db" is not in pod "demo"'):
            await run_in(cluster, "true", container="db")

    on(place, home, body)


@for_real
def test_what_a_container_wrote_is_read_by_stream(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_pod(script="echo up; echo oops >&2; sleep 1000"))
        await running(cluster)

        lines: set[tuple[Stream, str]] = set()
        while len(lines) < 2:
            lines = {(line.stream, line.text) async for line in cluster.logs(key("Pod"), "app")}
            await anyio.sleep(0.01)

        assert lines == {(Stream.STDOUT, "up"), (Stream.STDERR, "oops")}
        await cluster.delete(key("Pod"))

    on(place, home, body)


@for_real
def test_an_instance_and_its_whole_specification_can_be_had(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_pod())
        await running(cluster)

        target = await cluster.container_target(key("Pod"), "app")
        found: Any = await cluster.container_specification(key("Pod"), "app")

        assert (target.kind, target.scope, target.name) == ("container", "default/demo", "app")
        assert target.instance
        assert from_json(ContainerSpec, found["container"]).name == "app"
        assert from_json(SandboxSpec, found["sandbox"]).hostname == "demo"
        with pytest.raises(TargetError):
            await cluster.container_target(key("Pod", "other"), "app")

    on(place, home, body)


@for_real
def test_a_volume_lies_on_this_machine_and_is_archived(place: str, home: Home, tmp_path: Path) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        mounted = {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]}
        await cluster.create(a_pod(container=mounted, volumes=[{"name": "scratch", "emptyDir": {}}]))
        await running(cluster)
        await run_in(cluster, "sh", "-c", "echo hello > /scratch/file; chmod 640 /scratch/file")

        path = await cluster.volume_path(key("Pod"), "scratch")
        copy = await cluster.archive_volume(key("Pod"), "scratch", tmp_path / "scratch.tar.gz")

        assert path is not None
        assert (path / "file").read_text() == "hello\n"
        assert (copy.files, copy.size_bytes > 0) == (1, True)
        with tarfile.open(tmp_path / "scratch.tar.gz") as tar:
            assert {one.name: oct(one.mode) for one in tar if one.isreg()} == {"file": "0o640"}
        with pytest.raises(NotFound, match='volume "other" of pod "demo"'):
            await cluster.archive_volume(key("Pod"), "other", tmp_path / "other.tar.gz")

    on(place, home, body)


@for_real
def test_exec_needs_a_container_that_runs(place: str, home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_pod(script="exit 0", restartPolicy="Never"))
        await cluster.wait_until(key("Pod"), lambda obj: phase(obj) == "Succeeded" or None)

        with pytest.raises(TargetError, match="is not running"):
            await cluster.exec(key("Pod"), "app", ExecSpec(command=("true",)), lambda stream, chunk: None)
        await cluster.delete(key("Pod"))

    on(place, home, body)
