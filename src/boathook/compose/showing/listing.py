"""A project's containers as ``ps`` and ``ls`` list them (spec 13.4). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from boathook.compose import model
from boathook.compose.place import Member, PlaceVolume, PublishedPort, Status
from boathook.compose.showing.spoken import command_of, cut, human_duration, ports_of, state_of, status_of
from boathook.compose.showing.table import Listed, Row
from boathook.model import JsonValue
from boathook.report.words import go_quoted

_TEMPLATE = "{{.Name}}\t{{.Image}}\t{{.Command}}\t{{.Service}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}"
_HEADINGS = {"ID": "CONTAINER ID", "CreatedAt": "CREATED AT", "RunningFor": "CREATED"}
_VOLUME_HEADINGS = {"Name": "VOLUME NAME"}
_COMMAND_WIDTH = 20
_MOUNT_WIDTH = 15
_SHORT_ID = 12


def containers_listed(members: Iterable[Member], now: datetime, *, whole: bool = False) -> Listed:
    """``whole``: nothing is cut short."""
    return Listed(
        rows=tuple((_row(member, now, whole=whole), member.labels) for member in members),
        headings=_HEADINGS,
        default=_TEMPLATE,
    )


def _row(member: Member, now: datetime, *, whole: bool) -> Row:
    command = command_of(member)
    ended = state_of(member) in (Status.EXITED.value, Status.DEAD.value)
    return {
        "Command": go_quoted(command if whole else cut(command, _COMMAND_WIDTH)),
        "CreatedAt": created_at(member.created),
        "ExitCode": (member.exit.code if ended and member.exit else None) or 0,
        "Health": member.health.value if member.health and member.running else "",
        "ID": member.id if whole else member.id[:_SHORT_ID],
        "Image": member.image,
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(member.labels.items())),
        "LocalVolumes": str(sum(not one.startswith("/") for one in member.mounts)),
        "Mounts": ",".join(one if whole else cut(one, _MOUNT_WIDTH) for one in member.mounts),
        "Name": member.name,
        "Names": member.name,
        "Networks": ",".join(member.networks),
        "Ports": ports_of(member.ports),
        "Project": member.labels.get(model.PROJECT_LABEL, ""),
        "Publishers": [_publisher(one) for one in sorted(member.ports, key=lambda one: one.target)],
        "RunningFor": f"{human_duration(now - member.created)} ago",
        "Service": member.service,
        "Size": "0B",
        "State": state_of(member),
        "Status": status_of(member, now),
    }


def created_at(moment: datetime) -> str:
    """In local time, as Go prints a time."""
    local = moment.astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S %z} {local.tzname()}"


def _publisher(port: PublishedPort) -> JsonValue:
    return {
        "URL": port.host_ip,
        "TargetPort": port.target,
        "PublishedPort": port.published,
        "Protocol": port.protocol,
    }


def projects_listed(projects: Mapping[str, Sequence[Member]]) -> list[dict[str, str]]:
    """By name, with how many containers are in which state: ``exited(1), running(2)``."""
    return [
        {"Name": name, "Status": states(projects[name]), "ConfigFiles": config_files(projects[name])}
        for name in sorted(projects)
    ]


def states(members: Iterable[Member]) -> str:
    counted = Counter(state_of(member) for member in members)
    return ", ".join(f"{state}({counted[state]})" for state in sorted(counted))


def config_files(members: Iterable[Member]) -> str:
    """Each once; ``N/A`` where a container does not say."""
    found: dict[str, None] = {}
    for member in members:
        if model.FILES_LABEL not in member.labels:
            return "N/A"
        found |= dict.fromkeys(member.labels[model.FILES_LABEL].split(","))
    return ",".join(found)


def volumes_listed(volumes: Iterable[PlaceVolume]) -> Listed:
    return Listed(
        rows=tuple((_volume(one), one.labels) for one in volumes),
        headings=_VOLUME_HEADINGS,
        default="{{.Driver}}\t{{.Name}}",
    )


def _volume(volume: PlaceVolume) -> Row:
    return {
        "Availability": "N/A",
        "Driver": volume.driver,
        "Group": "N/A",
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(volume.labels.items())),
        "Links": "N/A",
        "Mountpoint": volume.mountpoint,
        "Name": volume.name,
        "Scope": "local",
        "Size": "N/A",
        "Status": "N/A",
    }
