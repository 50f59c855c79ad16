"""The containers of projects as an engine lists them: one question for who is there, one for each that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import anyio

from boathook.clock import SystemClock
from boathook.compose import model
from boathook.compose.engine.labels import filters, of_project
from boathook.compose.engine.seen import is_member, member
from boathook.compose.place import Member
from boathook.compose.turns import side_by_side
from boathook.errors import NotFound
from boathook.runtimes.base import ContainerId
from boathook.runtimes.docker.engine import Engine
from boathook.runtimes.docker.state import moment

_JUST_ENDED = "stopped"
"""Podman's word from a container's end until it is cleaned up, or started again by its policy (measured with 4.3)."""
_UNDECIDED = timedelta(seconds=10)
_POLL_SECONDS = 0.05


async def found_of(engine: Engine, project: str) -> tuple[dict[str, Any], ...]:
    """All containers of a project that carry a config hash, as the engine describes them; in no order."""
    return await _found(engine, of_project(project), model.HASH_LABEL)


async def members(engine: Engine, project: str) -> tuple[Member, ...]:
    """The same as members, oldest first."""
    return in_order(await found_of(engine, project))


def in_order(found: Iterable[Mapping[str, Any]]) -> tuple[Member, ...]:
    return tuple(sorted(map(member, found), key=lambda one: (one.created, one.number, one.id)))


def project_of(found: Mapping[str, Any]) -> str:
    return str((found["Config"].get("Labels") or {}).get(model.PROJECT_LABEL, ""))


async def projects(engine: Engine) -> dict[str, tuple[Member, ...]]:
    """By name; in order of name."""
    found: dict[str, list[Member]] = {}
    for one in in_order(await _found(engine, model.PROJECT_LABEL, model.HASH_LABEL)):
        found.setdefault(one.labels[model.PROJECT_LABEL], []).append(one)
    return {name: tuple(found[name]) for name in sorted(found)}


async def inspect(engine: Engine, container: ContainerId) -> Member:
    return member(await inspected(engine, container))


async def inspected(engine: Engine, container: str) -> dict[str, Any]:
    """As the engine describes it; of one that has just ended, once Podman knows whether its policy starts it again."""
    limit = anyio.current_time() + _UNDECIDED.total_seconds()
    while True:
        try:
            found: dict[str, Any] = await engine.call("GET", f"containers/{container}/json")
        except NotFound as error:
            raise NotFound(f"no container {container!r}") from error
        if not _is_undecided(found["State"]) or anyio.current_time() >= limit:
            return found
        await anyio.sleep(_POLL_SECONDS)


def _is_undecided(state: Mapping[str, Any]) -> bool:
    """Who cleans up after it, or starts it again, has not come yet; he may never come, if he was killed."""
    ended = moment(state.get("FinishedAt") or "")
    return state.get("Status") == _JUST_ENDED and ended is not None and SystemClock().now() - ended < _UNDECIDED


async def listed(engine: Engine, *labels: str) -> Sequence[Mapping[str, Any]]:
    """The engine's own short answer."""
    found: list[Mapping[str, Any]] = await engine.call(
        "GET", "containers/json", query={"all": True, **filters(*labels)}
    )
    return found


async def _found(engine: Engine, *labels: str) -> tuple[dict[str, Any], ...]:
    result: list[dict[str, Any]] = []

    async def look(container: str) -> None:
        with suppress(NotFound):  # Removed meanwhile.
            result.append(await inspected(engine, container))

    short = await listed(engine, *labels)
    await side_by_side(partial(look, one["Id"]) for one in short if is_member(one.get("Labels") or {}))
    return tuple(result)
