"""What is taken into a backup, in which order and in which blocks."""

from __future__ import annotations

from typing import Any

import pytest

from boathook.backup.blocks import Block, blocks
from boathook.backup.model import EXCLUDE_LABEL
from boathook.backup.parse import list_problems
from boathook.backup.selection import holds, includes, work_order
from boathook.backup.selector import parse_selector
from boathook.model import JsonObject
from tests.backup.build import a_claim, a_pod, a_spec


def running(pod: JsonObject) -> JsonObject:
    return pod | {"status": {"phase": "Running"}}


def an_object(kind: str, name: str, **spec: Any) -> JsonObject:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def bound(name: str, volume: str) -> JsonObject:
    claim = a_claim(name)
    return claim | {"spec": {"volumeName": volume}}


def names(block: Block) -> list[str]:
    return [*(pod.name for pod in block.pods), *(str(one["metadata"]["name"]) for one in block.objects)]  # type: ignore[index,call-overload]


@pytest.mark.behaviour("backup:88", "backup:89", "backup:90", "backup:91", "backup:92")
@pytest.mark.parametrize(
    ("included", "excluded", "name", "taken"),
    [
        ((), (), "foo", True),
        (("*",), (), "foo", True),
        (("foo",), (), "foo", True),
        (("foo",), (), "bar", False),
        (("*",), ("foo",), "foo", False),
        (("*",), ("foo",), "bar", True),
        (("foo",), ("foo",), "foo", False),
        (("*.bar",), (), "foo.bar", True),
        (("*.bar",), (), "bar.foo", False),
    ],
)
def test_an_exclude_match_wins_and_an_empty_include_list_takes_all(
    included: tuple[str, ...], excluded: tuple[str, ...], name: str, taken: bool
) -> None:
    assert includes(included, excluded, name) is taken


@pytest.mark.behaviour("backup:93")
@pytest.mark.parametrize(
    ("included", "excluded"), [(("*", "a"), ()), (("a",), ("*",)), (("a",), ("a",))], ids=["star", "excludes", "both"]
)
def test_lists_that_contradict_themselves_are_one_problem_each(
    included: tuple[str, ...], excluded: tuple[str, ...]
) -> None:
    assert len(list_problems(included, excluded)) == 1


@pytest.mark.behaviour("backup:114")
@pytest.mark.parametrize(
    ("selector", "selected"),
    [
        ("app=db", True),
        ("app==db,tier!=web", True),
        ("app in (db,web)", True),
        ("app notin (db)", False),
        ("tier notin (web)", True),
        ("app", True),
        ("!app", False),
        ("!tier", True),
        ("tier", False),
    ],
)
def test_not_in_and_does_not_exist_hold_for_a_key_that_is_missing(selector: str, selected: bool) -> None:
    assert all(holds(one, {"app": "db"}) for one in parse_selector(selector)) is selected


def test_pods_come_first_then_claims_then_volumes() -> None:
    mixed = [an_object("ConfigMap", "c"), an_object("PersistentVolume", "v"), a_claim("claim"), a_pod("z"), a_pod("a")]

    assert [one["metadata"]["name"] for one in work_order(mixed)] == ["a", "z", "claim", "v", "c"]  # type: ignore[index,call-overload]


def test_pods_that_share_a_claim_are_one_block_with_the_claim_and_its_volume() -> None:
    a, b, c = (running(a_pod(name, claim=claim)) for name, claim in (("a", "one"), ("b", "one"), ("c", "two")))
    objects = [a, b, c, bound("one", "disk"), a_claim("two"), an_object("PersistentVolume", "disk")]

    made = blocks(objects, a_spec())

    assert [names(block) for block in made] == [["a", "b", "disk", "one"], ["c", "two"]]


def test_a_pod_that_shares_a_claim_comes_with_it_whatever_its_labels_but_not_when_it_is_excluded() -> None:
    selected = running(a_pod("a", claim="one", labels={"app": "db"}))
    unlabelled = running(a_pod("b", claim="one"))
    excluded = running(a_pod("c", claim="one", labels={EXCLUDE_LABEL: "true"}))
    ended = a_pod("d", claim="one") | {"status": {"phase": "Succeeded"}}

    made = blocks([selected, unlabelled, excluded, ended, a_claim("one")], a_spec(selector=parse_selector("app=db")))

    assert [names(block) for block in made] == [["a", "b", "one"]]


@pytest.mark.behaviour("backup:112")
def test_a_pod_that_is_being_deleted_is_not_taken() -> None:
    pod = running(a_pod("a"))
    pod["metadata"]["deletionTimestamp"] = "2026-05-01T00:00:00Z"  # type: ignore[index,call-overload]

    assert blocks([pod], a_spec()) == ()


def test_cluster_scoped_objects_are_taken_by_a_backup_of_everything_alone() -> None:
    objects = [an_object("PersistentVolume", "disk"), running(a_pod("a"))]

    everything = blocks(objects, a_spec())
    some = blocks(objects, a_spec(included_namespaces=("default",)))

    assert [names(block) for block in everything] == [["a"], ["disk"]]
    assert [names(block) for block in some] == [["a"]]
