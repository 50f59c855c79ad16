"""Names and labels of containers: the peer's own."""

from __future__ import annotations

import dataclasses

import pytest

from boathook.compose.labels import (
    container_labels,
    container_name,
    is_temporary,
    oneoff_labels,
    oneoff_name,
    replaced_name,
    temporary_name,
)
from tests.compose.build import a_project

PROJECT = a_project(
    """
services:
  app:
    image: a
    labels: {mine: "1", com.docker.compose.project: forged}
    depends_on: {db: {condition: service_healthy, restart: true}, own: {condition: service_started}}
  db: {image: a}
  own: {image: a, container_name: mine}
"""
)
APP, OWN = PROJECT.service("app"), PROJECT.service("own")
SLUG = "0123456789abcdef" * 4
PREFIX = "com.docker.compose."


@pytest.mark.behaviour("compose:52", "compose:54")
def test_a_container_has_the_files_labels_and_the_peers_over_them() -> None:
    labels = container_labels(PROJECT, APP, image_id="sha256:1", number=2)

    assert labels["mine"] == "1"
    assert {name.removeprefix(PREFIX): value for name, value in labels.items() if name.startswith(PREFIX)} == {
        "project": "demo",
        "service": "app",
        "container-number": "2",
        "oneoff": "False",
        "config-hash": APP.config_hash,
        "image": "sha256:1",
        "depends_on": "db:service_healthy:true,own:service_started:false",
        "version": "2.40.3",
        "project.working_dir": "/project",
        "project.config_files": "compose.yaml",
    }


def test_what_it_replaces_and_the_files_of_the_environment_are_said_where_there_are_any() -> None:
    project = dataclasses.replace(PROJECT, environment_files=("/a.env", "/b.env"))

    labels = container_labels(project, APP, image_id="", number=2, replaces=replaced_name(APP, 2))

    assert labels[PREFIX + "replace"] == "app-2"
    assert labels[PREFIX + "project.environment_file"] == "/a.env,/b.env"
    assert replaced_name(OWN, 1) == "mine"


@pytest.mark.behaviour("compose:54")
def test_a_one_off_has_a_slug_and_no_number() -> None:
    labels = oneoff_labels(PROJECT, APP, image_id="", slug=SLUG, given=[("mine", "2"), (PREFIX + "oneoff", "False")])

    assert (labels[PREFIX + "oneoff"], labels[PREFIX + "slug"], labels["mine"]) == ("True", SLUG, "2")
    assert PREFIX + "container-number" not in labels
    assert oneoff_name(PROJECT, APP, SLUG) == "demo-app-run-0123456789ab"


@pytest.mark.behaviour("compose:54")
def test_names_are_of_project_service_and_number_or_the_files_own() -> None:
    assert container_name(PROJECT, APP, 3) == "demo-app-3"
    assert container_name(PROJECT, OWN, 1) == "mine"
    assert temporary_name("0123456789abcdef", "mine") == "0123456789ab_mine"


def test_a_temporary_name_is_known_by_the_final_one() -> None:
    assert is_temporary("0123456789ab_demo-app-1", "demo-app-1")
    assert not is_temporary("demo-app-1", "demo-app-1")
    assert not is_temporary("my_demo-app-2", "demo-app-1")
    assert not is_temporary("0123456789abcd_demo-app-1", "demo-app-1")
