"""In which order services have their turn."""

from __future__ import annotations

from boathook.compose.order import Turn, find_cycle, start_order, stop_order, with_dependencies
from tests.compose.build import a_project

PROJECT = a_project(
    "services: {web: {image: a, depends_on: [db, cache]}, db: {image: a}, cache: {image: a, depends_on: [db]},"
    " alone: {image: a}}"
)


def turns(order: tuple[Turn, ...]) -> list[str]:
    return [f"{turn.service} after {sorted(turn.after)}" for turn in order]


def test_dependencies_start_before_their_dependants() -> None:
    assert turns(start_order(PROJECT)) == [
        "db after []",
        "alone after []",
        "cache after ['db']",
        "web after ['cache', 'db']",
    ]


def test_dependants_stop_before_their_dependencies() -> None:
    assert turns(stop_order(PROJECT)) == [
        "alone after []",
        "web after []",
        "cache after ['web']",
        "db after ['cache', 'web']",
    ]


def test_a_service_that_takes_no_part_is_not_waited_for() -> None:
    assert turns(stop_order(PROJECT, only=frozenset({"db", "web"}))) == ["web after []", "db after ['web']"]


def test_named_services_bring_what_they_need() -> None:
    assert with_dependencies(PROJECT, ["cache"]) == {"cache", "db"}


def test_the_first_cycle_is_found_and_a_diamond_is_none() -> None:
    assert find_cycle({"a": ("b",), "b": ("c",), "c": ("b",)}) == ("b", "c", "b")
    assert find_cycle({"a": ("a",)}) == ("a", "a")
    assert find_cycle({"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": ()}) == ()
