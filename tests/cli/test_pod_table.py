"""Pods in kubectl's columns."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from boathook.cli.pod.table import age, pod_table, state_word
from boathook.model import JsonObject

NOW = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)


def a_pod(*, status: JsonObject, spec: JsonObject | None = None, metadata: JsonObject | None = None) -> JsonObject:
    named: JsonObject = {"name": "demo", "namespace": "team", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {
        "metadata": named | (metadata or {}),
        "spec": spec or {"containers": [{"name": "app"}]},
        "status": status,
    }


def test_a_waiting_reason_comes_before_the_phase_and_the_last_restart_is_told() -> None:
    pod = a_pod(
        status={
            "phase": "Running",
            "podIP": "127.0.0.1",
            "containerStatuses": [
                {
                    "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"finishedAt": "2026-01-01T00:04:40Z"}},
                }
            ],
        }
    )

    assert pod_table([pod], NOW, with_namespace=False, wide=["supervisor/7"]) == (
        "NAME   READY   STATUS             RESTARTS      AGE   IP          NODE     RUN BY\n"
        "demo   0/1     CrashLoopBackOff   3 (20s ago)   5m    127.0.0.1   <none>   supervisor/7\n"
    )


def test_a_sidecar_counts_among_the_containers() -> None:
    pod = a_pod(
        spec={
            "initContainers": [{"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}],
            "containers": [{"name": "app"}],
        },
        status={
            "phase": "Running",
            "initContainerStatuses": [
                {"name": "setup", "state": {"terminated": {"exitCode": 0}}},
                {"name": "proxy", "ready": True, "started": True, "restartCount": 1, "state": {"running": {}}},
            ],
            "containerStatuses": [{"name": "app", "ready": True, "restartCount": 0, "state": {"running": {}}}],
        },
    )

    assert pod_table([pod], NOW, with_namespace=False).splitlines()[1].split() == ["demo", "2/2", "Running", "1", "5m"]


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ({"state": {"running": {}}}, "Init:0/1"),
        ({"state": {"waiting": {"reason": "PodInitializing"}}}, "Init:0/1"),
        ({"state": {"waiting": {"reason": "CrashLoopBackOff"}}}, "Init:CrashLoopBackOff"),
        ({"state": {"terminated": {"exitCode": 3}}}, "Init:ExitCode:3"),
        ({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}, "Running"),
    ],
)
def test_the_state_of_init_containers_comes_first(init: JsonObject, expected: str) -> None:
    spec: JsonObject = {"initContainers": [{"name": "setup"}], "containers": [{"name": "app"}]}
    status: JsonObject = {"phase": "Running", "initContainerStatuses": [init | {"name": "setup"}]}

    assert state_word(a_pod(spec=spec, status=status)) == expected


def test_a_pod_that_is_being_deleted_is_terminating() -> None:
    pod = a_pod(status={"phase": "Running"}, metadata={"deletionTimestamp": "2026-01-01T00:04:00Z"})

    assert state_word(pod) == "Terminating"


def test_a_container_that_ended_without_a_reason_shows_its_code_or_signal() -> None:
    def ended(facts: JsonObject) -> str:
        return state_word(a_pod(status={"containerStatuses": [{"state": {"terminated": facts}}]}))

    assert ended({"exitCode": 3}) == "ExitCode:3"
    assert ended({"exitCode": 137, "signal": 9}) == "Signal:9"
    assert ended({"exitCode": 1, "reason": "Error"}) == "Error"


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("2026-01-01T00:04:30Z", "30s"),
        ("2026-01-01T00:00:00Z", "5m"),
        ("2025-12-31T20:05:00Z", "4h"),
        ("2025-12-20T00:05:00Z", "12d"),
        ("", "<unknown>"),
    ],
)
def test_ages_are_shortened(since: str, expected: str) -> None:
    assert age(since, NOW) == expected
