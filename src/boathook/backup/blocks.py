"""Item blocks: what must be quiet at the same time, because it shares a volume. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from boathook.backup.model import BackupPod, BackupSpec, VolumeKind
from boathook.backup.parse import backup_pod
from boathook.backup.selection import excluded_namespaces, is_selected, may_be_taken, work_order
from boathook.cluster.base import ObjectKey, key_of
from boathook.model import JsonObject
from boathook.objects import mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Pods that share claims, with these claims and their volumes; or one other object alone."""

    pods: tuple[BackupPod, ...]
    objects: tuple[JsonObject, ...]
    """Everything of the block but its pods, volumes before claims: the order in which they are written."""


def blocks(objects: Sequence[JsonObject], spec: BackupSpec) -> tuple[Block, ...]:
    """The work of a backup, in order. No object is in two blocks."""
    shut_out = excluded_namespaces(objects)
    known = {key_of(obj, default_namespace="default"): obj for obj in objects if may_be_taken(obj, spec, shut_out)}
    mounted = _mounted_by(known)
    taken: set[ObjectKey] = set()
    result = []
    for obj in work_order(known.values()):
        key = key_of(obj, default_namespace="default")
        if key in taken or not is_selected(obj, spec):
            continue
        together = _together(key, known, mounted)
        taken |= together
        result.append(_block(work_order(known[one] for one in together)))
    return tuple(result)


def _block(objects: Iterable[JsonObject]) -> Block:
    pods, others = [], []
    for obj in objects:
        if obj.get("kind") == "Pod":
            pods.append(backup_pod(obj))
        else:
            others.append(obj)
    # Volumes before claims: what an item needs is written before it (pkg/backup, additional items).
    return Block(pods=tuple(pods), objects=tuple(reversed(others)))


def _mounted_by(known: Mapping[ObjectKey, JsonObject]) -> dict[ObjectKey, list[ObjectKey]]:
    """Claim -> the running pods that mount it."""
    result: dict[ObjectKey, list[ObjectKey]] = {}
    for key, obj in known.items():
        if key.kind == "Pod" and mapping(obj.get("status")).get("phase") == "Running":
            for claim in _claims(obj):
                result.setdefault(claim, []).append(key)
    return result


def _claims(pod: JsonObject) -> list[ObjectKey]:
    read = backup_pod(pod)
    return [
        ObjectKey(kind="PersistentVolumeClaim", namespace=read.namespace, name=volume.claim)
        for volume in read.volumes
        if volume.kind is VolumeKind.CLAIM
    ]


def _together(
    first: ObjectKey, known: Mapping[ObjectKey, JsonObject], mounted: Mapping[ObjectKey, list[ObjectKey]]
) -> set[ObjectKey]:
    """The object and all that it leads to: pod -> claims; claim -> its volume and the running pods that mount it."""
    found: set[ObjectKey] = set()
    waiting = [first]
    while waiting:
        key = waiting.pop()
        if key in found or key not in known:
            continue
        found.add(key)
        if key.kind == "Pod":
            waiting += _claims(known[key])
        elif key.kind == "PersistentVolumeClaim":
            waiting += mounted.get(key, [])
            name = str(mapping(known[key].get("spec")).get("volumeName") or "")
            waiting.append(ObjectKey(kind="PersistentVolume", namespace="", name=name))
    return found
