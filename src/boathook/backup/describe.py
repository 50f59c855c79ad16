"""A backup in words: ``backup describe`` and ``backup get``. Pure text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from boathook.backup.archive import FORMAT_VERSION
from boathook.backup.model import BACKUP_NAMESPACE, Backup, Phase
from boathook.backup.record import timestamp
from boathook.durations import format_go_duration
from boathook.objects import mapping

LOCATION = "default"
NONE = "<none>"
COLUMN = 14

HEADINGS = ("NAME", "STATUS", "ERRORS", "WARNINGS", "CREATED", "EXPIRES", "STORAGE LOCATION", "SELECTOR")


def describe(
    backup: Backup,
    *,
    results: object = None,
    volumes: object = None,
    resources: object = None,
    details: bool = False,
) -> str:
    """The sections of Velero's ``backup describe``, as far as this version has them."""
    spec = backup.spec
    lines = [_field("Name", spec.name), _field("Namespace", BACKUP_NAMESPACE)]
    lines += _mapping("Labels", spec.labels) + _mapping("Annotations", spec.annotations) + [""]
    lines += [*_phase(backup), ""]
    if backup.failure_reason:
        lines += [_field("Failure reason", backup.failure_reason), ""]
    found = mapping(results) if isinstance(results, dict) else {}
    lines += _problems("Warnings", backup.warnings, found.get("warnings"))
    lines += _problems("Errors", backup.errors, found.get("errors"))
    lines += ["Namespaces:", _inside("Included", ", ".join(spec.included_namespaces) or "*")]
    lines += [_inside("Excluded", ", ".join(spec.excluded_namespaces) or NONE), ""]
    lines += ["Resources:", _inside("Included", "*"), _inside("Excluded", NONE), _inside("Cluster-scoped", "auto"), ""]
    lines += [_field("Label selector", spec.selector_text or NONE), ""]
    lines += [_field("Storage Location", LOCATION), "", _field("TTL", format_go_duration(spec.ttl)), ""]
    lines += [_field("Hooks", NONE), "", _field("Backup Format Version", FORMAT_VERSION), ""]
    lines += [_field("Started", _moment(backup.started)), _field("Completed", _moment(backup.completed)), ""]
    lines += [_field("Expiration", _moment(backup.expiration)), ""]
    if backup.phase.ended:
        lines += [f"Total items to be backed up:  {backup.total_items}"]
        lines += [f"Items backed up:              {backup.items_backed_up}", ""]
    if details:
        lines += _resources(resources)
    lines += [*_volumes(volumes), ""]
    lines += [_field("HooksAttempted", str(backup.hooks_attempted)), _field("HooksFailed", str(backup.hooks_failed))]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _field(name: str, value: str) -> str:
    return f"{name + ':':<{COLUMN}} {value}"


def _inside(name: str, value: str) -> str:
    return f"  {name + ':':<16} {value}"


def _mapping(name: str, values: Mapping[str, str]) -> list[str]:
    pairs = [f"{key}={value}" for key, value in sorted(values.items())] or [NONE]
    return [_field(name, pairs[0]), *(" " * (COLUMN + 1) + pair for pair in pairs[1:])]


def _phase(backup: Backup) -> list[str]:
    more = ""
    if backup.phase in (Phase.FAILED, Phase.PARTIALLY_FAILED):
        more = f" (run `boathook backup logs {backup.spec.name}` for more information)"
    return [_field("Phase", f"{backup.phase}{more}")]


def _moment(moment: datetime | None) -> str:
    return "<n/a>" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")


def _problems(name: str, count: int, written: object) -> list[str]:
    """``Errors:`` with what the results file says, by place."""
    if not count:
        return []
    places = mapping(written) if isinstance(written, dict) else {}
    own = places.get("velero")
    lines = [f"{name}:", f"  Velero:    {NONE if not own else ''}".rstrip()]
    lines += [f"    {one}" for one in (own if isinstance(own, list) else [])]
    lines += [f"  Cluster:   {NONE}"]
    namespaces = mapping(places.get("namespaces"))
    lines += [f"  Namespaces: {'' if namespaces else NONE}".rstrip()]
    for namespace, texts in namespaces.items():
        lines += [f"    {namespace}:"] + [f"     {one}" for one in (texts if isinstance(texts, list) else [])]
    return [*lines, ""]


def _resources(written: object) -> list[str]:
    lines = ["Resource List:"]
    for kind, names in sorted(written.items()) if isinstance(written, dict) else ():
        lines += [f"  {kind}:", *(f"    - {name}" for name in names)]
    return [*(lines if len(lines) > 1 else [_field("Resource List", NONE)]), ""]


def _volumes(written: object) -> list[str]:
    entries = [mapping(one) for one in written] if isinstance(written, list) else []
    lines = ["Backup Volumes:"]
    for one in entries:
        state = str(one.get("phase"))
        text = f"{one.get('size_bytes')} bytes" if state == "Completed" else f"{state}: {one.get('message')}"
        lines.append(f"  {one.get('namespace')}/{one.get('pod')}: {one.get('volume')} ({text})")
    return lines if entries else [_field("Backup Volumes", NONE)]


def table(backups: Sequence[Backup], now: datetime) -> str:
    """``backup get``: Velero's columns."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    rows += [_row(backup, now) for backup in backups]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(backup: Backup, now: datetime) -> tuple[str, ...]:
    return (
        backup.spec.name,
        backup.phase.value,
        str(backup.errors),
        str(backup.warnings),
        timestamp(backup.started).replace("T", " ").replace("Z", " +0000 UTC"),
        _expires(backup.expiration - now),
        LOCATION,
        backup.spec.selector_text or NONE,
    )


def _expires(left: timedelta) -> str:
    text = _rough(abs(left))
    return text if left > timedelta(0) else f"{text} ago"


def _rough(span: timedelta) -> str:
    for unit, letter in ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "m")):
        if span >= unit:
            return f"{span // unit}{letter}"
    return f"{int(span.total_seconds())}s"
