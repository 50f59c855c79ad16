"""A Compose project's whole life in virtual time: the same code as a run, in no time, with exact times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from boathook.compose.plan import plan_project
from boathook.testing.files import ProjectSource
from boathook.testing.planned import Assume, assuming
from boathook.testing.project_record import ProjectRecord


class PlannedProject(ProjectRecord):
    """What would happen to a project. Its times are exact."""


class SimulateProject(Protocol):
    """The fixture ``simulate_project``."""

    def __call__(
        self,
        *files: str | Path,
        text: str | None = None,
        assume: Assume | None = None,
        stop_after: float | None = None,
        environment: Mapping[str, str] | None = None,
        profiles: Sequence[str] = (),
    ) -> PlannedProject: ...


def simulate_project(source: ProjectSource, *, assume: Assume | None, stop_after: float | None) -> PlannedProject:
    """Plan the project's ``up`` and ``down``. Raises ``UsageError`` for an assumption that nothing asked for."""
    project = source.load().project
    lasting = None if stop_after is None else timedelta(seconds=stop_after)
    stamped = assuming(
        assume,
        f'project "{project.name}"',
        lambda assumptions: plan_project(project, assumptions, lasting=lasting),
    )
    return PlannedProject(project, stamped)
