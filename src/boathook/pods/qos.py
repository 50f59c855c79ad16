"""A pod's class of service, as the API derives it from requests and limits. Pure."""

from __future__ import annotations

from boathook.pods.model import Pod

RESOURCES = ("cpu", "memory")


def qos_class(pod: Pod) -> str:
    """``Guaranteed`` where all limits are set and requests equal to them, ``BestEffort`` where nothing is set."""
    every = [container.resources for container in pod.all_containers]
    if not any(name.endswith(RESOURCES) for resources in every for name in resources):
        return "BestEffort"
    guaranteed = all(
        f"limits.{name}" in resources
        and resources.get(f"requests.{name}", resources[f"limits.{name}"]) == resources[f"limits.{name}"]
        for resources in every
        for name in RESOURCES
    )
    return "Guaranteed" if guaranteed else "Burstable"
