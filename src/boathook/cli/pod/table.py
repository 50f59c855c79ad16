"""Pods in kubectl's columns. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from boathook.model import JsonObject
from boathook.objects import mapping, mappings, text
from boathook.report import words


def columns(rows: Sequence[tuple[str, ...]]) -> str:
    """Rows as text, each column as wide as its widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["   ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def pod_table(
    pods: Sequence[JsonObject], now: datetime, *, with_namespace: bool, wide: Sequence[str] | None = None
) -> str:
    """Pods in kubectl's columns. ``wide``: who runs each of them, for the columns that ``-o wide`` adds."""
    rows: list[tuple[str, ...]] = [
        ("NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"),
        *(_row(one, now) for one in pods),
    ]
    if wide is not None:
        heads = [("IP", "NODE", "RUN BY")]
        rows = [row + more for row, more in zip(rows, [*heads, *map(_wide, pods, wide)], strict=True)]
    if not with_namespace:
        rows = [row[1:] for row in rows]
    return columns(rows)


def _wide(obj: JsonObject, run_by: str) -> tuple[str, ...]:
    return (
        text(obj, "status", "podIP") or "<none>",
        text(obj, "spec", "nodeName") or "<none>",
        run_by or "<nobody>",
    )


def _row(obj: JsonObject, now: datetime) -> tuple[str, ...]:
    metadata, status, spec = mapping(obj, "metadata"), mapping(obj, "status"), mapping(obj, "spec")
    init = mappings(status.get("initContainerStatuses"))
    sidecars = {
        text(one, "name") for one in mappings(spec.get("initContainers")) if one.get("restartPolicy") == "Always"
    }
    containers = [one for one in init if one.get("name") in sidecars] + mappings(status.get("containerStatuses"))
    wanted = len(sidecars) + len(mappings(spec.get("containers")))
    ready = sum(bool(one.get("ready")) for one in containers)
    return (
        text(metadata, "namespace"),
        text(metadata, "name"),
        f"{ready}/{wanted}",
        state_word(obj),
        _restarts(containers, now),
        age(text(metadata, "creationTimestamp"), now),
    )


def _restarts(containers: list[JsonObject], now: datetime) -> str:
    """``3 (20s ago)``: how often, and when last."""
    count = sum(n for one in containers if isinstance(n := one.get("restartCount"), int))
    ends = [text(one, "lastState", "terminated", "finishedAt") for one in containers]
    last = max((end for end in ends if end), default="")
    return f"{count} ({age(last, now)} ago)" if count and last else str(count)


def state_word(obj: JsonObject) -> str:
    """As kubectl says it (``printPod``): a waiting or terminated container's reason before the phase."""
    status, spec = mapping(obj, "status"), mapping(obj, "spec")
    if mapping(obj, "metadata").get("deletionTimestamp"):
        return "Terminating"
    init = _init_word(mappings(spec.get("initContainers")), mappings(status.get("initContainerStatuses")))
    if init:
        return init
    for one in mappings(status.get("containerStatuses")):
        state = mapping(one, "state")
        waiting, ended = text(state, "waiting", "reason"), mapping(state, "terminated")
        word = waiting or text(ended, "reason") or (_ended_word(ended) if ended else "")
        if word:
            return word
    return text(status, "reason") or text(status, "phase") or "Pending"


def _init_word(specs: list[JsonObject], statuses: list[JsonObject]) -> str:
    """``Init:0/2`` and the like while init containers run; empty when they are done."""
    sidecars = {one.get("name") for one in specs if one.get("restartPolicy") == "Always"}
    for done, one in enumerate(statuses):
        state = mapping(one, "state")
        ended = mapping(state, "terminated")
        if (ended and ended.get("exitCode") == 0) or (one.get("name") in sidecars and one.get("started")):
            continue
        waiting = text(state, "waiting", "reason")
        if ended:
            return f"Init:{text(ended, 'reason') or _ended_word(ended)}"
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{done}/{len(specs)}"
    return ""


def _ended_word(ended: JsonObject) -> str:
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode')}"


def age(since: str, now: datetime) -> str:
    """How long ago, as kubectl shortens it: ``90s``, ``5m``, ``3h``, ``2d``."""
    try:
        began = datetime.fromisoformat(since)
    except ValueError:
        return "<unknown>"
    seconds = int((now - began).total_seconds())
    if seconds < 120:
        return words.span(timedelta(seconds=max(seconds, 0)))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    return f"{minutes}m" if minutes < 120 else f"{hours}h" if hours < 48 else f"{days}d"
