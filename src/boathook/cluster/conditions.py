"""The conditions of a pod as the API has them: since when each holds, beside those that are not the kubelet's. Pure."""

from __future__ import annotations

from datetime import datetime

from boathook.model import JsonObject
from boathook.objects import mapping, mappings

KUBELET_TYPES = frozenset(
    {"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"},
)
"""What the kubelet says of a pod; it leaves every other condition as it is, and puts it first."""


def with_times(status: JsonObject, before: JsonObject, now: datetime) -> JsonObject:
    """``status`` as it is written to a pod that was ``before``.

    A condition's time changes with its status alone, not with its reason (``status_manager.go``).
    """
    generation = mapping(before, "metadata").get("generation")
    observed: JsonObject = {"observedGeneration": generation} if isinstance(generation, int) else {}
    earlier = {str(one.get("type")): one for one in mappings(mapping(before, "status").get("conditions"))}
    told = mappings(status.get("conditions"))
    kept = [one for kind, one in earlier.items() if kind not in KUBELET_TYPES]
    dated = [_dated(one, earlier.get(str(one.get("type"))), now) | observed for one in told]
    return observed | status | ({"conditions": [*kept, *dated]} if told else {})


def with_condition(pod: JsonObject, condition: JsonObject, now: datetime) -> JsonObject:
    """The pod with one more condition, which is not the kubelet's. One that it has already stays as it is."""
    status = mapping(pod, "status")
    there = mappings(status.get("conditions"))
    if any(one.get("type") == condition.get("type") for one in there):
        return pod
    return pod | {"status": status | {"conditions": [_dated(condition, None, now), *there]}}


EVICTED: JsonObject = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "EvictionByEvictionAPI",
    "message": "Eviction API: evicting",
}
"""What the eviction API says of a pod before it deletes it (kubernetes, ``registry/core/pod/storage/eviction.go``)."""


def _dated(condition: JsonObject, earlier: JsonObject | None, now: datetime) -> JsonObject:
    unchanged = earlier is not None and earlier.get("status") == condition.get("status")
    since = earlier.get("lastTransitionTime") if earlier is not None and unchanged else None
    return condition | {"lastTransitionTime": since or now.strftime("%Y-%m-%dT%H:%M:%SZ")}
