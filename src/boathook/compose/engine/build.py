"""Images that a service's ``build`` describes, made by the engine's own builder (``POST /build``)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import anyio.to_thread

from boathook.compose.engine.context import Context, archive_of, local_context
from boathook.compose.model import Project, Service
from boathook.compose.options import BuildWishes
from boathook.errors import NotFound, PlaceError, UnsupportedHere
from boathook.events import EventStream, ImageProgress
from boathook.images.credentials import all_credentials
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping, text
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.images import registry_configuration

_REMOTE = re.compile(r"(?:https?|git|ssh)://|git@|github\.com/")
_REFUSED = {
    "ssh": "SSH keys",
    "secrets": "secrets",
    "additional_contexts": "additional contexts",
    "privileged": "privileged mode",
    "entitlements": "entitlements",
}
"""What the engine's own builder cannot do, in the peer's words (pkg/compose/build_classic.go)."""


AS_WRITTEN = BuildWishes()


def refusal(service: Service) -> str | None:
    """Why the engine's own builder cannot make this image; None: it can try."""
    build = service.build or {}
    for key, what in _REFUSED.items():
        if build.get(key):
            return f"the classic builder doesn't support {what}"
    if len(_words(build, "platforms")) > 1:
        return "the classic builder doesn't support multi-arch build"
    return None


async def build_image(
    engine: Engine, project: Project, service: Service, events: EventStream, wishes: BuildWishes = AS_WRITTEN
) -> str:
    """Build it and give it its names; its id. What the builder says goes to ``events``.

    Raises ``UnsupportedHere`` for what the builder does not know, and ``PlaceError`` with what the engine says.
    """
    if (why := refusal(service)) is not None:
        raise UnsupportedHere(f'service "{service.name}" cannot be built: {why}')
    build = service.build or {}
    path, query = _request(service, wishes, podman=engine.podman)
    credentials = await anyio.to_thread.run_sync(all_credentials)
    headers = {"Content-Type": "application/x-tar", **registry_configuration(credentials)}
    built = _Built(events, service)
    try:
        where = text(build, "context")
        if _REMOTE.match(where):
            query |= {"remote": where, "dockerfile": text(build, "dockerfile") or "Dockerfile"}
            await built.hear(engine.told("POST", path, query=query, headers=headers))
        else:
            context = _local(project, build)
            query["dockerfile"] = context.dockerfile
            async with archive_of(context) as archive:
                await built.hear(engine.told("POST", path, query=query, headers=headers, body=archive))
    except NotFound as error:
        raise PlaceError(str(error)) from error
    return built.id or await _id_of(engine, service.image)


class _Built:
    """Hears what the builder says, and learns the image's id from it."""

    def __init__(self, events: EventStream, service: Service) -> None:
        self._events = events
        self._service = service
        self.id = ""

    async def hear(self, told: AsyncIterator[dict[str, Any]]) -> None:
        async for said in told:
            if isinstance(aux := said.get("aux"), dict) and "ID" in aux:
                self.id = str(aux["ID"])
            line = str(said.get("stream") or "") or _status(said)
            if line:
                self._tell(line)

    def _tell(self, line: str) -> None:
        service = self._service
        self._events.emit(ImageProgress(service=service.name, image=service.image, act="build", text=line))


def _status(said: Mapping[str, Any]) -> str:
    """Of a base image that is pulled: what is new about a layer, not how far it is."""
    if not said.get("status") or said.get("progressDetail"):
        return ""
    return f"{said['id']}: {said['status']}\n" if said.get("id") else f"{said['status']}\n"


def _local(project: Project, build: JsonObject) -> Context:
    directory = Path(project.directory, text(build, "context") or ".")
    inline = build.get("dockerfile_inline")
    dockerfile = text(build, "dockerfile") or "Dockerfile"
    return local_context(directory, dockerfile, inline if isinstance(inline, str) else None)


def _request(service: Service, wishes: BuildWishes, *, podman: bool) -> tuple[str, dict[str, Any]]:
    """Path with what is said several times, and what is said once."""
    build = service.build or {}
    query = _query(service, build, wishes)
    names = list(dict.fromkeys((service.image, *_words(build, "tags"))))
    # The long form of a host is "name=address".
    hosts = [one.replace("=", ":", 1) for one in _words(build, "extra_hosts")]
    if podman and hosts:
        query["extrahosts"] = hosts  # Podman reads one list in JSON, Docker one for each.
        hosts = []
    return f"build?{urlencode([*(('t', one) for one in names), *(('extrahosts', one) for one in hosts)])}", query


def _query(service: Service, build: JsonObject, wishes: BuildWishes) -> dict[str, Any]:
    platforms = _words(build, "platforms")
    query: dict[str, Any] = {
        "rm": True,
        "forcerm": True,
        "nocache": wishes.no_cache or build.get("no_cache") is True,
        "pull": wishes.pull or build.get("pull") is True,
        "buildargs": _arguments(build, wishes.arguments),
        "labels": {name: _word(value) for name, value in mapping(build, "labels").items()},
        "cachefrom": _words(build, "cache_from"),
        "networkmode": text(build, "network"),
        "target": text(build, "target"),
        "platform": service.platform or (platforms[0] if platforms else ""),
        "shmsize": text(build, "shm_size"),
        "memory": wishes.memory or "",
        "isolation": text(build, "isolation"),
        "ulimits": _ulimits(build),
    }
    return {name: value for name, value in query.items() if value or name == "buildargs"}


def _arguments(build: JsonObject, given: tuple[tuple[str, str | None], ...]) -> dict[str, str]:
    """One without a value takes it from the environment, and is left out where there is none."""
    written = {name: None if value is None else _word(value) for name, value in mapping(build, "args").items()}
    named = {name: os.environ.get(name) if value is None else value for name, value in (written | dict(given)).items()}
    return {name: value for name, value in named.items() if value is not None}


def _ulimits(build: JsonObject) -> list[dict[str, Any]]:
    found = []
    for name, value in mapping(build, "ulimits").items():
        soft, hard = (value.get("soft"), value.get("hard")) if isinstance(value, dict) else (value, value)
        found.append({"Name": name, "Soft": soft, "Hard": hard})
    return found


def _words(build: JsonObject, key: str) -> list[str]:
    value = build.get(key)
    return [_word(one) for one in value] if isinstance(value, list) else []


def _word(value: JsonValue) -> str:
    return json.dumps(value) if isinstance(value, bool) else str(value if value is not None else "")


async def _id_of(engine: Engine, image: str) -> str:
    """Builders that tell no id (Podman's tells it in its last line) have at least given the name."""
    found = await engine.call("GET", f"images/{image}/json")
    return str(found["Id"])
