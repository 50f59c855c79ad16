"""How a case is written: its words and its pod or files above the coroutine that runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from textwrap import dedent
from typing import TYPE_CHECKING

from boathook.conformance.model import CaseFile, Need, PodCase, ProjectCase

if TYPE_CHECKING:
    from boathook.conformance.case_run import CaseRun
    from boathook.conformance.project_run import ProjectRun

COMPOSE = "compose"
"""The suite of all cases of projects, in whichever module they stand."""


def case(
    name: str,
    *,
    title: str,
    description: str,
    steps: Iterable[str],
    manifest: str,
    needs: Iterable[Need] = (),
    timing: bool = False,
) -> Callable[[Callable[[CaseRun], Awaitable[None]]], PodCase]:
    """Make the decorated coroutine a case; its suite is the module that it stands in."""

    def made(run: Callable[[CaseRun], Awaitable[None]]) -> PodCase:
        return PodCase(
            name=name,
            suite=run.__module__.rpartition(".")[2],
            title=title,
            description=description,
            steps=tuple(steps),
            manifest=manifest,
            needs=frozenset(needs),
            timing=timing,
            run=run,
        )

    return made


def project_case(
    name: str,
    *,
    title: str,
    description: str,
    steps: Iterable[str],
    file: str,
    beside: Iterable[tuple[str, str]] = (),
    needs: Iterable[Need] = (),
    timing: bool = False,
) -> Callable[[Callable[[ProjectRun], Awaitable[None]]], ProjectCase]:
    """Make the decorated coroutine a case of a Compose project.

    ``file`` is its ``compose.yaml``, ``beside`` names and texts of further files.
    """

    def made(run: Callable[[ProjectRun], Awaitable[None]]) -> ProjectCase:
        return ProjectCase(
            name=name,
            suite=COMPOSE,
            title=title,
            description=description,
            steps=tuple(steps),
            files=tuple(
                CaseFile(name=one, text=dedent(text).lstrip("\n")) for one, text in (("compose.yaml", file), *beside)
            ),
            needs=frozenset(needs),
            timing=timing,
            run=run,
        )

    return made
