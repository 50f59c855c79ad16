"""All cases, suite by suite. Each suite is a module that can be read from top to bottom."""

from __future__ import annotations

import importlib
from collections.abc import Iterable

from boathook.conformance.model import Case, PodCase, ProjectCase
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
    "compose",
)


def all_cases() -> tuple[Case, ...]:
    """In the order in which they are shown."""
    return tuple(case for suite in SUITES for case in _cases_of(suite))


def pod_cases() -> tuple[PodCase, ...]:
    """Those of pods, in the same order."""
    return tuple(case for case in all_cases() if isinstance(case, PodCase))


def project_cases() -> tuple[ProjectCase, ...]:
    """Those of Compose projects, in the same order."""
    return tuple(case for case in all_cases() if isinstance(case, ProjectCase))


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
    """Those of a module, or of the modules of a package, as it lists them."""
    name = f"boathook.conformance.suites.{suite}"
    parts = getattr(importlib.import_module(name), "PARTS", ())
    modules = [importlib.import_module(f"{name}.{part}") for part in parts] or [importlib.import_module(name)]
    return tuple(value for module in modules for value in vars(module).values() if isinstance(value, Case))
