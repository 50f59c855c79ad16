"""What becomes of containers: kept, replaced, removed, made; decided from values alone."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from boathook.clock import VIRTUAL_EPOCH
from boathook.compose.convergence import Recreation, ServicePlan, orphans, plan_service, scale_of
from boathook.compose.place import Member, Status
from boathook.errors import UsageError
from boathook.runtimes.base import ContainerId
from tests.compose.build import a_project

PROJECT = a_project("services: {app: {image: a}, own: {image: a, container_name: mine}}")
APP = PROJECT.service("app")


def member(number: int, name: str = "", *, service: str = "app", oneoff: bool = False, **changes: object) -> Member:
    ident = f"{number:x}" * 64 if not name else f"{hash(name) % 16**12:012x}" * 5
    made = Member(
        id=ContainerId(ident),
        name=name or f"demo-{service}-{number}",
        service=service,
        number=number,
        oneoff=oneoff,
        labels={},
        status=Status.RUNNING,
        health=None,
        exit=None,
        image="a",
        image_id="a",
        command=(),
        stop_signal="SIGTERM",
        user="0:0",
        created=VIRTUAL_EPOCH + timedelta(seconds=number),
        started=None,
        finished=None,
        ports=(),
        networks=(),
        mounts=(),
        owner_alive=True,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def plan(
    *members: Member,
    scale: int = 1,
    obsolete: tuple[Member, ...] = (),
    recreation: Recreation = Recreation.DIVERGED,
) -> ServicePlan:
    differences = {one.id: "its configuration has changed" for one in obsolete}
    return plan_service(PROJECT, APP, scale, members, differences, recreation)


def names(members: tuple[Member, ...]) -> list[str]:
    return [one.name for one in members]


def test_what_is_missing_gets_the_numbers_after_the_highest() -> None:
    decided = plan(member(1), member(3), scale=4)

    assert [(one.number, one.name) for one in decided.add] == [(4, "demo-app-4"), (5, "demo-app-5")]
    assert names(decided.keep) == ["demo-app-1", "demo-app-3"]


@pytest.mark.behaviour("compose:40")
def test_the_highest_numbers_are_too_many_first() -> None:
    decided = plan(*(member(number) for number in (3, 1, 2, 4)), scale=2)

    assert names(decided.remove) == ["demo-app-4", "demo-app-3"]
    assert names(decided.keep) == ["demo-app-1", "demo-app-2"]


def test_what_is_obsolete_is_too_many_before_any_number() -> None:
    old = member(1)

    decided = plan(old, member(2), scale=1, obsolete=(old,))

    assert (names(decided.remove), names(decided.keep)) == (["demo-app-1"], ["demo-app-2"])
    assert decided.replace == ()


@pytest.mark.behaviour("compose:54")
def test_a_replacement_is_made_under_a_temporary_name_of_the_old_ones_id() -> None:
    old = member(1)

    (one,) = plan(old, obsolete=(old,)).replace

    assert (one.name, one.temporary, one.number) == ("demo-app-1", "111111111111_demo-app-1", 1)
    assert one.reason == "its configuration has changed"


def test_without_recreation_what_differs_is_kept_and_with_force_what_does_not_is_replaced() -> None:
    old = member(1)

    assert names(plan(old, obsolete=(old,), recreation=Recreation.NEVER).keep) == ["demo-app-1"]
    assert [one.member for one in plan(old, recreation=Recreation.FORCE).replace] == [old]


def test_a_container_whose_owner_is_gone_is_replaced_whatever_is_wished() -> None:
    gone = member(1, owner_alive=False)

    assert [one.reason for one in plan(gone, recreation=Recreation.NEVER).replace] == [
        "the process that ran it is gone"
    ]


def test_an_exited_container_that_is_as_wanted_is_kept() -> None:
    assert names(plan(member(1, status=Status.EXITED)).keep) == ["demo-app-1"]


def test_a_half_made_replacement_is_discarded_while_the_old_one_stands() -> None:
    half = member(1, "aaaaaaaaaaaa_demo-app-1", status=Status.CREATED)

    decided = plan(member(1), half)

    assert names(decided.discard) == ["aaaaaaaaaaaa_demo-app-1"]
    assert names(decided.keep) == ["demo-app-1"]
    assert (decided.remove, decided.add) == ((), ())


def test_a_half_made_replacement_gets_the_name_when_the_old_one_is_gone() -> None:
    half = member(1, "aaaaaaaaaaaa_demo-app-1", status=Status.CREATED)

    decided = plan(half)

    assert [(one.member.id, one.name) for one in decided.rename] == [(half.id, "demo-app-1")]
    assert names(decided.keep) == ["demo-app-1"]
    assert (decided.discard, decided.add) == ((), ())


def test_of_two_half_made_replacements_the_newer_one_is_taken() -> None:
    older = member(1, "aaaaaaaaaaaa_demo-app-1", status=Status.CREATED)
    newer = member(1, "bbbbbbbbbbbb_demo-app-1", status=Status.CREATED, created=VIRTUAL_EPOCH + timedelta(minutes=1))

    decided = plan(older, newer)

    assert [one.member for one in decided.rename] == [newer]
    assert decided.discard == (older,)


def test_a_name_of_its_own_allows_only_one() -> None:
    with pytest.raises(UsageError, match='The "own" service is using the custom container name "mine"'):
        scale_of(PROJECT.service("own"), {"own": 2})


def test_orphans_are_of_unknown_services_or_one_offs_that_have_ended() -> None:
    project = dataclasses.replace(PROJECT, disabled=("off",))
    stranger = member(1, service="gone")
    done = member(0, "demo-app-run-1", oneoff=True, status=Status.EXITED)
    found = (
        member(1),
        stranger,
        done,
        member(1, service="off"),
        member(0, "demo-app-run-2", oneoff=True),
        member(0, "demo-app-run-3", oneoff=True, status=Status.CREATED),
    )

    assert orphans(project, found) == (stranger, done)
