"""Refuses users of services and hooks that their images do not have, before anything is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from boathook.compose.engine.images import Known
from boathook.compose.model import Service
from boathook.compose.reading.problems import Problems
from boathook.errors import CouldNotStart
from boathook.model import Exec, RunContainer
from boathook.runtimes.docker.images import EngineImages

ROOT = "root"
"""Not looked for: it is in every image that has a file of users at all."""

REMEDY = "one that is made only when the container runs is named by its number: user: UID, or UID:GID"


async def refuse_users(images: EngineImages, services: Sequence[Service], known: Mapping[str, Known]) -> None:
    """Raises ``ManifestError`` with all of them.

    Numbers need no look, and a look takes a container that is made and not started: only names are looked for.
    """
    problems = Problems()
    for service in services:
        for field, reference, user in _users(service):
            if _is_name(user):
                try:
                    await images.user(known[reference].image, user)
                except CouldNotStart as error:
                    problems.error("unknown-user", service.at(field), str(error), remedy=error.hint or REMEDY)
    problems.raise_errors()


def _users(service: Service) -> Iterator[tuple[str, str, str]]:
    """The fields that name a user, each with the image whose user that is."""
    yield "user", service.image, service.user
    for hook in service.hooks:
        match hook.handler:
            case Exec(user=str(user)):
                yield f"{hook.name}.user", service.image, user
            case RunContainer(user=str(user), image=image) if user != service.user or image:
                yield f"{hook.name}.user", image or service.image, user
            case _:
                pass


def _is_name(user: str) -> bool:
    name, _, group = user.partition(":")
    return any(one and one != ROOT and not one.isdigit() for one in (name, group))
