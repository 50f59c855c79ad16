"""Hooks of a project are called by service or container, and shorter where that says it all."""

from __future__ import annotations

from pathlib import Path

import pytest

from boathook.compose.hook_names import find_hook, hooks_of, is_of
from boathook.compose.model import Project
from boathook.compose.parse import parse_project
from boathook.errors import NotFound, UsageError

FILE = """\
services:
  app:
    image: busybox
    post_start: [{command: one}]
    pre_stop: [{command: two}, {command: three}]
  db:
    image: busybox
    container_name: main-db
    post_start: [{command: four}]
  dotted.name:
    image: busybox
    pre_start: [{command: five}]
"""


def project() -> Project:
    parsed = parse_project(
        FILE, file="compose.yaml", directory=Path("/shop"), name="shop", variables={}, read=lambda path: None
    )
    return parsed.project


def test_all_hooks_have_names() -> None:
    assert [one.name for one in hooks_of(project())] == [
        "app.post_start[0]",
        "app.pre_stop[0]",
        "app.pre_stop[1]",
        "db.post_start[0]",
        "dotted.name.pre_start[0]",
    ]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("app.post_start[0]", "app.post_start[0]"),
        ("app.post_start", "app.post_start[0]"),
        ("app-2.pre_stop[1]", "app-2.pre_stop[1]"),
        ("app-run-0123456789ab.post_start", "app-run-0123456789ab.post_start[0]"),
        ("main-db.post_start", "main-db.post_start[0]"),
        ("pre_stop[1]", "app.pre_stop[1]"),
        ("pre_start", "dotted.name.pre_start[0]"),
        ("dotted.name.pre_start", "dotted.name.pre_start[0]"),
    ],
)
def test_a_hook_is_found_by_what_says_which_it_is(name: str, found: str) -> None:
    assert find_hook(project(), name).name == found


@pytest.mark.parametrize(
    "name", ["app.pre_start", "nope.post_start", "app-x.post_start", "db-1.post_start", "post_stop"]
)
def test_a_hook_that_there_is_not_is_told_with_those_that_there_are(name: str) -> None:
    with pytest.raises(NotFound, match=f'project "shop" has no hook "{name}"') as unknown:
        find_hook(project(), name)

    assert '"db.post_start[0]"' in str(unknown.value.hint)


@pytest.mark.parametrize("name", ["post_start", "app.pre_stop", "post_start[0]"])
def test_a_name_of_several_hooks_is_told_with_them(name: str) -> None:
    with pytest.raises(UsageError, match='project "shop" has 2 hooks') as ambiguous:
        find_hook(project(), name)

    assert str(ambiguous.value.hint).startswith('choose one of "app.')


def test_a_container_is_known_to_be_of_its_service_by_its_name() -> None:
    app, db, _ = project().services

    assert is_of(app, "app-12")
    assert not is_of(app, "app-server-1")
    assert is_of(db, "main-db")
    assert not is_of(db, "db-1")
