"""Release records as Helm's Secret driver keeps them: a real helm reads ours, and we read its."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from boathook.cluster.base import Cluster, ObjectKey
from boathook.errors import Conflict, NotFound, TargetError
from boathook.helm.model import (
    Chart,
    HelmHook,
    HookEvent,
    LastRun,
    Release,
    ReleaseStatus,
    RunPhase,
)
from boathook.model import JsonObject

SECRET_TYPE = "helm.sh/release.v1"
OWNER = "helm"
SYSTEM_LABELS = ("name", "owner", "status", "version", "createdAt", "modifiedAt")
GZIP_MAGIC = b"\x1f\x8b\x08"
FRACTION = re.compile(r"\.(\d{1,6})\d*")


def record_name(name: str, revision: int) -> str:
    return f"sh.helm.release.v1.{name}.v{revision}"


def record_key(name: str, namespace: str, revision: int) -> ObjectKey:
    return ObjectKey(kind="Secret", namespace=namespace, name=record_name(name, revision))


def secret_of(release: Release, *, stamp: str, now: datetime) -> JsonObject:
    """The Secret of a release. ``stamp``: ``createdAt`` when it is written first, ``modifiedAt`` afterwards."""
    labels = dict(release.labels) | {
        "name": release.name,
        "owner": OWNER,
        "status": release.status.value,
        "version": str(release.revision),
        stamp: str(int(now.timestamp())),
    }
    # Kubernetes encodes the data of every Secret once more, over Helm's own encoding.
    data = base64.b64encode(encode(release)).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": record_name(release.name, release.revision),
            "namespace": release.namespace,
            "labels": {key: labels[key] for key in sorted(labels)},
        },
        "type": SECRET_TYPE,
        "data": {"release": data},
    }


def encode(release: Release) -> bytes:
    """base64 of gzip level 9 of JSON. No time stamp in the gzip header: the same release, the same bytes."""
    text = json.dumps(to_record(release), separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0))


def decode(data: bytes) -> Release:
    """Raises ``ValueError`` when it is no release record."""
    try:
        packed = base64.b64decode(data)
        record = json.loads(gzip.decompress(packed) if packed.startswith(GZIP_MAGIC) else packed)
        return from_record(record)
    except (binascii.Error, EOFError, OSError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no release record: {error}") from error


def to_record(release: Release) -> JsonObject:
    """The JSON of a release, with Helm's keys."""
    info: JsonObject = {
        "first_deployed": _time(release.first_deployed),
        "last_deployed": _time(release.last_deployed),
        "description": release.description,
        "status": release.status.value,
    }
    if release.deleted is not None:
        info["deleted"] = _time(release.deleted)
    if release.notes:
        info["notes"] = release.notes
    record: JsonObject = {
        "name": release.name,
        "info": info,
        "chart": release.chart.stored,
        "config": release.config or None,
        "manifest": release.manifest,
        "hooks": [_hook_record(hook) for hook in release.hooks],
        "version": release.revision,
        "namespace": release.namespace,
    }
    if release.apply_method:
        record["apply_method"] = release.apply_method
    return record


def _hook_record(hook: HelmHook) -> JsonObject:
    last_run: JsonObject = {"phase": hook.last_run.phase.value}
    if hook.last_run.started is not None:
        last_run["started_at"] = _time(hook.last_run.started)
    if hook.last_run.completed is not None:
        last_run["completed_at"] = _time(hook.last_run.completed)
    record: JsonObject = {
        "name": hook.name,
        "kind": hook.kind,
        "path": hook.path,
        "manifest": hook.manifest,
        "events": [event.value for event in hook.events],
        "last_run": last_run,
    }
    if hook.weight:
        record["weight"] = hook.weight
    if hook.delete_policies:
        record["delete_policies"] = list(hook.delete_policies)
    if hook.output_log_policies:
        record["output_log_policies"] = list(hook.output_log_policies)
    return record


