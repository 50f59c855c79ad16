"""What is refused, beside what an API server of Kubernetes 1.36.2 said to the same pods (``--dry-run=server``).

``api_refusals.json`` holds those pods and its answers, an empty list for one that it accepted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from boathook.errors import ManifestError
from boathook.pods import pod_from_object

RECORDED: dict[str, Any] = json.loads(Path(__file__).with_name("api_refusals.json").read_text(encoding="utf-8"))

DIFFERENT = {
    "e-res-badq": "the API refuses the whole request; here it is a finding with its place",
    "v-empty-badq": "the API refuses the whole request; here it is a finding with its place",
    "e-filekey": "fileKeyRef is not there yet",
    "x-dev": "volumeDevices are not there yet",
    "v-host": "a relative hostPath would mean a directory of whoever runs it",
    "n-os-none": "stop signals are on, as if their gate were",
    "n-win": "stop signals are on, as if their gate were",
    "s-priv": "the value that the API shows is a dump of its own structure",
    "s-cap-admin": "the value that the API shows is a dump of its own structure",
    "q-names": "the API tells it of the request again that it has made of the limit",
    "x-hostpid": "neither is enforced, and both are said not to be",
    "x-ready": "readiness gates are not enforced, and said not to be",
    "x-dnsnone": "dnsPolicy is not enforced, and said not to be",
}
"""Where we say something else, and why."""


def told_of(pod: Any) -> list[str]:
    """``path: message`` of every problem, each once, as the API tells them."""
    try:
        pod_from_object(pod)
    except ManifestError as error:
        return sorted({f"{one.source.path}: {one.message}" for one in error.problems})
    return []


@pytest.mark.behaviour("pods:21", "pods:23", "pods:24", "pods:25")
@pytest.mark.parametrize("case", [name for name in RECORDED if name not in DIFFERENT])
def test_a_pod_is_refused_as_the_api_server_refuses_it(case: str) -> None:
    assert told_of(RECORDED[case]["pod"]) == sorted(RECORDED[case]["refused"])


@pytest.mark.parametrize("case", DIFFERENT)
def test_a_known_difference_is_still_one(case: str) -> None:
    assert told_of(RECORDED[case]["pod"]) != sorted(RECORDED[case]["refused"])
