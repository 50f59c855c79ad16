"""A value that no field expects is refused, or taken; it never breaks the reading."""

from __future__ import annotations

import contextlib
import json

import pytest

from boathook.codec import to_json
from boathook.compose.reading.project_shapes import TOP
from boathook.compose.reading.service_shapes import SERVICE
from boathook.errors import ManifestError, UsageError
from boathook.model import JsonObject, JsonValue
from tests.compose.build import parsed

ODD: list[JsonValue] = [
    None, "", 0, -1, 1.5, True, "x", "a:b:c:d", "5:", "-5s", "1e5", 10**30, "9" * 400, [], [None], [1], ["x"], [[]],
    [{}], [{"source": "x"}], [{"type": "bind"}], [{"target": 5}], {}, {"x": None}, {"x": 1}, {"x": {}}, {"x": []},
    [{"command": []}], [{"command": ["x"], "x-boathook": 5}], [{"command": ["x"], "x-boathook": {"timeout": None}}],
    {"restart_policy": 5}, {"resources": {"limits": 5}}, {"replicas": "3"}, {"test": []}, {"test": None, "disable": 1},
]  # fmt: skip


def read(document: JsonObject) -> None:
    with contextlib.suppress(ManifestError, UsageError):
        to_json(parsed(json.dumps(document)).project)


@pytest.mark.parametrize("field", SERVICE)
def test_any_field_of_a_service_may_hold_anything(field: str) -> None:
    for value in ODD:
        read(
            {
                "services": {"a": {"image": "a", field: value}, "b": {"image": "b", "scale": 2, field: value}},
                "networks": {"x": {}},
                "volumes": {"x": {}},
                "secrets": {"x": {"file": "a"}},
                "configs": {"x": {"content": "a"}},
            }
        )


@pytest.mark.parametrize("field", TOP)
def test_any_field_of_the_file_may_hold_anything(field: str) -> None:
    service: JsonObject = {"image": "a", "networks": ["x"], "secrets": ["x"], "volumes": ["x:/x"]}
    for value in ODD:
        read(
            {
                "services": {"a": service},
                "networks": {"x": {}},
                "volumes": {"x": {}},
                "secrets": {"x": {"file": "a"}},
                field: value,
            }
        )
