"""What a pod is told of itself."""

from __future__ import annotations

import os
from typing import Any

import pytest

from boathook.errors import CouldNotStart
from boathook.model import JsonObject
from boathook.pods import Pod, pod_from_object
from boathook.pods.downward import ENV_FIELDS, FILE_FIELDS, field_value, resource_value
from boathook.pods.model import ResourceRef
from tests.pods.build import a_container, a_pod, a_pod_object


def a_labelled_pod() -> Pod:
    obj = a_pod_object(serviceAccountName="robot")
    metadata: JsonObject = {
        "name": "pod",
        "namespace": "team",
        "labels": {"b": "2", "a": "1"},
        "annotations": {"note": 'say "hi"\nthere', "other": ""},
    }
    return pod_from_object({**obj, "metadata": metadata})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.name", "pod"),
        ("metadata.namespace", "team"),
        ("metadata.uid", "uid-2"),
        ("metadata.labels['a']", "1"),
        ("metadata.annotations['note']", 'say "hi"\nthere'),
        ("metadata.labels['none']", ""),
        ("metadata.labels", 'a="1"\nb="2"'),
        ("metadata.annotations", 'note="say \\"hi\\"\\nthere"\nother=""'),
        ("spec.nodeName", "localhost"),
        ("spec.host", "localhost"),
        ("spec.serviceAccountName", "robot"),
        ("status.hostIP", "127.0.0.1"),
        ("status.hostIPs", "127.0.0.1"),
        ("status.podIP", "127.0.0.1"),
        ("status.podIPs", "127.0.0.1"),
    ],
)
def test_every_field_has_its_value(path: str, expected: str) -> None:
    assert field_value(a_labelled_pod(), path, "uid-2") == expected


def test_no_known_field_is_empty() -> None:
    assert all(field_value(a_labelled_pod(), path, "uid-2") for path in {*ENV_FIELDS, *FILE_FIELDS})


def resource(name: str, divisor: str = "", *, of: str = "", **resources: Any) -> str:
    pod = a_pod(a_container(resources=resources), a_container("other", resources={"limits": {"cpu": "3"}}))
    return resource_value(pod, ResourceRef(container=of, resource=name, divisor=divisor), pod.containers[0])


@pytest.mark.parametrize(
    ("name", "divisor", "expected"),
    [
        ("limits.cpu", "", "2"),
        ("limits.cpu", "1m", "1500"),
        ("limits.cpu", "0", "2"),
        ("requests.cpu", "1m", "250"),
        ("limits.memory", "", "67633152"),
        ("limits.memory", "1Mi", "65"),
        ("limits.memory", "1M", "68"),
        ("requests.memory", "1Ki", "66048"),
        ("requests.ephemeral-storage", "1Gi", "0"),
    ],
)
def test_an_amount_is_rounded_up_to_its_divisor(name: str, divisor: str, expected: str) -> None:
    resources: dict[str, Any] = {"limits": {"cpu": "1.5", "memory": "64.5Mi"}, "requests": {"cpu": "250m"}}

    assert resource(name, divisor, **resources) == expected


def test_a_limit_that_is_not_set_is_what_the_machine_has() -> None:
    assert resource("limits.cpu") == str(os.cpu_count())
    assert int(resource("limits.memory", "1Mi")) > 0
    assert int(resource("limits.ephemeral-storage", "1Gi")) > 0
    assert resource("requests.cpu") == "0"


def test_the_amount_may_be_that_of_another_container() -> None:
    assert resource("limits.cpu", of="other") == "3"
    with pytest.raises(CouldNotStart, match="container none not found"):
        resource("limits.cpu", of="none")
