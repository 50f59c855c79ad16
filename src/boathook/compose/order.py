"""In which order services are started and stopped. Pure: names in, turns out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boathook.compose.model import Project, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One service, and those that must have had their turn before."""

    service: str
    after: frozenset[str]


def start_order(project: Project, *, only: frozenset[str] | None = None) -> tuple[Turn, ...]:
    """Dependencies before their dependants; what depends on nothing of each other may go at the same time.

    ``only`` (None: all) names the services that take part; an edge to one that does not is no wait.
    """
    taking_part = [service for service in project.services if only is None or service.name in only]
    names = {service.name for service in taking_part}
    turns = [
        Turn(
            service=service.name,
            after=frozenset(one.service for one in service.depends_on if one.service in names),
        )
        for service in taking_part
    ]
    return _sorted(turns)


def stop_order(project: Project, *, only: frozenset[str] | None = None) -> tuple[Turn, ...]:
    """The opposite of :func:`start_order`: a dependant has stopped before what it depends on."""
    turns = start_order(project, only=only)
    return _sorted(
        [
            Turn(service=turn.service, after=frozenset(other.service for other in turns if turn.service in other.after))
            for turn in turns
        ]
    )


def creation_order(project: Project, *, only: frozenset[str]) -> tuple[Turn, ...]:
    """Only what is made with another's container in it has to wait for that: its namespaces, volumes or address."""
    turns = [
        Turn(service=service.name, after=shared_with(service) & only)
        for service in project.services
        if service.name in only
    ]
    return _sorted(turns)


def restart_order(project: Project, *, only: frozenset[str]) -> tuple[Turn, ...]:
    """As :func:`start_order`, with none but the dependencies that are ``restart: true``."""
    turns = [
        Turn(
            service=service.name,
            after=frozenset(one.service for one in service.depends_on if one.restart and one.service in only),
        )
        for service in project.services
        if service.name in only
    ]
    return _sorted(turns)


def restarted_with(
    project: Project, names: Iterable[str], *, only: frozenset[str], transitive: bool = True
) -> frozenset[str]:
    """These services and those of ``only`` that depend on them with ``restart: true``, however far away."""
    found = set(names)
    while True:
        more = {
            service.name
            for service in project.services
            if service.name in only - found and any(one.restart and one.service in found for one in service.depends_on)
        }
        found |= more
        if not more or not transitive:
            return frozenset(found)


def shared_with(service: Service) -> frozenset[str]:
    """The services whose containers are part of what this one's are made of."""
    form = service.form
    modes = [form.get(field) for field in ("network_mode", "ipc", "pid", "uts", "cgroup")]
    named = [one.removeprefix("service:") for one in modes if isinstance(one, str) and one.startswith("service:")]
    for field in ("volumes_from", "links"):
        listed = form.get(field)
        if isinstance(listed, list):
            named += [one.partition(":")[0] for one in listed if isinstance(one, str)]
    return frozenset(named)


def with_dependencies(project: Project, names: Iterable[str]) -> frozenset[str]:
    """The named services and everything that they need, however far away."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [one.service for one in project.service(name).depends_on]
    return frozenset(found)


def find_cycle(edges: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The first dependency cycle as names, its first one repeated at the end; empty: there is none."""
    finished: set[str] = set()
    for start in edges:
        if cycle := _walk(start, edges, [], finished):
            return cycle
    return ()


def _walk(name: str, edges: dict[str, tuple[str, ...]], path: list[str], finished: set[str]) -> tuple[str, ...]:
    if name in path:
        return (*path[path.index(name) :], name)
    if name in finished:
        return ()
    for needed in edges.get(name, ()):
        if cycle := _walk(needed, edges, [*path, name], finished):
            return cycle
    finished.add(name)
    return ()


def _sorted(turns: list[Turn]) -> tuple[Turn, ...]:
    """The same turns, each after those it waits for. There is no cycle: the parser refuses one."""
    result: list[Turn] = []
    done: set[str] = set()
    while len(result) < len(turns):
        ready = [turn for turn in turns if turn.service not in done and turn.after <= done]
        assert ready, "a dependency cycle has passed the parser"
        result += ready
        done |= {turn.service for turn in ready}
    return tuple(result)
