"""What a container's body names of other containers: those of the services that it shares something with, its links."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from boathook.compose.engine.bodies import Around
from boathook.compose.engine.form import text, texts
from boathook.compose.engine.limits import seccomp_path
from boathook.compose.model import Project, Service
from boathook.compose.place import Making, Member
from boathook.compose.reading.normal import SHARED_NAMESPACES
from boathook.errors import NotFound, OperationFailed
from boathook.model import JsonObject

Found = Mapping[str, Any]
ListMembers = Callable[[], Awaitable[Sequence[Member]]]


async def around(
    api: tuple[int, int],
    project: Project,
    service: Service,
    making: Making,
    members: ListMembers,
    inherited: Sequence[JsonObject] = (),
) -> Around:
    """``members`` is asked only where a service names others. Raises ``NotFound`` for one that is missing."""
    names = shared_with(service)
    linked = texts(service.form, "links")
    standing = await members() if names or linked or (making.oneoff is not None and linked) else ()
    return Around(
        api=api,
        containers={name: _container_of(service.name, name, standing) for name in names},
        links=links(project, service, making, standing),
        inherited=tuple(inherited),
        seccomp=await anyio.to_thread.run_sync(profiles, project, service) if seccomp_files(service) else None,
    )


def shared_with(service: Service) -> tuple[str, ...]:
    """Services in whose namespaces it is, or whose volumes it has."""
    names = []
    for key in SHARED_NAMESPACES:
        kind, _, name = text(service.form, key).partition(":")
        if kind == "service":
            names.append(name)
    for written in texts(service.form, "volumes_from"):
        name = written.partition(":")[0]
        if name != "container":
            names.append(name)
    return tuple(dict.fromkeys(names))


def _container_of(service: str, name: str, standing: Sequence[Member]) -> str:
    found = sorted((one for one in standing if one.service == name and not one.oneoff), key=lambda one: one.number)
    if not found:
        raise NotFound(
            f'service "{service}" shares something with service "{name}", which has no container',
            hint=f"boathook compose up {name}",
        )
    return found[0].id


def links(project: Project, service: Service, making: Making, standing: Sequence[Member]) -> tuple[str, ...]:
    """Each container of a linked service by three names (pkg/compose/convergence.go: getLinks)."""
    result = []
    for written in texts(service.form, "links"):
        name, _, alias = written.partition(":")
        for one in standing:
            if one.service == name and not one.oneoff:
                numbered = f"{name}-{making.number or 1}"
                names = (alias or name, numbered, f"{project.name}-{numbered}")
                result += [f"{one.name}:{each}" for each in dict.fromkeys(names)]
    for written in texts(service.form, "external_links"):
        name, _, alias = written.partition(":")
        result.append(f"{name}:{alias or name}")
    return tuple(result)


def seccomp_files(service: Service) -> list[str]:
    return [path for one in texts(service.form, "security_opt") if (path := seccomp_path(one)) is not None]


def profiles(project: Project, service: Service) -> dict[str, str]:
    """The engine takes the text of a profile, not its path. Raises ``OperationFailed``."""
    import json

    result = {}
    for path in seccomp_files(service):
        try:
            content = (Path(project.directory) / path).read_text(encoding="utf-8")
            result[path] = json.dumps(json.loads(content), separators=(",", ":"))
        except (OSError, ValueError) as error:
            raise OperationFailed(f"opening seccomp profile ({path}) failed: {error}") from error
    return result
