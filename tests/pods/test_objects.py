"""ConfigMaps and Secrets beside a pod: what of their data is refused, and what of it a pod sees."""

from __future__ import annotations

from typing import Any

import pytest

from boathook.errors import ManifestError
from boathook.model import JsonObject
from boathook.pods import parse_pods
from boathook.pods.object_rules import data_findings
from boathook.pods.resources import config_map_files, secret_files

KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def told_of(**fields: Any) -> list[str]:
    kind = "Secret" if "stringData" in fields or fields.pop("secret", False) else "ConfigMap"
    obj: JsonObject = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "settings"}, **fields}
    return [f"{one.source.path}: {one.message}" for one in data_findings(obj)]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"data": {"a/b": "x"}}, [f'data[a/b]: Invalid value: "a/b": {KEY_RULE}']),
        ({"data": {"..": "x"}}, ["data[..]: Invalid value: \"..\": must not be '..'"]),
        ({"data": {"..a": "x"}}, ["data[..a]: Invalid value: \"..a\": must not start with '..'"]),
        ({"stringData": {"a b": "x"}}, [f'data[a b]: Invalid value: "a b": {KEY_RULE}']),
        ({"data": {"port": 80}}, ["data[port]: expected text"]),
        ({"data": {"plain": "not base64"}, "secret": True}, ["data[plain]: illegal base64 data"]),
        ({"binaryData": {"cut": "YQ="}}, ["binaryData[cut]: illegal base64 data"]),
        (
            {"data": {"k": "x"}, "binaryData": {"k": "eA=="}},
            ['data[k]: Invalid value: "k": duplicate of key present in binaryData'],
        ),
        ({"data": {"k": "plain"}, "binaryData": {"b": "/w=="}}, []),
        ({"data": {"k": "eA==\n"}, "stringData": {"s": "x"}}, []),
    ],
)
def test_data_that_could_be_no_file_is_refused(fields: dict[str, Any], told: list[str]) -> None:
    assert told_of(**fields) == told


def test_it_is_told_with_its_position_in_the_file() -> None:
    text = """\
apiVersion: v1
kind: Secret
metadata: {name: keys}
data:
  fine: eA==
  plain: hunter2!
---
apiVersion: v1
kind: Pod
metadata: {name: demo}
spec:
  containers: [{name: app, image: agnhost}]
"""

    with pytest.raises(ManifestError) as refused:
        parse_pods(text, "pod.yaml")

    assert str(refused.value) == "pod.yaml:6:10: data[plain]: illegal base64 data"


def test_both_kinds_of_data_are_files() -> None:
    config_map: JsonObject = {"data": {"text": "ä"}, "binaryData": {"bytes": "/wA="}}
    secret: JsonObject = {"data": {"a": "eA==", "b": "eQ=="}, "stringData": {"b": "wins"}}

    assert config_map_files(config_map) == {"text": "ä".encode(), "bytes": b"\xff\x00"}
    assert secret_files(secret) == {"a": b"x", "b": b"wins"}
