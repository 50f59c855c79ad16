"""The five documented examples: what ``plan`` foretells is what a run on the embedded runtime does, step by step."""

from __future__ import annotations

import os
from collections.abc import Iterator

import anyio
import pytest

from boathook.events import Stamped
from boathook.home import Home
from boathook.library import plan
from boathook.report.steps import steps_of
from tests.properties.examples import ALL, FSFREEZE, Example, run_example, tear_down, the_files
from tests.properties.left import cannot_freeze

pytestmark = pytest.mark.runtime


@pytest.fixture
def files(home: Home) -> Iterator[None]:
    yield
    tear_down(home)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("example", ALL, ids=lambda example: example.name)
def test_the_plan_of_an_example_has_the_same_steps_as_its_run(example: Example, home: Home) -> None:
    if example.needs_root and os.geteuid() != 0:
        pytest.skip("needs to be root")
    if example is FSFREEZE and (why := cannot_freeze()):
        pytest.skip(why)
    path = the_files(example, home)
    happened: list[Stamped] = []

    foretold = steps_of(plan(path, values=example.values))
    anyio.run(run_example, example, home, happened.append)

    assert steps_of(happened) == foretold
    assert any("hook" in step or ": " in step for steps in foretold.values() for step in steps)
