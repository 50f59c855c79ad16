from __future__ import annotations

import json

from boathook.cluster.base import ObjectKey
from boathook.helm.model import HookEvent
from boathook.helm.objects import hook_of, owned, ownership_problem, resource_policy
from boathook.helm.target import key_of_manifest
from boathook.model import HookPoint, Manifest
from tests.helm.build import config_map, rendered


def test_a_hook_keeps_the_namespace_that_it_names() -> None:
    hook = rendered(a_yaml=config_map("a", event="test").replace("name: a", "name: a\n  namespace: other")).hooks[0]

    prepared = hook_of(hook, HookEvent.TEST, "default")

    assert isinstance(prepared.handler, Manifest)
    assert (prepared.point, prepared.name) == (HookPoint.TEST, "test a")
    assert key_of_manifest(prepared.handler) == ObjectKey(kind="ConfigMap", namespace="other", name="a")
    assert json.loads(prepared.handler.text)["metadata"]["namespace"] == "other"


def test_an_object_of_the_cluster_has_no_namespace() -> None:
    hook = rendered(a_yaml=config_map("a", kind="ClusterRole", event="test")).hooks[0]

    prepared = hook_of(hook, HookEvent.TEST, "default")

    assert isinstance(prepared.handler, Manifest)
    assert key_of_manifest(prepared.handler) == ObjectKey(kind="ClusterRole", namespace="", name="a")


def test_marks_are_added_to_those_that_are_there() -> None:
    marked = owned({"metadata": {"name": "a", "labels": {"x": "y"}}}, "demo", "default")

    assert marked["metadata"] == {
        "name": "a",
        "labels": {"x": "y", "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "demo", "meta.helm.sh/release-namespace": "default"},
    }
    assert ownership_problem(marked, "demo", "default") is None


def test_every_missing_mark_is_named() -> None:
    assert ownership_problem({"metadata": {"annotations": {"meta.helm.sh/release-name": "x"}}}, "demo", "default") == (
        'label validation error: missing key "app.kubernetes.io/managed-by": must be set to "Helm"; '
        'annotation validation error: key "meta.helm.sh/release-name" must equal "demo": current value is "x"; '
        'annotation validation error: missing key "meta.helm.sh/release-namespace": must be set to "default"'
    )


def test_a_resource_policy_is_trimmed_and_lower_cased() -> None:
    assert resource_policy({"metadata": {"annotations": {"helm.sh/resource-policy": " Keep "}}}) == "keep"
