"""Facts in the peer's words: how long ago, how big, which ports, in what state. Pure.

The peer takes them from docker/go-units and docker/cli (cli/command/formatter), and the state from the engine
(moby container/state.go: String).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from boathook.compose.place import Health, Member, PublishedPort, Status

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
_HOUR = 3600
_DAY = 24


def human_duration(age: timedelta) -> str:
    """``2 minutes``, ``About an hour``."""
    seconds = int(age.total_seconds())
    minutes, hours = seconds // 60, int(age.total_seconds() / _HOUR + 0.5)
    if seconds < 1:
        return "Less than a second"
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    if minutes < 60:
        return "About a minute" if minutes == 1 else f"{minutes} minutes"
    if hours < 2 * _DAY:
        return "About an hour" if hours == 1 else f"{hours} hours"
    units = ((14 * _DAY, _DAY, "days"), (60 * _DAY, 7 * _DAY, "weeks"), (730 * _DAY, 30 * _DAY, "months"))
    for below, size, unit in units:
        if hours < below:
            return f"{hours // size} {unit}"
    return f"{seconds // _HOUR // _DAY // 365} years"


def human_size(size: float) -> str:
    """Three digits of it, by thousands: ``4.26MB``."""
    for unit in _SIZES[:-1]:
        if size < 1000:
            return f"{size:.3g}{unit}"
        size /= 1000
    return f"{size:.3g}{_SIZES[-1]}"


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def status_of(member: Member, now: datetime) -> str:
    """``Up 3 seconds (healthy)``, ``Exited (0) 2 minutes ago``. One whose owner is gone has ended, unseen."""
    up = f"Up {human_duration(now - (member.started or member.created))}"
    match member.status:
        case Status.CREATED:
            return "Created"
        case Status.RUNNING if member.owner_alive:
            return f"{up} ({_health(member.health)})" if member.health else up
        case Status.PAUSED if member.owner_alive:
            return f"{up} (Paused)"
        case Status.RESTARTING if member.owner_alive:
            return f"Restarting ({_code(member)}){_ago(member, now)}"
        case Status.REMOVING:
            return "Removal In Progress"
        case Status.DEAD:
            return "Dead"
        case _:
            return f"Exited ({_code(member)}){_ago(member, now)}"


def _health(health: Health) -> str:
    return "health: starting" if health is Health.STARTING else health.value


def _code(member: Member) -> str:
    """Nobody saw the end of what ended with its owner."""
    return "unknown" if member.exit is None or member.exit.code is None else str(member.exit.code)


def _ago(member: Member, now: datetime) -> str:
    return f" {human_duration(now - member.finished)} ago" if member.finished else ""


def state_of(member: Member) -> str:
    """In an engine's word; what ended with its owner is ``exited``, whatever was written down last."""
    ended = member.status in (Status.RUNNING, Status.PAUSED, Status.RESTARTING) and not member.owner_alive
    return Status.EXITED.value if ended else member.status.value


def command_of(member: Member) -> str:
    """As the engine lists it: arguments with a space stand in single quotes (moby daemon/list.go)."""
    return " ".join((*member.command[:1], *(f"'{one}'" if " " in one else one for one in member.command[1:])))


def ports_of(ports: Iterable[PublishedPort]) -> str:
    """``0.0.0.0:8080->80/tcp``; runs of ports that map to themselves are told as one."""
    runs: dict[tuple[str, str], list[tuple[int, int]]] = {}
    mapped = []
    for port in sorted(ports, key=lambda one: (one.target, one.host_ip, one.published, one.protocol)):
        if port.host_ip and port.published != port.target:
            mapped.append(f"{_host(port.host_ip)}:{port.published}->{port.target}/{port.protocol}")
            continue
        run = runs.setdefault((port.host_ip, port.protocol), [])
        if run and port.target == run[-1][1] + 1:
            run[-1] = (run[-1][0], port.target)
        else:
            run.append((port.target, port.target))
    whole = [_run(*key, *one) for key, run in runs.items() for one in run[:-1]]
    last = [_run(*key, *run[-1]) for key, run in runs.items()]
    return ", ".join((*whole, *last, *mapped))


def _run(host: str, protocol: str, first: int, last: int) -> str:
    text = str(first) if first == last else f"{first}-{last}"
    return f"{_host(host)}:{text}->{text}/{protocol}" if host else f"{text}/{protocol}"


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address
