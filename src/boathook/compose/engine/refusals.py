"""What cannot be in this engine, said before anything is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from boathook.compose import model
from boathook.compose.engine.form import texts
from boathook.compose.engine.images import Known
from boathook.compose.model import Service
from boathook.compose.place import Member
from boathook.errors import BoathookError, ManifestError, UnsupportedHere
from boathook.model import Exec, Finding, Severity, Source
from boathook.objects import mapping
from boathook.runtimes.docker.engine import Engine

NEWER_HEALTHCHECK = (1, 44)

_SHARED = "has dependent containers"
"""In Podman's own words."""


def refuse(engine: Engine, services: Sequence[Service], known: Mapping[str, Known]) -> None:
    """Raises ``ManifestError`` with every problem. ``known``: the services' images."""
    problems = [
        problem
        for service in services
        for problem in (*_of_engine(engine, service), *_of_podman(engine, service, known[service.image]))
    ]
    if problems:
        raise ManifestError(tuple(problems))


def refuse_replacing(members: Sequence[Member], standing: Iterable[Mapping[str, Any]]) -> None:
    """Podman removes no container while others are in its namespaces, even if they have ended (measured with 4.3).

    ``standing``: the project's containers as the engine describes them.
    """
    known = tuple(standing)
    for member in members:
        sharing = sorted({_service(one) for one in known if f"container:{member.id}" in _modes(one)})
        if sharing:
            raise UnsupportedHere(
                f"container {member.name} is to be recreated, and Podman removes none whose namespaces are those of"
                f" others, too: {', '.join(sharing)}",
                hint=f"boathook compose rm -s -f {' '.join(sharing)}, and then the same again",
            )


def is_shared(error: BoathookError) -> BoathookError:
    """What is said where Podman would not remove a container, with a remedy."""
    if _SHARED not in str(error):
        return error
    return UnsupportedHere(
        "Podman removes no container whose namespaces are those of others, too",
        hint="remove first the services that have network_mode, ipc or pid of it: boathook compose rm -s -f SERVICE",
    )


def _service(found: Mapping[str, Any]) -> str:
    return str((found["Config"].get("Labels") or {}).get(model.SERVICE_LABEL, ""))


def _modes(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(found["HostConfig"].get(key) for key in ("NetworkMode", "IpcMode", "PidMode", "UTSMode"))


def _of_engine(engine: Engine, service: Service) -> Iterator[Finding]:
    if engine.api < NEWER_HEALTHCHECK and "start_interval" in mapping(service.form, "healthcheck"):
        why = "can't set healthcheck.start_interval as feature require Docker Engine v25 or later"
        yield _problem("healthcheck", service.at("healthcheck.start_interval"), why)


def _of_podman(engine: Engine, service: Service, image: Known) -> Iterator[Finding]:
    """An exec there gets a variable without a value as an empty one (measured with 4.3)."""
    if not engine.podman:
        return
    for field in ("links", "external_links"):
        for name, _, alias in (link.partition(":") for link in texts(service.form, field)):
            if alias not in ("", name):
                why = f'Podman knows no links, so that "{name}" is not found as "{alias}"'
                yield _problem("podman", service.at(field), why, f"give {name} that name: networks.NAME.aliases")
    had = {name for name, value in service.environment if value is not None}
    had |= {name for name, _ in image.image.config.environment}
    for hook in (*service.post_start, *service.pre_stop):
        if isinstance(hook.handler, Exec):
            for name, value in hook.handler.environment:
                if value is None and name in had:
                    why = f'Podman cannot take the variable "{name}" away from a process in a container'
                    yield _problem("podman", hook.source, why, "set it to an empty value")


def _problem(kind: str, source: Source, why: str, remedy: str | None = None) -> Finding:
    return Finding(id=f"compose.{kind}", severity=Severity.ERROR, source=source, message=why, remedy=remedy)
