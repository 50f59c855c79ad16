"""The phase of a pod, by the states of its containers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from boathook.clock import VIRTUAL_EPOCH
from boathook.pods import Phase, RestartPolicy
from boathook.pods.phases import phase_of
from boathook.pods.status import CREATING, ContainerStatus, PodFacts, Running, State, Terminated, status_object
from boathook.runtimes.base import Exit

RUNNING = Running(started=VIRTUAL_EPOCH)


def ended(code: int) -> Terminated:
    return Terminated(
        exit=Exit(code=code, signal=None),
        reason="Error" if code else "Completed",
        message="",
        started=VIRTUAL_EPOCH,
        finished=VIRTUAL_EPOCH,
        container_id="1",
    )


def a_status(state: State, *, last: Terminated | None = None) -> ContainerStatus:
    return ContainerStatus(
        name="app",
        image="agnhost",
        image_origin="stand-in",
        state=state,
        last=last,
        restart_count=0,
        container_id="1",
        stop_signal="SIGTERM",
    )


@pytest.mark.parametrize(
    ("states", "policy", "expected"),
    [
        ((CREATING, RUNNING), RestartPolicy.ALWAYS, Phase.PENDING),
        ((RUNNING, ended(1)), RestartPolicy.NEVER, Phase.RUNNING),
        ((ended(0), ended(0)), RestartPolicy.NEVER, Phase.SUCCEEDED),
        ((ended(0), ended(1)), RestartPolicy.NEVER, Phase.FAILED),
        ((ended(0), ended(1)), RestartPolicy.ON_FAILURE, Phase.RUNNING),
        ((ended(0), ended(0)), RestartPolicy.ON_FAILURE, Phase.SUCCEEDED),
        ((ended(0),), RestartPolicy.ALWAYS, Phase.RUNNING),
    ],
)
def test_the_phase_follows_from_the_states_and_the_restart_policy(
    states: tuple[State, ...], policy: RestartPolicy, expected: Phase
) -> None:
    assert phase_of([a_status(state) for state in states], policy, ended_for_good=False) is expected


@pytest.mark.behaviour("pods:28")
@pytest.mark.parametrize(("code", "expected"), [(0, Phase.SUCCEEDED), (2, Phase.FAILED)])
def test_what_ended_for_good_succeeded_only_with_zero(code: int, expected: Phase) -> None:
    assert phase_of([a_status(ended(code))], RestartPolicy.ALWAYS, ended_for_good=True) is expected


def test_the_status_object_is_the_apis() -> None:
    running = replace(a_status(RUNNING, last=ended(137)), ready=True, started=True)

    status = status_object([running], PodFacts(phase=Phase.RUNNING, started=VIRTUAL_EPOCH))

    assert status["startTime"] == "2000-01-01T00:00:00Z"
    assert status["containerStatuses"] == [
        {
            "name": "app",
            "image": "agnhost",
            "imageID": "stand-in",
            "ready": True,
            "started": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": "2000-01-01T00:00:00Z"}},
            "lastState": {
                "terminated": {
                    "exitCode": 137,
                    "reason": "Error",
                    "startedAt": "2000-01-01T00:00:00Z",
                    "finishedAt": "2000-01-01T00:00:00Z",
                    "containerID": "boathook://1",
                }
            },
            "containerID": "boathook://1",
            "stopSignal": "SIGTERM",
        }
    ]
