"""What an engine says of a container, as a member of a project. Nothing here asks anything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from boathook.compose import model
from boathook.compose.place import Health, Member, PublishedPort, Status
from boathook.runtimes.base import ContainerId
from boathook.runtimes.docker.state import exit_of_state, moment

Found = Mapping[str, Any]

_STATES = {
    "running": Status.RUNNING,
    "paused": Status.PAUSED,
    "restarting": Status.RESTARTING,
    "exited": Status.EXITED,
    "removing": Status.REMOVING,
    "dead": Status.DEAD,
    # Podman's further words.
    "stopping": Status.RUNNING,
    "stopped": Status.EXITED,
}
_ENDED = (Status.EXITED, Status.DEAD, Status.RESTARTING)
ROOT = "0:0"
"""Who runs where nobody is named."""

_NEVER = datetime.fromtimestamp(0, UTC)


def is_member(labels: Mapping[str, str]) -> bool:
    """Without a config hash a container is invisible to every command, as it is to the peer (spec 12.2)."""
    return bool(labels.get(model.HASH_LABEL)) and bool(labels.get(model.SERVICE_LABEL))


def member(found: Found) -> Member:
    """``found`` is the answer to ``GET /containers/ID/json``."""
    config, state = found["Config"], found["State"]
    labels = config.get("Labels") or {}
    status = _STATES.get(state.get("Status") or "", Status.CREATED)
    started = moment(state.get("StartedAt") or "")
    finished = moment(state.get("FinishedAt") or "") if status in _ENDED else None
    if started is not None and finished is not None:
        # A start is noted when the process runs already: one that ends at once can have ended before it.
        finished = max(started, finished)
    number = labels.get(model.NUMBER_LABEL, "")
    return Member(
        id=ContainerId(found["Id"]),
        name=str(found["Name"]).removeprefix("/"),
        service=labels.get(model.SERVICE_LABEL, ""),
        number=int(number) if number.isdigit() else 0,
        oneoff=labels.get(model.ONEOFF_LABEL) == "True",
        labels=labels,
        status=status,
        health=health(state),
        exit=exit_of_state(state) if status in _ENDED else None,
        image=config.get("Image") or "",
        image_id=found.get("Image") or "",
        command=argv(found),
        stop_signal=stop_signal(config.get("StopSignal")),
        user=config.get("User") or ROOT,
        created=moment(found.get("Created") or "") or _NEVER,
        started=started,
        finished=finished,
        ports=ports(found),
        networks=tuple(sorted((found.get("NetworkSettings") or {}).get("Networks") or {})),
        mounts=tuple(_source(one) for one in found.get("Mounts") or ()),
        owner_alive=True,
        tty=bool(config.get("Tty")),
        stdin_open=bool(config.get("OpenStdin")),
    )


def stop_signal(said: Any) -> str:
    """By its full name. Podman gives the number."""
    from boathook.compose.reading.parse_service import signal_name

    written = str(said or "SIGTERM")
    return signal_name(written) or written


def argv(found: Found) -> tuple[str, ...]:
    """Podman gives the entrypoint of a container as one text."""
    if path := found.get("Path"):
        return (str(path), *map(str, found.get("Args") or ()))
    config = found["Config"]
    entrypoint, command = config.get("Entrypoint") or (), config.get("Cmd") or ()
    return (*([entrypoint] if isinstance(entrypoint, str) else entrypoint), *command)


def health(state: Found) -> Health | None:
    """Podman says of a container without a check that its health is empty."""
    said = (state.get("Health") or {}).get("Status") or "none"
    return None if said == "none" else Health(said)


def ports(found: Found) -> tuple[PublishedPort, ...]:
    """As they listen; what is only exposed listens nowhere, and a container that does not run has none."""
    listening = (found.get("NetworkSettings") or {}).get("Ports") or {}
    result = []
    for key, bindings in sorted(listening.items()):
        target, _, protocol = str(key).partition("/")
        nowhere: list[dict[str, Any]] = [{}]
        for one in bindings or nowhere:
            published = str(one.get("HostPort") or "")
            result.append(
                PublishedPort(
                    target=int(target),
                    protocol=protocol or "tcp",
                    host_ip=one.get("HostIp") or "",
                    published=int(published) if published.isdigit() else 0,
                )
            )
    return tuple(result)


def _source(mount: Found) -> str:
    return str(mount.get("Name") or mount.get("Source") or "")
