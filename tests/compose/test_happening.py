"""What must have happened between two looks at a project's containers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from boathook.compose.happening import changes
from boathook.compose.place import Health, Member, Status
from boathook.runtimes.base import Exit
from tests.compose.looking import NOW, a_member, an_ended_member

APP = a_member()
LATER = NOW - timedelta(seconds=5)


def told(before: Member | None, after: Member | None) -> list[str]:
    standing = [{} if one is None else {one.id: one} for one in (before, after)]
    return [event.action for event in changes(standing[0], standing[1], NOW)]


@pytest.mark.parametrize(
    ("before", "after", "actions"),
    [
        (APP, APP, []),
        (None, a_member(status=Status.CREATED, started=None), ["create"]),
        (None, APP, ["create", "start"]),
        (None, an_ended_member(), ["create", "start", "die"]),
        (a_member(status=Status.CREATED, started=None), APP, ["start"]),
        (APP, an_ended_member(), ["die"]),
        (an_ended_member(), an_ended_member(), []),
        (an_ended_member(), a_member(started=LATER), ["start"]),
        (APP, a_member(started=LATER), ["die", "start"]),
        (APP, an_ended_member(started=LATER), ["die", "start", "die"]),
        (an_ended_member(), None, ["destroy"]),
        (APP, None, ["die", "destroy"]),
        (APP, a_member(status=Status.PAUSED), ["pause"]),
        (a_member(status=Status.PAUSED), APP, ["unpause"]),
        (APP, a_member(owner_alive=False), ["die"]),
        (a_member(health=Health.STARTING), a_member(health=Health.HEALTHY), ["health_status: healthy"]),
        (a_member(health=Health.HEALTHY), a_member(health=Health.HEALTHY), []),
    ],
)
def test_two_looks_tell_what_happened(before: Member | None, after: Member | None, actions: list[str]) -> None:
    assert told(before, after) == actions


def test_an_event_says_of_what_and_how() -> None:
    (event,) = changes({APP.id: APP}, {APP.id: an_ended_member(code=3)}, NOW)

    assert (event.name, event.service, event.attributes["exitCode"]) == ("shop-app-1", "app", "3")
    assert event.at == NOW - timedelta(seconds=30)


def test_the_end_of_one_that_runs_again_already_is_told_with_its_exit_code() -> None:
    again = a_member(started=LATER, last_exit=Exit(code=3, signal=None))

    died, _ = changes({APP.id: APP}, {again.id: again}, NOW)

    assert (died.action, died.attributes["exitCode"]) == ("die", "3")


def test_another_name_is_told_with_the_old_one() -> None:
    (event,) = changes({APP.id: APP}, {APP.id: a_member("shop-app-1", name="shop-app-2")}, NOW)

    assert (event.action, event.name, event.attributes["oldName"]) == ("rename", "shop-app-2", "shop-app-1")
