"""How a case is written: its words and its pod above the coroutine that runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from boathook.conformance.model import Case, Need

if TYPE_CHECKING:
    from boathook.conformance.case_run import CaseRun


def case(
    name: str,
    *,
    title: str,
    description: str,
    steps: Iterable[str],
    manifest: str,
    needs: Iterable[Need] = (),
    timing: bool = False,
) -> Callable[[Callable[[CaseRun], Awaitable[None]]], Case]:
    """Make the decorated coroutine a case; its suite is the module that it stands in."""

    def made(run: Callable[[CaseRun], Awaitable[None]]) -> Case:
        return Case(
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
