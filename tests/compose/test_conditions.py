"""When a service is as others want it to be, from its containers as they stand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from boathook.compose.conditions import RUNNING_OR_HEALTHY, Verdict, judge
from boathook.compose.model import Condition
from boathook.compose.place import Health, Status
from boathook.runtimes.base import Exit
from tests.compose.build import Lived, live, takes, up, up_with
from tests.compose.test_convergence import member

HEALTHY = Condition.HEALTHY
COMPLETED = Condition.COMPLETED


def ended(code: int) -> dict[str, Any]:
    return {"status": Status.EXITED, "exit": Exit(code=code, signal=None)}


@pytest.mark.behaviour("compose:56")
@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"health": Health.UNHEALTHY}, "container demo-app-1 is unhealthy"),
        (ended(7), "container demo-app-1 exited (7)"),
        ({}, "container demo-app-1 has no healthcheck configured"),
    ],
)
def test_what_will_never_be_healthy_says_why(changes: dict[str, Any], failure: str) -> None:
    assert judge(HEALTHY, "app", [member(1, **changes)]) == Verdict(failure=failure)


def test_all_of_a_service_must_be_healthy() -> None:
    healthy, starting = member(1, health=Health.HEALTHY), member(2, health=Health.STARTING)

    assert judge(HEALTHY, "app", [healthy]).reached
    assert judge(HEALTHY, "app", [healthy, starting]) == Verdict()


@pytest.mark.behaviour("compose:56")
def test_one_that_ended_well_is_enough_and_one_that_ended_badly_says_so() -> None:
    assert judge(COMPLETED, "app", [member(1)]) == Verdict()
    assert judge(COMPLETED, "app", [member(1, **ended(3)), member(2, **ended(0))]).reached
    assert judge(COMPLETED, "app", [member(1, **ended(3))]).failure == (
        'service "app" didn\'t complete successfully: exit 3'
    )


def test_waiting_for_everything_takes_running_for_healthy_where_nothing_checks() -> None:
    assert judge(RUNNING_OR_HEALTHY, "app", [member(1)]).reached
    assert not judge(RUNNING_OR_HEALTHY, "app", [member(1, health=Health.STARTING)]).reached
    assert judge(RUNNING_OR_HEALTHY, "app", [member(1, **ended(0))]).failure == "container demo-app-1 exited (0)"


CHECKED = """
services:
  db:
    image: db
    healthcheck: {test: [CMD, ok], interval: 1s, retries: 2}
    post_start: [{command: migrate}]
  web: {image: web, depends_on: {db: {condition: service_healthy}}}
"""


@pytest.mark.behaviour("compose:4")
def test_a_dependant_waits_for_the_hooks_of_what_is_healthy_already() -> None:
    lived = live(CHECKED, up, assume=(takes("post_start", "db", 5),))

    assert lived.at("db-1 Started") == 5
    assert lived.at("web-1 running") == 5
    assert lived.only("Waiting", "Healthy") == ["db-1 Waiting", "db-1 Healthy"]


@pytest.mark.behaviour("compose:56")
def test_an_unhealthy_dependency_fails_its_dependant() -> None:
    lived = live(CHECKED, up, assume=(takes("healthcheck", "db", 0, exit_code=1),))

    assert str(lived.error) == "dependency failed to start: container demo-db-1 is unhealthy"
    assert lived.left == {"db-1": Status.RUNNING, "web-1": Status.CREATED}


JOB = """
services:
  job: {image: job}
  web: {image: web, depends_on: {job: {condition: service_completed_successfully, required: %s}}}
