"""The table that ``ps`` prints: the peer's columns (spec 13.4). Pure text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from boathook.compose.containers import service_of
from boathook.report import words
from boathook.runtimes.base import Container, ContainerState

COLUMNS = ("NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS")
COMMAND_WIDTH = 20
"""Longer commands are cut, as the peer does."""


def container_table(containers: Iterable[Container], now: datetime) -> str:
    """One line for each container under a heading, columns padded to their widest entry."""
    rows = [COLUMNS, *(_row(container, now) for container in containers)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ("   ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _row(container: Container, now: datetime) -> tuple[str, ...]:
    command = words.command(container.spec.command, width=COMMAND_WIDTH)
    created = f"{_ago(now - container.created)} ago"
    image = container.spec.image.reference
    return (container.spec.name, image, f'"{command}"', service_of(container), created, _status(container, now), "")


def _status(container: Container, now: datetime) -> str:
    match container.state:
        case ContainerState.CREATED:
            return "Created"
        case ContainerState.RUNNING:
            return f"Up {_ago(now - (container.started or container.created))}"
        case ContainerState.EXITED:
            code = container.exit.code if container.exit else None
            since = f" {_ago(now - container.finished)} ago" if container.finished else ""
            return f"Exited ({'unknown' if code is None else code}){since}"


def _ago(age: timedelta) -> str:
    seconds = max(int(age.total_seconds()), 0)
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return words.plural(seconds // size, unit)
    return words.plural(seconds, "second")
