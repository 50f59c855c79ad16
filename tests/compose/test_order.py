"""In which order services have their turn."""

from __future__ import annotations

from boathook.compose.order import (
    Turn,
    creation_order,
    find_cycle,
    restart_order,
    restarted_with,
    start_order,
    stop_order,
    with_dependencies,
)
from tests.compose.build import a_project

PROJECT = a_project(
    "services: {web: {image: a, depends_on: [db, cache]}, db: {image: a}, cache: {image: a, depends_on: [db]},"
    " alone: {image: a}}"
)


def turns(order: tuple[Turn, ...]) -> list[str]:
    return [f"{turn.service} after {sorted(turn.after)}" for turn in order]


def test_dependencies_start_before_their_dependants() -> None:
    assert turns(start_order(PROJECT)) == [
        "alone after []",
        "db after []",
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


SHARING = a_project(
    "services: {web: {image: a, depends_on: [db]}, side: {image: a, network_mode: 'service:web', depends_on: [db]},"
    " copy: {image: a, volumes_from: ['db:ro']}, watch: {image: a, pid: 'service:side'}, db: {image: a}}"
)


def test_only_what_is_made_with_anothers_container_waits_for_it_to_be_made() -> None:
    assert turns(creation_order(SHARING, only=SHARING.names)) == [
        "db after []",
        "web after []",
        "copy after ['db']",
        "side after ['web']",
        "watch after ['side']",
    ]
    assert turns(creation_order(SHARING, only=frozenset({"side", "db"}))) == ["db after []", "side after []"]


def test_what_shares_with_a_service_is_restarted_with_it_and_in_that_order() -> None:
    names = restarted_with(SHARING, {"web"}, only=SHARING.names)

    assert names == {"web", "side", "watch"}
    assert restarted_with(SHARING, {"web"}, only=SHARING.names, transitive=False) == {"web", "side"}
    assert turns(restart_order(SHARING, only=names)) == [
        "web after []",
        "side after ['web']",
        "watch after ['side']",
    ]
    assert restarted_with(SHARING, {"db"}, only=SHARING.names) == {"db"}, "volumes_from restarts nobody"