"""


def after_job(required: str, code: int) -> Lived:
    return live(JOB % required, up, assume=(takes("run", "job", 3, exit_code=code),))


@pytest.mark.behaviour("compose:56")
def test_a_dependency_that_must_end_well_is_waited_for() -> None:
    assert 3 <= after_job("true", 0).at("web-1 running") < 4
    assert str(after_job("true", 3).error) == 'service "job" didn\'t complete successfully: exit 3'


def test_a_failed_dependency_that_is_not_required_is_said() -> None:
    lived = after_job("false", 3)

    assert lived.error is None
    assert lived.left["web-1"] is Status.RUNNING
    assert lived.notes == [
        'optional dependency "job" failed to start: service "job" didn\'t complete successfully: exit 3'
    ]


def test_waiting_for_everything_lets_what_is_awaited_to_end_have_ended() -> None:
    lived = live(JOB % "true", up_with(wait=True), assume=(takes("run", "job", 3),))

    assert lived.error is None


@pytest.mark.behaviour("compose:50")
def test_the_limit_of_waiting_does_not_bound_hooks() -> None:
    lived = live(
        CHECKED, up_with(wait=True, wait_timeout=timedelta(seconds=1)), assume=(takes("post_start", "db", 60),)
    )

    assert lived.error is None
    assert lived.at("web-1 running") == 60


def test_what_is_not_healthy_in_time_is_an_error() -> None:
    lived = live(
        CHECKED.replace("web: {image: web, depends_on: {db: {condition: service_healthy}}}", "web: {image: web}"),
        up_with(wait=True, wait_timeout=timedelta(seconds=5)),
        assume=(takes("healthcheck", "db", 20),),
    )

    assert str(lived.error) == "application not healthy after 5s"


def test_what_has_no_container_is_not_waited_for() -> None:
    lived = live(CHECKED, up_with(scale={"db": 0}))

    assert lived.error is None
    assert lived.left == {"web-1": Status.RUNNING}


def test_a_service_without_containers_waits_for_nothing() -> None:
    lived = live(CHECKED, up_with(scale={"web": 0}), assume=(takes("healthcheck", "db", 0, exit_code=1),))

    assert (lived.error, lived.left) == (None, {"db-1": Status.RUNNING})


def test_without_dependencies_nothing_is_waited_for() -> None:
    lived = live(CHECKED, up_with("web", deps=False))

    assert (lived.error, lived.left) == (None, {"web-1": Status.RUNNING})


LONG_JOB = """
services:
  job: {image: job}
  db: {image: db, healthcheck: {test: [CMD, ok], interval: 1s, retries: 1}}
  app: {image: app, post_start: [{command: register}]}
  web: {image: web, depends_on: {job: {condition: service_completed_successfully}, %s: {condition: %s}}}
"""


def test_a_failure_elsewhere_ends_waiting_and_what_waited_is_not_begun() -> None:
    lived = live(
        LONG_JOB % ("db", "service_started"),
        up,
        assume=(takes("run", "job", 3600), takes("post_start", "app", 2, exit_code=3)),
    )

    assert str(lived.error) == "app hook exited with status 3"
    assert lived.stamped[-1].at == 2
    assert lived.left["web-1"] is Status.CREATED


def test_one_condition_that_will_not_be_reached_ends_waiting_for_the_others() -> None:
    lived = live(
        LONG_JOB % ("db", "service_healthy"),
        up,
        assume=(takes("run", "job", 3600), takes("healthcheck", "db", 0, exit_code=1)),
    )

    assert str(lived.error) == "dependency failed to start: container demo-db-1 is unhealthy"
    assert lived.stamped[-1].at < 10


def test_waiting_for_everything_ends_with_the_first_that_will_not_be_well() -> None:
    lived = live(
        "services: {job: {image: job}, db: {image: db, healthcheck: {test: [CMD, ok], interval: 1s, retries: 1}},"
        " late: {image: late, scale: 0, depends_on: {job: {condition: service_completed_successfully}}}}",
        up_with(wait=True),
        assume=(takes("run", "job", 3600), takes("healthcheck", "db", 0, exit_code=1)),
    )

    assert str(lived.error) == "container demo-db-1 is unhealthy"
    assert lived.stamped[-1].at < 10
