"""What a container was made with that its runtime does not know, kept with it, and the member that it is. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from boathook.codec import CodecError, from_json, to_json
from boathook.compose import model
from boathook.compose.model import Healthcheck, RestartPolicy
from boathook.compose.place import Health, Member, PublishedPort, Status
from boathook.runtimes.base import Container, ContainerState

LABEL = "boathook.io/compose"
"""Holds :class:`Facts` as JSON. It is no label of the member's."""

WATCHED = "watched"
"""Note of a container that its owner starts again when its policy says so: until the owner has given it up."""
HEALTH = "health"
"""Note with a value of :class:`Health`."""
RESTARTS = "restarts"
"""Note with the number of times that the policy has started it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anonymous:
    """A volume without a name of its own: it goes with its container, or over to the one that takes its place."""

    target: str
    volume: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is to be known of a container of a project when its file is not at hand."""

    image_id: str
    stop_grace: timedelta
    restart: RestartPolicy
    healthcheck: Healthcheck | None
    """None: it has none, nor has its image."""
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    """What runs a healthcheck's ``CMD-SHELL``."""
    networks: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    anonymous: tuple[Anonymous, ...] = ()
    files: str = ""
    """A directory with the content of its secrets and configs, which goes with it; empty: none."""


UNKNOWN = Facts(image_id="", stop_grace=model.STOP_GRACE, restart=RestartPolicy(name="no", retries=0), healthcheck=None)


def written(facts: Facts) -> str:
    return json.dumps(to_json(facts), separators=(",", ":"))


def facts_of(container: Container) -> Facts:
    """Of one that another version made nothing is known."""
    try:
        return from_json(Facts, json.loads(container.spec.labels[LABEL]))
    except (KeyError, ValueError, CodecError):
        return UNKNOWN


def is_member(container: Container) -> bool:
    """A container without a config hash is invisible to every command, as it is to the peer (spec 12.2)."""
    labels = container.spec.labels
    return bool(labels.get(model.HASH_LABEL)) and model.SERVICE_LABEL in labels and model.HOOK_LABEL not in labels


def member_of(container: Container) -> Member:
    spec, facts = container.spec, facts_of(container)
    number = spec.labels.get(model.NUMBER_LABEL, "")
    return Member(
        id=container.id,
        name=spec.name,
        service=spec.labels.get(model.SERVICE_LABEL, ""),
        number=int(number) if number.isdigit() else 0,
        oneoff=spec.labels.get(model.ONEOFF_LABEL) == "True",
        labels={name: text for name, text in spec.labels.items() if name != LABEL},
        status=status_of(container),
        health=_health(container, facts),
        exit=container.exit,
        last_exit=container.last_exit,
        image=spec.image.reference,
        image_id=facts.image_id,
        command=spec.command,
        stop_signal=spec.stop_signal,
        user=container.user,
        created=container.created,
        started=container.started,
        finished=container.finished,
        ports=facts.ports,
        networks=facts.networks,
        mounts=facts.mounts,
        owner_alive=container.owner_alive,
    )


def status_of(container: Container) -> Status:
    match container.state:
        case ContainerState.CREATED:
            return Status.CREATED
        case ContainerState.RUNNING:
            return Status.PAUSED if container.paused else Status.RUNNING
        case ContainerState.EXITED:
            return Status.RESTARTING if is_watched(container) else Status.EXITED


def is_watched(container: Container) -> bool:
    """Whether it may be started again although it has ended: nobody has decided yet."""
    return container.owner_alive and bool(container.notes.get(WATCHED))


def _health(container: Container, facts: Facts) -> Health | None:
    if facts.healthcheck is None:
        return None
    return Health(container.notes.get(HEALTH, Health.STARTING))
