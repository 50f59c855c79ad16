"""What the volumes of a pod's file come to, and the mounts of its containers."""

from __future__ import annotations

from typing import Any

import pytest

from boathook.model import JsonObject
from boathook.pods.model import (
    Claim,
    DownwardFile,
    DownwardFiles,
    EmptyDir,
    FieldRef,
    HostPath,
    KeyToPath,
    ObjectFiles,
    Projected,
    ResourceRef,
    TokenFile,
)
from tests.pods.build import a_container, a_pod

NAME: JsonObject = {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}


def the_volume(**kind: Any) -> object:
    return a_pod(volumes=[{"name": "v", **kind}]).volume("v").volume


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ({}, EmptyDir()),
        ({"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}, EmptyDir(memory=True, size_bytes=1024 * 1024)),
        ({"hostPath": {"path": "/a", "type": "Directory"}}, HostPath(path="/a", type="Directory")),
        ({"persistentVolumeClaim": {"claimName": "c", "readOnly": True}}, Claim(name="c", read_only=True)),
        (
            {"configMap": {"name": "m", "items": []}},
            ObjectFiles(kind="ConfigMap", name="m", items=None, mode=0o644, optional=False),
        ),
        (
            {"secret": {"secretName": "s", "defaultMode": 256, "optional": True, "items": [{"key": "k", "path": "p"}]}},
            ObjectFiles(
                kind="Secret", name="s", items=(KeyToPath(key="k", path="p", mode=None),), mode=0o400, optional=True
            ),
        ),
        (
            {"downwardAPI": {"items": [{**NAME, "mode": 256}]}},
            DownwardFiles(
                files=(DownwardFile(path="name", value=FieldRef(path="metadata.name"), mode=0o400),), mode=0o644
            ),
        ),
    ],
)
def test_each_kind_of_volume_is_read_with_its_defaults(kind: dict[str, Any], expected: object) -> None:
    assert the_volume(**kind) == expected


def test_a_projection_joins_its_sources_under_one_mode() -> None:
    memory: JsonObject = {"containerName": "app", "resource": "limits.memory", "divisor": "1Mi"}
    sources: list[JsonObject] = [
        {"configMap": {"name": "m"}},
        {"secret": {"name": "s", "optional": True}},
        {"downwardAPI": {"items": [{"path": "memory", "resourceFieldRef": memory}]}},
        {"serviceAccountToken": {"path": "token", "audience": "me"}},
    ]

    volume = the_volume(projected={"defaultMode": 0o440, "sources": [*sources]})

    value = ResourceRef(container="app", resource="limits.memory", divisor="1Mi")
    assert volume == Projected(
        sources=(
            ObjectFiles(kind="ConfigMap", name="m", items=None, mode=0o440, optional=False),
            ObjectFiles(kind="Secret", name="s", items=None, mode=0o440, optional=True),
            DownwardFiles(files=(DownwardFile(path="memory", value=value, mode=None),), mode=0o440),
            TokenFile(path="token", audience="me"),
        ),
        mode=0o440,
    )


def test_a_mount_says_whether_its_path_inside_is_an_expression() -> None:
    mounts: list[JsonObject] = [
        {"name": "v", "mountPath": "/a", "subPath": "x"},
        {"name": "v", "mountPath": "/b", "subPathExpr": "$(POD)"},
    ]

    pod = a_pod(a_container(volumeMounts=[*mounts]), volumes=[{"name": "v"}])

    assert [(one.sub_path, one.sub_path_expr) for one in pod.containers[0].mounts] == [("x", False), ("$(POD)", True)]
