"""PersistentVolumeClaims: bound to a PersistentVolume of the cluster, or given a directory of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from boathook.cluster.base import ObjectKey
from boathook.cluster.store import ObjectStore, uid_of
from boathook.errors import Conflict, NotFound
from boathook.model import JsonObject
from boathook.objects import mapping, text
from boathook.pods.model import Claim, Pod
from boathook.pods.quantities import whole
from boathook.pods.resources import config_map_files, secret_files
from boathook.runtimes.base import ContainerRuntime, Volume

DYNAMIC = "boathook.io/dynamic"
"""Annotation of a claim whose storage is a directory of Boathook's own, removed with the claim."""


class ClusterResources:
    """What pods need of the cluster's other objects (``boathook.pods.VolumeResolver``)."""

    def __init__(self, store: ObjectStore, runtime: ContainerRuntime) -> None:
        self._store = store
        self._runtime = runtime

    async def claim(self, namespace: str, name: str) -> Volume:
        key = ObjectKey(kind="PersistentVolumeClaim", namespace=namespace, name=name)
        found = self._store.find(key)
        if found is None:
            raise NotFound(f'persistentvolumeclaim "{name}" not found')
        if not is_bound(found.body):
            found_body = bind(self._store, key)
            if found_body is None:
                raise Conflict(f'persistentvolumeclaim "{name}" is not bound: no PersistentVolume matches it')
        return await self._volume(self._store.get(key))

    async def _volume(self, claim: JsonObject) -> Volume:
        named = text(claim, "spec", "volumeName")
        if DYNAMIC in mapping(claim, "metadata", "annotations"):
            return await self._runtime.create_volume(volume_name(claim), {}, mode=0o777)
        volume = self._store.get(ObjectKey(kind="PersistentVolume", namespace="", name=named))
        path = local_path(volume)
        if self._runtime.name == "simulated":
            return Volume(name=named, path=None, labels={}, fresh=False)
        if not os.path.isdir(path):  # noqa: ASYNC240  one stat of a local directory
            raise Conflict(f'persistentvolume "{named}": "{path}" is not a directory on this machine')
        return Volume(name=named, path=Path(path), labels={}, fresh=False)

    async def config_map(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        found = self._store.find(ObjectKey(kind="ConfigMap", namespace=namespace, name=name))
        return None if found is None else config_map_files(found.body)

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        found = self._store.find(ObjectKey(kind="Secret", namespace=namespace, name=name))
        return None if found is None else secret_files(found.body)


def is_bound(claim: JsonObject) -> bool:
    return text(claim, "status", "phase") == "Bound"


def is_used(store: ObjectStore, claim: JsonObject) -> bool:
    """Whether a pod that has not ended names it."""
    name = text(claim, "metadata", "name")
    return any(
        name in claims_of(stored.body) and text(stored.body, "status", "phase") not in ("Succeeded", "Failed")
        for stored in store.list("Pod", text(claim, "metadata", "namespace"))
    )


def claims_of(pod: JsonObject) -> set[str]:
    """The names of the claims that a pod mounts."""
    volumes = mapping(pod, "spec").get("volumes")
    found = [one for one in volumes if isinstance(one, dict)] if isinstance(volumes, list) else []
    return {text(one, "persistentVolumeClaim", "claimName") for one in found} - {""}


def volume_name(claim: JsonObject) -> str:
    """The directory of a claim that has no PersistentVolume; by uid, so that a new claim never sees old data."""
    return f"pvc-{uid_of(claim)}"


def local_path(volume: JsonObject) -> str:
    """Where a PersistentVolume lies on this machine; empty for kinds that do not."""
    return text(volume, "spec", "local", "path") or text(volume, "spec", "hostPath", "path")


def bind_all(store: ObjectStore) -> None:
    """Bind every claim that can be bound now."""
    for stored in store.list("PersistentVolumeClaim"):
        bind_if_unbound(store, stored.body)


def bind_if_unbound(store: ObjectStore, claim: JsonObject) -> None:
    """Bind the claim if it is not yet and can be."""
    if not is_bound(claim) and not text(claim, "metadata", "deletionTimestamp"):
        namespace, name = text(claim, "metadata", "namespace"), text(claim, "metadata", "name")
        bind(store, ObjectKey(kind="PersistentVolumeClaim", namespace=namespace, name=name))


def bind(store: ObjectStore, key: ObjectKey) -> JsonObject | None:
    """Bind the claim to the smallest volume that fits, or give it one of its own; None: nothing fits."""
    claim = store.get(key)
    volume = _matching(store, claim)
    if volume is not None:
        name = text(volume, "metadata", "name")
        reference: JsonObject = {
            "kind": "PersistentVolumeClaim",
            "namespace": key.namespace,
            "name": key.name,
            "uid": uid_of(claim),
        }
        store.update(
            ObjectKey(kind="PersistentVolume", namespace="", name=name),
            lambda obj: obj | {"spec": mapping(obj, "spec") | {"claimRef": reference}, "status": {"phase": "Bound"}},
        )
        return store.update(key, lambda obj: _bound(obj, name, mapping(volume, "spec", "capacity")))
    if text(claim, "spec", "volumeName") or not _may_be_dynamic(store, claim):
        return None
    capacity = mapping(claim, "spec", "resources", "requests")
    return store.update(key, lambda obj: _dynamic(_bound(obj, volume_name(obj), capacity)))


def _bound(claim: JsonObject, volume: str, capacity: JsonObject) -> JsonObject:
    status: JsonObject = {
        "phase": "Bound",
        "accessModes": mapping(claim, "spec").get("accessModes", []),
        "capacity": capacity,
    }
    return claim | {"spec": mapping(claim, "spec") | {"volumeName": volume}, "status": status}


def _dynamic(claim: JsonObject) -> JsonObject:
    metadata = mapping(claim, "metadata")
    annotations = mapping(metadata, "annotations") | {DYNAMIC: "true"}
    return claim | {"metadata": metadata | {"annotations": annotations}}


def _matching(store: ObjectStore, claim: JsonObject) -> JsonObject | None:
    fitting = [
        stored.body
        for stored in store.list("PersistentVolume")
        if local_path(stored.body) and _fits(stored.body, claim)
    ]
    return min(fitting, key=lambda volume: whole(text(volume, "spec", "capacity", "storage")), default=None)


def _fits(volume: JsonObject, claim: JsonObject) -> bool:
    reference = mapping(volume, "spec", "claimRef")
    if reference:
        ours = (text(claim, "metadata", "namespace"), text(claim, "metadata", "name"))
        if (text(reference, "namespace"), text(reference, "name")) != ours:
            return False
        if text(reference, "uid") not in ("", uid_of(claim)):
            return False
    if named := text(claim, "spec", "volumeName"):
        return text(volume, "metadata", "name") == named
    modes = mapping(claim, "spec").get("accessModes") or []
    offered = mapping(volume, "spec").get("accessModes") or []
    return (
        text(volume, "spec", "storageClassName") == text(claim, "spec", "storageClassName")
        and set(map(str, modes if isinstance(modes, list) else []))
        <= set(map(str, offered if isinstance(offered, list) else []))
        and whole(text(volume, "spec", "capacity", "storage"))
        >= whole(text(claim, "spec", "resources", "requests", "storage"))
    )


def _may_be_dynamic(store: ObjectStore, claim: JsonObject) -> bool:
    """Without a class, or of a class that no PersistentVolume here has: as a cluster's default class would give it."""
    wanted = mapping(claim, "spec").get("storageClassName")
    if wanted is None or wanted == "standard":
        return True
    return wanted != "" and not any(
        text(stored.body, "spec", "storageClassName") == wanted for stored in store.list("PersistentVolume")
    )


async def release(store: ObjectStore, runtime: ContainerRuntime, claim: JsonObject) -> None:
    """What deleting a claim does: its own directory goes, a PersistentVolume is released and keeps its data."""
    if DYNAMIC in mapping(claim, "metadata", "annotations"):
        await runtime.remove_volume(volume_name(claim))
        return
    key = ObjectKey(kind="PersistentVolume", namespace="", name=text(claim, "spec", "volumeName"))
    if key.name and store.find(key) is not None:
        store.update(key, lambda obj: obj | {"status": {"phase": "Released"}})


async def until_bound(store: ObjectStore, pod: Pod, is_given_up: Callable[[], bool]) -> bool:
    """Wait as a pod that cannot be scheduled does; False: it is to be stopped before it ever started."""
    keys = [
        ObjectKey(kind="PersistentVolumeClaim", namespace=pod.namespace, name=volume.volume.name)
        for volume in pod.volumes
        if isinstance(volume.volume, Claim)
    ]
    while not is_given_up():
        seen = store.version()
        found = [store.find(key) for key in keys]
        for stored in found:
            if stored is not None:
                bind_if_unbound(store, stored.body)
        found = [store.find(key) for key in keys]
        if all(stored is not None and is_bound(stored.body) for stored in found):
            return True
        await store.changed(seen)
    return False
