"""How people call the hooks of a project: ``app.pre_stop[0]``, or shorter where that says it all. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from boathook.compose.model import Project, Service
from boathook.errors import NotFound, UsageError
from boathook.model import Hook


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedHook:
    """A hook, and in which of its service's containers it is meant."""

    service: Service
    hook: Hook
    container: str = ""
    """By its short name, ``app-1``; empty: in whichever."""

    @property
    def name(self) -> str:
        """``app.pre_stop[0]``."""
        return f"{self.container or self.service.name}.{self.hook.name}"


def hooks_of(project: Project) -> tuple[NamedHook, ...]:
    """All hooks, service by service, in the order of their lists."""
    return tuple(NamedHook(service=service, hook=hook) for service in project.services for hook in service.hooks)


def find_hook(project: Project, name: str) -> NamedHook:
    """The one of that name: ``app-1.pre_stop[0]`` and ``app.pre_stop[0]`` by container or service, ``app.pre_stop``
    where the service has one hook of the kind, and ``pre_stop`` or ``pre_stop[0]`` where the project has.

    Raises ``NotFound`` and ``UsageError`` with the hooks that there are.
    """
    found = tuple(_named(project, name))
    if len(found) == 1:
        return found[0]
    known = ", ".join(f'"{one.name}"' for one in found or hooks_of(project)) or "no hooks"
    if found:
        raise UsageError(f'project "{project.name}" has {len(found)} hooks "{name}"', hint=f"choose one of {known}")
    raise NotFound(f'project "{project.name}" has no hook "{name}"', hint=f"it has {known}")


def is_of(service: Service, container: str) -> bool:
    """Whether a container, by its short name, is one of the service's."""
    if service.container_name:
        return container == service.container_name
    return re.fullmatch(rf"{re.escape(service.name)}-(\d+|run-[0-9a-f]+)", container) is not None


def _named(project: Project, name: str) -> Iterator[NamedHook]:
    subject, _, point = name.rpartition(".")
    for one in hooks_of(project):
        if point not in (one.hook.name, one.hook.name.partition("[")[0]):
            continue
        if subject in ("", one.service.name):
            yield one
        elif is_of(one.service, subject):
            yield NamedHook(service=one.service, hook=one.hook, container=subject)
