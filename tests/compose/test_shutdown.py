"""The systemd unit that stops a project before its engine: what stands in it, and how long it is given."""

from __future__ import annotations

import shlex
from datetime import timedelta

import pytest

from boathook.compose.shutdown import BEYOND, ShutdownUnit, command_line, longest_stop, quoted_value, unit_text
from boathook.errors import UsageError
from tests.compose.build import a_project

HOOK = timedelta(seconds=20)


def a_unit(*, engine: str = "docker.service", start: tuple[str, ...] = (), user: str = "") -> ShutdownUnit:
    return ShutdownUnit(
        project="shop",
        file="boathook-shop.service",
        engine=engine,
        user=user,
        environment=(("BOATHOOK_HOME", "/var/lib/boathook"), ("DOCKER_HOST", "unix:///run/100% mine.sock")),
        environment_file="/srv/shop/variables",
        start=start,
        stop=("/usr/bin/boathook", "compose", "stop"),
        timeout=timedelta(seconds=41.5),
        target="multi-user.target",
    )


def settings(text: str) -> dict[str, list[str]]:
    """The unit's settings, which a line each has."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith(("#", "[")):
            name, separator, value = line.partition("=")
            assert separator, line
            found.setdefault(name, []).append(value)
    return found


def test_it_is_stopped_before_the_engine() -> None:
    found = settings(unit_text(a_unit()))

    assert (found["Requires"], found["After"]) == (["docker.service"], ["docker.service"])
    assert (found["Type"], found["RemainAfterExit"]) == (["oneshot"], ["yes"])
    assert found["ExecStop"] == ["/usr/bin/boathook compose stop"]
    assert found["EnvironmentFile"] == ["/srv/shop/variables"]
    assert found["TimeoutStopSec"] == ["42"]
    assert found.keys() & {"ExecStart", "User"} == set()


def test_an_engine_elsewhere_needs_the_network_only() -> None:
    found = settings(unit_text(a_unit(engine="")))

    assert found["After"] == ["network-online.target"]
    assert "Requires" not in found


def test_what_starts_it_and_whose_it_is_are_said_where_they_are_given() -> None:
    found = settings(unit_text(a_unit(start=("/usr/bin/boathook", "compose", "up"), user="shop")))

    assert found["ExecStart"] == ["/usr/bin/boathook compose up"]
    assert found["User"] == ["shop"]


def test_what_systemd_would_read_as_something_else_is_escaped() -> None:
    found = settings(unit_text(a_unit()))

    assert found["Environment"] == ["BOATHOOK_HOME=/var/lib/boathook", '"DOCKER_HOST=unix:///run/100%% mine.sock"']


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("/srv/shop/compose.yaml", "/srv/shop/compose.yaml"),
        ("*", '"*"'),
        ("", '""'),
        ("two words", '"two words"'),
        ('say "so"', '"say \\"so\\""'),
        ("back\\slash", '"back\\\\slash"'),
        ("100%", '"100%%"'),
        ("a\nb", '"a\\nb"'),
        (";", '";"'),
    ],
)
def test_words_are_quoted_as_systemd_reads_them(word: str, written: str) -> None:
    assert quoted_value(word) == written


def test_a_dollar_is_no_variable_in_a_command() -> None:
    assert command_line(("/bin/a", "$HOME", "it's")) == '/bin/a "$$HOME" "it\'s"'
    assert shlex.split(command_line(("/bin/a", "b c"))) == ["/bin/a", "b c"]


def test_what_a_unit_cannot_say_is_refused() -> None:
    with pytest.raises(UsageError, match="character of code 7"):
        quoted_value("bell\a")
    with pytest.raises(UsageError, match="has a"):
        command_line(("/opt/$x/boathook",))


def test_its_time_is_that_of_the_longest_way_through_the_dependants() -> None:
    project = a_project("""
services:
  db:
    image: a
    stop_grace_period: 30s
    pre_stop: [{command: [a], x-boathook: {timeout: 5s}}, {command: [b]}]
  web: {image: a, stop_grace_period: 2s, depends_on: [db]}
  aside: {image: a, stop_grace_period: 40s}
""")

    assert longest_stop(project, HOOK) == timedelta(seconds=2 + 5 + 20 + 30) + BEYOND
