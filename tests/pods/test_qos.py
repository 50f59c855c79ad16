"""The class of service that the API derives from requests and limits."""

from __future__ import annotations

import pytest

from boathook.pods.qos import qos_class
from tests.pods.build import a_staged_pod, one, sidecar


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({}, "BestEffort"),
        ({"limits.cpu": "1", "limits.memory": "1Gi"}, "Guaranteed"),
        ({"limits.cpu": "1", "limits.memory": "1Gi", "requests.cpu": "500m"}, "Burstable"),
        ({"requests.memory": "1Gi"}, "Burstable"),
        ({"limits.example.com/disk": "1"}, "BestEffort"),
    ],
)
def test_the_class_follows_from_requests_and_limits(resources: dict[str, str], expected: str) -> None:
    assert qos_class(a_staged_pod(one(resources=resources))) == expected


def test_every_container_counts_sidecars_too() -> None:
    full = {"limits.cpu": "1", "limits.memory": "1Gi"}

    assert qos_class(a_staged_pod(one(resources=full), init=(sidecar(),))) == "Burstable"