def from_record(record: Mapping[str, Any]) -> Release:
    """A release from its JSON, whichever Helm wrote it."""
    info = record["info"]
    first = _parsed_time(info.get("first_deployed")) or datetime.fromtimestamp(0, UTC)
    stored = record.get("chart") or {}
    return Release(
        name=record["name"],
        namespace=record.get("namespace") or "default",
        revision=int(record["version"]),
        status=ReleaseStatus(info.get("status") or "unknown"),
        description=info.get("description") or "",
        first_deployed=first,
        last_deployed=_parsed_time(info.get("last_deployed")) or first,
        deleted=_parsed_time(info.get("deleted")),
        notes=info.get("notes") or "",
        chart=Chart(
            path="",
            metadata=stored.get("metadata") or {},
            templates=_templates(stored),
            values=stored.get("values") or {},
            stored=stored,
        ),
        config=record.get("config") or {},
        manifest=record.get("manifest") or "",
        hooks=tuple(_hook_from(hook) for hook in record.get("hooks") or ()),
        apply_method=record.get("apply_method") or "",
        labels=(),
    )


def _templates(stored: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (one["name"], base64.b64decode(one.get("data") or "").decode("utf-8", errors="replace"))
        for one in stored.get("templates") or ()
    )


def _hook_from(record: Mapping[str, Any]) -> HelmHook:
    last = record.get("last_run") or {}
    return HelmHook(
        name=record.get("name") or "",
        kind=record.get("kind") or "",
        path=record.get("path") or "",
        manifest=record.get("manifest") or "",
        events=tuple(HookEvent(event) for event in record.get("events") or ()),
        weight=int(record.get("weight") or 0),
        delete_policies=tuple(record.get("delete_policies") or ()),
        output_log_policies=tuple(record.get("output_log_policies") or ()),
        last_run=LastRun(
            started=_parsed_time(last.get("started_at")),
            completed=_parsed_time(last.get("completed_at")),
            phase=RunPhase(last.get("phase") or ""),
        ),
    )


def _time(moment: datetime) -> str:
    """RFC 3339 as Go writes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _parsed_time(text: str | None) -> datetime | None:
    """Go writes nine digits of a second, Python knows six. Its zero time means none."""
    if not text or text.startswith("0001-01-01"):
        return None
    return datetime.fromisoformat(FRACTION.sub(lambda match: f".{match[1]:0<6}", text))


class ReleaseStore:
    """The records of one namespace, as Secrets of a cluster."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    async def create(self, release: Release, *, now: datetime) -> None:
        """Raises ``Conflict`` when that revision exists."""
        try:
            await self.cluster.create(secret_of(release, stamp="createdAt", now=now), namespace=self.namespace)
        except Conflict as error:
            raise Conflict("cannot reuse a name that is still in use") from error

    async def update(self, release: Release, *, now: datetime) -> None:
        """Write what has become of it."""
        await self.cluster.apply(secret_of(release, stamp="modifiedAt", now=now), namespace=self.namespace)

    async def history(self, name: str) -> tuple[Release, ...]:
        """Every revision, oldest first; empty when nothing of that name exists."""
        return await self._releases({"owner": OWNER, "name": name})

    async def last(self, name: str) -> Release:
        """Raises ``NotFound`` (``release: not found``)."""
        history = await self.history(name)
        if not history:
            raise NotFound("release: not found")
        return history[-1]

    async def get(self, name: str, revision: int) -> Release:
        """One revision. Raises ``NotFound``."""
        for release in await self.history(name):
            if release.revision == revision:
                return release
        raise NotFound("release: not found")

    async def latest(self) -> tuple[Release, ...]:
        """The newest revision of every release, by name."""
        newest: dict[str, Release] = {}
        for release in await self._releases({"owner": OWNER}):
            newest[release.name] = release
        return tuple(newest[name] for name in sorted(newest))

    async def delete(self, release: Release) -> None:
        """Idempotent."""
        with contextlib.suppress(NotFound):
            await self.cluster.delete(record_key(release.name, self.namespace, release.revision))

    async def _releases(self, labels: dict[str, str]) -> tuple[Release, ...]:
        secrets = await self.cluster.list("Secret", namespace=self.namespace, labels=labels)
        releases = [_release_of(secret) for secret in secrets if secret.get("type") == SECRET_TYPE]
        return tuple(sorted(releases, key=lambda release: (release.name, release.revision)))


def _release_of(secret: Mapping[str, Any]) -> Release:
    metadata = secret["metadata"]
    try:
        release = decode(base64.b64decode(secret["data"]["release"]))
    except (ValueError, KeyError, TypeError) as error:
        raise TargetError(f'cannot read release record "{metadata.get("name")}": {error}') from error
    labels = metadata.get("labels") or {}
    own = tuple((key, value) for key, value in sorted(labels.items()) if key not in SYSTEM_LABELS)
    from dataclasses import replace

    return replace(release, labels=own)
