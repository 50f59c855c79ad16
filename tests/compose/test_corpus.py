"""Every sound project of the corpus that is compared with the peer can be run: it becomes a model."""

from __future__ import annotations

import os

import pytest

from boathook.cli.compose import compose
from boathook.cli.compose.selection import Selection
from boathook.codec import from_json, to_json
from boathook.compose.model import Project
from boathook.compose.parse import parse_loaded
from boathook.compose.reading.normal import normal_project
from tests.peers.test_compose_config import CASES, a_case

NEEDED = {"TWO": "of the environment"}
"""What a secret of two of them is taken from."""


@pytest.mark.parametrize("name", [name for name in CASES if not name.startswith("bad-")])
def test_a_sound_project_becomes_a_model_that_goes_through_json(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = a_case(name)
    monkeypatch.chdir(case.directory)
    for variable in os.environ.keys() - {"PATH"}:
        monkeypatch.delenv(variable)
    for variable, value in ({"HOME": "/nowhere"} | NEEDED | case.environment).items():
        monkeypatch.setenv(variable, value)
    selection = _selection(case.arguments)

    project = parse_loaded(selection.loaded()).project

    assert from_json(Project, to_json(project)) == project
    forms = normal_project(selection.loaded())["services"]
    assert isinstance(forms, dict)
    assert {one.name: one.form for one in project.services} == {
        key: one for key, one in forms.items() if isinstance(one, dict) and not one.get("provider")
    }


def _selection(arguments: tuple[str, ...]) -> Selection:
    """What stands before the command, as the command line reads it."""
    with compose.make_context("compose", [*arguments, "config"]) as context:
        context.invoke(compose.callback, **context.params)  # type: ignore[arg-type]
        assert isinstance(context.obj, Selection)
        return context.obj
