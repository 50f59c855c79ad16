"""Claims and the volumes that they are bound to, in virtual time; and what pods see of ConfigMaps and Secrets."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from boathook.cluster.base import Cluster
from boathook.cluster.claims import local_path
from boathook.cluster.local import LocalCluster
from boathook.home import Home
from tests.cluster.build import (
    LOCAL,
    Told,
    a_claim,
    a_config_map,
    a_pod,
    a_volume,
    at,
    gone,
    key,
    on,
    phase,
    run_in,
    running,
    simulated,
)

MOUNTED: Any = {"volumeMounts": [{"name": "data", "mountPath": "/data"}]}


def a_pod_with(claim: str = "data", name: str = "demo") -> Any:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    return a_pod(name, container=dict(MOUNTED), volumes=volumes)


async def bound_to(cluster: LocalCluster, claim: str = "data") -> str | None:
    found = await cluster.get(key("PersistentVolumeClaim", claim))
    return at(found, "spec", "volumeName") if phase(found) == "Bound" else None


def test_a_claim_is_bound_to_the_smallest_volume_that_fits() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_volume("large", storage="10Gi"))
        await cluster.create(a_volume("small", storage="2Gi", hostPath=None, local={"path": "/data"}))
        await cluster.create(a_volume("tiny", storage="500Mi"))
        await cluster.create(a_claim())

        assert await bound_to(cluster) == "small"
        volume = await cluster.get(key("PersistentVolume", "small", ""))
        assert (phase(volume), at(volume, "spec", "claimRef", "name")) == ("Bound", "data")
        assert local_path(volume) == "/data"
        assert at(await cluster.get(key("PersistentVolumeClaim", "data")), "status", "capacity") == {"storage": "2Gi"}

    simulated(body)


@pytest.mark.parametrize(
    ("claim", "volume"),
    [
        ({"storageClassName": "fast"}, {"storageClassName": "slow"}),
        ({"storageClassName": ""}, {"storageClassName": "slow"}),
        ({"accessModes": ["ReadWriteMany"]}, {"accessModes": ["ReadWriteOnce"]}),
        ({"storage": "2Gi"}, {"storage": "1Gi"}),
        ({"volumeName": "other"}, {}),
        ({}, {"claimRef": {"namespace": "default", "name": "other"}}),
        ({}, {"claimRef": {"namespace": "default", "name": "data", "uid": "old"}}),
        ({}, {"hostPath": None, "nfs": {"server": "s", "path": "/"}}),
    ],
)
def test_a_claim_is_not_bound_to_what_does_not_fit(claim: dict[str, Any], volume: dict[str, Any]) -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_volume("disk", **volume))
        # A volume of the claim's own class, so that it is not given a directory of its own.
        await cluster.create(a_volume("never", storage="1", storageClassName=claim.get("storageClassName", "manual")))
        await cluster.create(a_claim(**claim))

        assert await bound_to(cluster) is None

    simulated(body)


@pytest.mark.parametrize("reserved", [{"namespace": "default", "name": "data"}, None])
def test_a_claim_is_bound_to_the_volume_that_it_names(reserved: dict[str, Any] | None) -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_volume("small"))
        await cluster.create(a_volume("named", storage="10Gi", claimRef=reserved))
        await cluster.create(a_claim(volumeName="named"))

        assert await bound_to(cluster) == "named"

    simulated(body)


@pytest.mark.parametrize("name", [None, "standard", "fast"])
def test_without_a_volume_of_its_class_a_claim_gets_a_directory_of_its_own(name: str | None) -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_claim(storageClassName=name))
        claim = await cluster.get(key("PersistentVolumeClaim", "data"))
        await cluster.apply(a_claim(storageClassName=name))

        assert at(claim, "spec", "volumeName") == f"pvc-{at(claim, 'metadata', 'uid')}"
        assert told.applied == ["PersistentVolumeClaim/data created", "PersistentVolumeClaim/data unchanged"]

    simulated(body)


def test_a_volume_whose_claim_is_gone_is_released_and_kept_from_others() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_volume())
        await cluster.create(a_claim())
        await cluster.delete(key("PersistentVolumeClaim", "data"))
        await cluster.create(a_claim())

        assert phase(await cluster.get(key("PersistentVolume", "disk", ""))) == "Released"
        assert await bound_to(cluster) is None

    simulated(body)


def test_a_claim_waits_for_a_volume_and_a_pod_for_its_claim() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod_with())
        await anyio.sleep(100)
        waiting = phase(await cluster.get(key("Pod")))
        await cluster.create(a_volume("never", storage="1"))
        await cluster.create(a_claim())
        await anyio.sleep(100)
        unbound = phase(await cluster.get(key("Pod")))
        await cluster.create(a_volume())
        await running(cluster)

        assert (waiting, unbound, anyio.current_time()) == (None, None, 200)

    simulated(body)


def test_a_pod_that_waits_for_its_claim_can_be_deleted() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_pod_with())
        await anyio.sleep(5)
        await cluster.delete(key("Pod"), grace=timedelta(seconds=1))
        await gone(cluster, key("Pod"))

        assert anyio.current_time() == 5

    simulated(body)


def test_a_claim_that_a_pod_uses_is_kept_until_the_pod_is_gone() -> None:
    async def body(cluster: LocalCluster, told: Told) -> None:
        await cluster.create(a_claim(storageClassName=None))
        await cluster.create(a_pod_with())
        await running(cluster)

        await cluster.delete(key("PersistentVolumeClaim", "data"))
        marked = await cluster.get(key("PersistentVolumeClaim", "data"))
        await cluster.delete(key("Pod"))
        await gone(cluster, key("PersistentVolumeClaim", "data"))

        assert at(marked, "metadata", "deletionTimestamp")
        assert await cluster.list_all() == []

    simulated(body)


@pytest.mark.runtime
def test_data_outlives_the_pod_and_goes_with_a_claim_of_its_own(home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_claim(storageClassName=None))
        said = []
        for command in ("echo kept > /data/file", "cat /data/file"):
            await cluster.create(a_pod_with())
            await running(cluster)
            said.append(await run_in(cluster, "sh", "-c", command))
            await cluster.delete(key("Pod"))
            await gone(cluster, key("Pod"))

        assert [one[1:] for one in said] == [("", ""), ("kept\n", "")]
        assert len(list(home.volumes.iterdir())) == 1
        await cluster.delete(key("PersistentVolumeClaim", "data"))
        assert list(home.volumes.iterdir()) == []

    on(LOCAL, home, body)


@pytest.mark.runtime
def test_a_static_volume_is_the_directory_that_it_names(home: Home, tmp_path: Path) -> None:
    directory = tmp_path / "disk"
    directory.mkdir()
    directory.chmod(0o777)

    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_volume(path=str(directory)))
        await cluster.create(a_claim())
        await cluster.create(a_pod_with())
        await running(cluster)
        await run_in(cluster, "sh", "-c", "echo here > /data/file")
        await cluster.delete(key("Pod"))
        await gone(cluster, key("Pod"))
        await cluster.delete(key("PersistentVolumeClaim", "data"))

    on(LOCAL, home, body)
    assert (directory / "file").read_text() == "here\n"


@pytest.mark.runtime
def test_a_volume_that_is_not_on_this_machine_is_said_by_its_pod(home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        await cluster.create(a_volume(path="/nowhere/at/all"))
        await cluster.create(a_claim())
        await cluster.create(a_pod_with())

        def why(obj: Any) -> Any:
            return at(obj, "status", "containerStatuses", 0, "state", "waiting", "message")

        message = await cluster.wait_until(key("Pod"), why)
        await cluster.delete(key("Pod"))

        assert message == 'persistentvolume "disk": "/nowhere/at/all" is not a directory on this machine'

    on(LOCAL, home, body)


@pytest.mark.runtime
def test_config_maps_and_secrets_are_files_in_their_pods(home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        config = a_config_map(greeting="hello")
        config["binaryData"] = {"raw": base64.b64encode(b"\x00\x01").decode()}
        await cluster.create(config)
        await cluster.create(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "keys"},
                "data": {"old": base64.b64encode(b"one").decode()},
                "stringData": {"new": "two"},
            }
        )
        volumes = [
            {"name": "config", "configMap": {"name": "settings"}},
            {"name": "keys", "secret": {"secretName": "keys", "defaultMode": 0o400}},
        ]
        mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("config", "keys")]
        await cluster.create(a_pod(container={"volumeMounts": mounts}, volumes=volumes))
        await running(cluster)

        script = "cat /config/greeting; wc -c < /config/raw; cat /keys/old /keys/new; stat -c %a /keys/old"
        _, out, err = await run_in(cluster, "sh", "-c", script)

        assert ("".join(out.split()), err) == ("hello2onetwo400", "")

    on(LOCAL, home, body)


@pytest.mark.runtime
def test_a_config_map_that_is_missing_is_said_by_the_pod(home: Home) -> None:
    async def body(cluster: Cluster, told: Told) -> None:
        volumes = [{"name": "config", "configMap": {"name": "settings"}}]
        await cluster.create(a_pod(volumes=volumes))

        def why(obj: Any) -> Any:
            return at(obj, "status", "containerStatuses", 0, "state", "waiting", "message")

        assert await cluster.wait_until(key("Pod"), why) == 'configmap "settings" not found'
        await cluster.delete(key("Pod"))

    on(LOCAL, home, body)
