"""What a JSON merge patch makes of an object, and what of it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from boathook.cluster.patching import merge_patch, patched
from boathook.errors import Conflict, ManifestError
from tests.cluster.build import a_config_map, a_pod, at

# The examples of RFC 7386, appendix A.
EXAMPLES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), EXAMPLES)
def test_a_patch_is_merged_as_rfc_7386_has_it(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def stored(obj: Any, **metadata: Any) -> Any:
    return obj | {"metadata": {"namespace": "default", "uid": "u", "generation": 1, **obj["metadata"], **metadata}}


def test_what_the_server_writes_is_not_for_a_patch_to_say() -> None:
    pod = stored(a_pod(), resourceVersion="7") | {"status": {"phase": "Running"}}

    change: Any = {"metadata": {"uid": "x", "generation": 9, "labels": {"a": "b"}}, "status": {"phase": "Failed"}}
    result = patched(pod, change, inert=False)

    assert at(result, "metadata", "labels") == {"a": "b"}
    assert [at(result, "metadata", field) for field in ("uid", "resourceVersion", "generation")] == ["u", "7", 1]
    assert result["status"] == {"phase": "Running"}


def test_a_kind_that_nothing_acts_on_has_the_status_that_it_is_given() -> None:
    custom = stored({"apiVersion": "x/v1", "kind": "Thing", "metadata": {"name": "one"}})

    assert patched(custom, {"status": {"ready": True}}, inert=True)["status"] == {"ready": True}


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"name": "app", "image": "busybox:1.37", "command": ["sh"]}]},
        {"activeDeadlineSeconds": 20},
        {"tolerations": [{"key": "a", "operator": "Exists"}, {"key": "b", "operator": "Exists"}]},
        {"terminationGracePeriodSeconds": 1},
    ],
)
def test_a_pod_may_change_in_what_the_api_allows(spec: Any) -> None:
    pod = stored(a_pod(terminationGracePeriodSeconds=-5, tolerations=[{"key": "a", "operator": "Exists"}]))
    pod["spec"]["containers"] = [{"name": "app", "image": "busybox:1.36", "command": ["sh"]}]

    result = patched(pod, {"spec": spec}, inert=False)

    assert at(result, "metadata", "generation") == 2
    assert {field: at(result, "spec", field) for field in spec} == spec


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"restartPolicy": "Never"}, r"spec: Forbidden: pod updates may not change fields other than `spec.containers"),
        ({"terminationGracePeriodSeconds": 9}, "spec: Forbidden: pod updates may not change fields"),
        ({"tolerations": []}, "spec: Forbidden: pod updates may not change fields"),
        ({"containers": [{"name": "app", "image": "x", "command": ["b"]}]}, "spec: Forbidden: pod updates"),
        ({"activeDeadlineSeconds": 31}, "activeDeadlineSeconds: Invalid value: 31: must be less than or equal to prev"),
        ({"activeDeadlineSeconds": None}, "activeDeadlineSeconds: .*must not update from a positive integer to nil"),
    ],
)
def test_all_else_of_a_pod_is_refused_in_the_api_servers_words(spec: Any, message: str) -> None:
    pod = stored(a_pod(activeDeadlineSeconds=30, tolerations=[{"key": "a"}]))

    with pytest.raises(ManifestError, match=message):
        patched(pod, {"spec": spec}, inert=False)


def test_a_patch_makes_no_other_object_and_knows_its_version() -> None:
    settings = stored(a_config_map(a="1"), resourceVersion="7")

    with pytest.raises(ManifestError, match=r"metadata\.name: Invalid value: .other.: field is immutable"):
        patched(settings, {"metadata": {"name": "other"}}, inert=False)
    with pytest.raises(Conflict, match="the object has been modified"):
        patched(settings, {"metadata": {"resourceVersion": "6"}, "data": {"a": "2"}}, inert=False)
    assert patched(settings, {"metadata": {"resourceVersion": "7"}, "data": {"a": "2"}}, inert=False)["data"] == {
        "a": "2"
    }


def test_what_is_being_deleted_gets_no_new_finalizers() -> None:
    settings = stored(a_config_map(), deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["a/b", "c/d"])

    with pytest.raises(ManifestError, match=r'found new finalizers \[\]string\{"e/f"\}'):
        patched(settings, {"metadata": {"finalizers": ["a/b", "e/f"]}}, inert=False)
    assert at(patched(settings, {"metadata": {"finalizers": ["a/b"]}}, inert=False), "metadata", "finalizers") == [
        "a/b"
    ]
