"""The reference's table of fields says what the code does with each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from boathook.compose.embedded import refusals
from boathook.compose.reading import fields
from boathook.compose.reading.service_shapes import SERVICE

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "compose.md").read_text()
ROW = re.compile(r"^\| (`.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)


def said(name: str) -> tuple[str, str]:
    """What the table has for a field on an engine, and without one."""
    table = PAGE[PAGE.index("## Fields") : PAGE.index("## Hooks")]
    rows = [(docker, local) for names, docker, local in ROW.findall(table) if f"`{name}`" in names]
    assert len(rows) >= 1, f"no row of the table has `{name}`"
    return rows[0]


@pytest.mark.parametrize("name", SERVICE)
def test_every_field_of_a_service_is_in_the_table(name: str) -> None:
    assert all(said(name))


@pytest.mark.parametrize("name", fields.SERVICE)
def test_a_field_that_nothing_acts_upon_is_said_to_be_a_warning(name: str) -> None:
    assert said(name) == ("warning", "warning")


@pytest.mark.parametrize("name", refusals.REFUSED)
def test_a_field_that_is_refused_without_an_engine_is_said_to_be(name: str) -> None:
    assert said(name)[1] == "refused"


@pytest.mark.parametrize("name", refusals.WITHOUT_EFFECT)
def test_a_field_without_effect_without_an_engine_is_said_to_be(name: str) -> None:
    assert said(name)[1] == "warning"
