"""A backup's record as the ``Backup`` object that the peers store, and back. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from boathook.backup.archive import FORMAT_VERSION
from boathook.backup.model import BACKUP_NAMESPACE, GROUPS, Backup, BackupSpec, Operator, Phase, Requirement
from boathook.backup.parse import DEFAULT_TTL
from boathook.durations import format_go_duration, parse_go_duration
from boathook.errors import OperationFailed
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def to_object(backup: Backup) -> JsonObject:
    """The object; counters that are 0 are left out, as Go's ``omitempty`` does."""
    spec = backup.spec
    metadata: JsonObject = {"name": spec.name, "namespace": BACKUP_NAMESPACE, "uid": backup.uid}
    if spec.labels:
        metadata["labels"] = dict(spec.labels)
    if spec.annotations:
        metadata["annotations"] = dict(spec.annotations)
    written: JsonObject = {
        "includedNamespaces": list(spec.included_namespaces),
        "ttl": format_go_duration(spec.ttl),
        "defaultVolumesToFsBackup": True,
    }
    if spec.excluded_namespaces:
        written["excludedNamespaces"] = list(spec.excluded_namespaces)
    if spec.selector:
        written["labelSelector"] = {"matchExpressions": [_expression(one) for one in spec.selector]}
    return {
        "apiVersion": GROUPS[0],
        "kind": "Backup",
        "metadata": metadata,
        "spec": written,
        "status": _status(backup),
    }


def _expression(one: Requirement) -> JsonValue:
    expression: JsonObject = {"key": one.key, "operator": one.operator.value}
    if one.values:
        expression["values"] = list(one.values)
    return expression


def _status(backup: Backup) -> JsonObject:
    status: JsonObject = {
        "version": 1,
        "formatVersion": FORMAT_VERSION,
        "phase": backup.phase.value,
        "startTimestamp": timestamp(backup.started),
        "expiration": timestamp(backup.expiration),
        "progress": {"totalItems": backup.total_items, "itemsBackedUp": backup.items_backed_up},
    }
    optional: list[tuple[str, JsonValue]] = [
        ("completionTimestamp", timestamp(backup.completed) if backup.completed else None),
        ("failureReason", backup.failure_reason),
        ("errors", backup.errors),
        ("warnings", backup.warnings),
    ]
    status |= {key: value for key, value in optional if value}
    counters: list[tuple[str, int]] = [("hooksAttempted", backup.hooks_attempted), ("hooksFailed", backup.hooks_failed)]
    status["hookStatus"] = {key: value for key, value in counters if value}
    return status


def from_object(obj: JsonObject) -> Backup:
    """Read a record. Raises ``OperationFailed`` for one that is none."""
    metadata, spec, status = (mapping(obj.get(part)) for part in ("metadata", "spec", "status"))
    hooks, progress = mapping(status.get("hookStatus")), mapping(status.get("progress"))
    try:
        return Backup(
            spec=_spec(metadata, spec),
            uid=str(metadata.get("uid") or ""),
            phase=Phase(str(status.get("phase") or Phase.NEW)),
            failure_reason=str(status["failureReason"]) if status.get("failureReason") else None,
            started=_moment(status["startTimestamp"]),
            completed=_moment(status["completionTimestamp"]) if status.get("completionTimestamp") else None,
            total_items=_count(progress, "totalItems"),
            items_backed_up=_count(progress, "itemsBackedUp"),
            errors=_count(status, "errors"),
            warnings=_count(status, "warnings"),
            hooks_attempted=_count(hooks, "hooksAttempted"),
            hooks_failed=_count(hooks, "hooksFailed"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OperationFailed(f'cannot read the record of backup "{metadata.get("name")}": {error}') from error


def _spec(metadata: JsonObject, spec: JsonObject) -> BackupSpec:
    selector = mapping(spec.get("labelSelector")).get("matchExpressions")
    expressions = [one for one in selector if isinstance(one, dict)] if isinstance(selector, list) else []
    ttl: timedelta = parse_go_duration(str(spec["ttl"])) if spec.get("ttl") else DEFAULT_TTL
    return BackupSpec(
        name=str(metadata["name"]),
        included_namespaces=_texts(spec.get("includedNamespaces")),
        excluded_namespaces=_texts(spec.get("excludedNamespaces")),
        selector=tuple(
            Requirement(key=str(one["key"]), operator=Operator(str(one["operator"])), values=_texts(one.get("values")))
            for one in expressions
        ),
        labels={key: str(value) for key, value in mapping(metadata.get("labels")).items()},
        annotations={key: str(value) for key, value in mapping(metadata.get("annotations")).items()},
        ttl=ttl,
    )


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else ()


def _count(values: JsonObject, key: str) -> int:
    value = values.get(key)
    return value if isinstance(value, int) else 0


def _moment(value: JsonValue) -> datetime:
    return datetime.fromisoformat(str(value))
