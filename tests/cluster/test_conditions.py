"""Since when a pod's conditions hold, and those that are not the kubelet's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from boathook.cluster.conditions import EVICTED, with_condition, with_times
from boathook.model import JsonObject
from boathook.objects import mapping, mappings

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = START + timedelta(seconds=5)


def ready(status: str, reason: str = "") -> JsonObject:
    return {"conditions": [{"type": "Ready", "status": status, "reason": reason}]}


def written(status: JsonObject, before: JsonObject, at: datetime) -> Any:
    return {"metadata": {"generation": 3}, "status": with_times(status, before, at)}


def test_the_time_of_a_condition_changes_with_its_status_alone() -> None:
    first = written(ready("False", "ContainersNotReady"), {"metadata": {"generation": 3}}, START)
    second = written(ready("False", "PodFailed"), first, LATER)
    third = written(ready("True"), second, LATER)

    times = [one["status"]["conditions"][0]["lastTransitionTime"] for one in (first, second, third)]
    assert times == ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z"]
    assert second["status"]["conditions"][0]["reason"] == "PodFailed"


def test_the_generation_that_was_looked_at_is_said() -> None:
    told = written(ready("True"), {"metadata": {"generation": 3}}, START)["status"]

    assert (told["observedGeneration"], told["conditions"][0]["observedGeneration"]) == (3, 3)


def test_a_condition_of_somebody_else_stays_first_and_as_it_is() -> None:
    evicted = with_condition(written(ready("True"), {}, START), EVICTED, START)

    told: Any = with_times(ready("False"), evicted, LATER)

    assert [one["type"] for one in told["conditions"]] == ["DisruptionTarget", "Ready"]
    assert told["conditions"][0] == EVICTED | {"lastTransitionTime": "2026-01-01T00:00:00Z"}


def test_a_second_eviction_changes_nothing() -> None:
    once = with_condition({"status": {}}, EVICTED, START)

    assert with_condition(once, EVICTED, LATER) == once
    assert len(mappings(mapping(once, "status").get("conditions"))) == 1
