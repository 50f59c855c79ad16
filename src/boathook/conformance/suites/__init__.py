"""All cases, suite by suite. Each suite is a module that can be read from top to bottom."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from boathook.conformance.model import Case
from boathook.errors import UsageError

SUITES = (
    "prestop",
    "poststart",
    "handlers",
    "http",
    "termination",
    "probes",
    "sidecars",
    "validation",
)


def all_cases() -> tuple[Case, ...]:
    """In the order in which they are shown."""
    return tuple(case for suite in SUITES for case in _cases_of(suite))


def select(suites: Iterable[str] = (), names: Iterable[str] = ()) -> tuple[Case, ...]:
    """The cases of these suites, and those of these names; all of them where neither is given.

    Raises ``UsageError`` for a suite or a case that there is not.
    """
    suites, names, cases = tuple(suites), tuple(names), all_cases()
    known = {case.name for case in cases}
    for suite in suites:
        if suite not in SUITES:
            raise UsageError(f'there is no suite "{suite}"', hint=f"the suites are {', '.join(SUITES)}")
    for name in names:
        if name not in known:
            raise UsageError(f'there is no case "{name}"', hint="boathook verify --list shows all cases")
    if not suites and not names:
        return cases
    return tuple(case for case in cases if case.suite in suites or case.name in names)


def _cases_of(suite: str) -> tuple[Case, ...]:
    module = importlib.import_module(f"boathook.conformance.suites.{suite}")
    return tuple(value for value in vars(module).values() if isinstance(value, Case))
