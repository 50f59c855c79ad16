"""What is taken into a backup: by namespace, by label, and never what asks to be left out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from boathook.backup.model import EXCLUDE_LABEL, BackupSpec, Operator, Requirement
from boathook.cluster.base import ObjectKey, key_of
from boathook.model import JsonObject
from boathook.objects import mapping

FIRST_KINDS = ("Pod", "PersistentVolumeClaim", "PersistentVolume")
"""In this order, then the others as they come (pkg/backup/item_collector.go, sortCoreGroup)."""


def includes(patterns: tuple[str, ...], excluded: tuple[str, ...], name: str) -> bool:
    """An exclude match wins; then an empty include list, ``*`` or an include match. Patterns are globs."""
    if any(fnmatchcase(name, pattern) for pattern in excluded):
        return False
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def holds(requirement: Requirement, labels: JsonObject) -> bool:
    value = labels.get(requirement.key)
    match requirement.operator:
        case Operator.IN:
            return value in requirement.values
        case Operator.NOT_IN:
            return value is None or value not in requirement.values
        case Operator.EXISTS:
            return value is not None
        case Operator.DOES_NOT_EXIST:
            return value is None


def may_be_taken(obj: JsonObject, spec: BackupSpec, excluded_namespaces: frozenset[str]) -> bool:
    """True unless a namespace filter, the exclude label or a running deletion keeps the object out.

    Labels are no part of it: what a taken object needs is taken whatever its labels (internal/itemblock).
    """
    metadata = mapping(obj.get("metadata"))
    if mapping(metadata.get("labels")).get(EXCLUDE_LABEL) == "true" or metadata.get("deletionTimestamp"):
        return False
    namespace = key_of(obj, default_namespace="default").namespace
    if not namespace:
        return True
    return namespace not in excluded_namespaces and includes(
        spec.included_namespaces, spec.excluded_namespaces, namespace
    )


def is_selected(obj: JsonObject, spec: BackupSpec) -> bool:
    """True when the backup's own filters take the object; cluster-scoped kinds only in a backup of everything."""
    key = key_of(obj, default_namespace="default")
    everything = spec.included_namespaces in ((), ("*",)) and not spec.excluded_namespaces
    if not key.namespace and not everything and key.kind != "Namespace":
        return False
    if key.kind == "Namespace" and not includes(spec.included_namespaces, spec.excluded_namespaces, key.name):
        return False
    labels = mapping(mapping(obj.get("metadata")).get("labels"))
    return all(holds(requirement, labels) for requirement in spec.selector)


def excluded_namespaces(objects: Iterable[JsonObject]) -> frozenset[str]:
    """Namespaces whose own object carries the exclude label."""
    namespaces = (obj for obj in objects if obj.get("kind") == "Namespace")
    return frozenset(
        key_of(obj, default_namespace="default").name
        for obj in namespaces
        if mapping(mapping(obj.get("metadata")).get("labels")).get(EXCLUDE_LABEL) == "true"
    )


def work_order(objects: Iterable[JsonObject]) -> list[JsonObject]:
    """Pods first, then claims, volumes and the rest; inside a kind by namespace and name."""

    def place(obj: JsonObject) -> tuple[int, str, str, str]:
        key: ObjectKey = key_of(obj, default_namespace="default")
        rank = FIRST_KINDS.index(key.kind) if key.kind in FIRST_KINDS else len(FIRST_KINDS)
        return rank, key.kind if rank == len(FIRST_KINDS) else "", key.namespace, key.name

    return sorted(objects, key=place)
