"""Objects of a chart as they go to a cluster: made from their text, marked as the release's own, told from others."""

from __future__ import annotations

import json

from boathook.cluster.base import ObjectKey, key_of
from boathook.documents import load
from boathook.errors import ManifestError
from boathook.helm.model import (
    MANAGED_BY,
    RELEASE_NAME,
    RELEASE_NAMESPACE,
    RESOURCE_POLICY,
    HelmHook,
    HookEvent,
    Release,
    Resource,
)
from boathook.model import Hook, JsonObject, JsonValue, Manifest, OnFailure, Source
from boathook.objects import mapping

HELM = "Helm"


def object_of(text: str, path: str) -> JsonObject | None:
    """The object that a document's text describes; None for comments alone. Raises ``ManifestError``."""
    documents = load(text, path)
    value = documents[0].value if documents else None
    return value if isinstance(value, dict) else None


def hook_of(hook: HelmHook, event: HookEvent, namespace: str) -> Hook:
    """What the runner runs. The object carries no mark of the release: it is not managed with it (helm-hooks.md 1)."""
    obj = object_of(hook.manifest, hook.path)
    if obj is None:
        raise ManifestError(())
    key = key_of(obj, default_namespace=namespace)
    return Hook(
        point=event.point,
        name=f"{event.value} {hook.name}",
        handler=Manifest(
            api_version=str(obj.get("apiVersion", "")),
            kind=key.kind,
            namespace=key.namespace or namespace,
            name=key.name,
            text=json.dumps(obj),
        ),
        timeout=None,
        on_failure=OnFailure.STOP,
        source=Source(file=hook.path, line=None, column=None, path=""),
    )


def hook_key(hook: HelmHook, namespace: str) -> ObjectKey:
    """Which object a hook is."""
    return key_of(object_of(hook.manifest, hook.path) or {}, default_namespace=namespace)


def owned(obj: JsonObject, name: str, namespace: str) -> JsonObject:
    """The object with Helm's marks of ownership."""
    metadata = mapping(obj.get("metadata"))
    return obj | {
        "metadata": metadata
        | {
            "labels": mapping(metadata.get("labels")) | {MANAGED_BY: HELM},
            "annotations": mapping(metadata.get("annotations")) | {RELEASE_NAME: name, RELEASE_NAMESPACE: namespace},
        }
    }


def ownership_problem(existing: JsonObject, name: str, namespace: str) -> str | None:
    """Why an existing object is not this release's, in Helm's words; None when it is (pkg/action/validate.go)."""
    metadata = mapping(existing.get("metadata"))
    checks = (
        ("label", mapping(metadata.get("labels")), MANAGED_BY, HELM),
        ("annotation", mapping(metadata.get("annotations")), RELEASE_NAME, name),
        ("annotation", mapping(metadata.get("annotations")), RELEASE_NAMESPACE, namespace),
    )
    problems = [
        f"{what} validation error: {_difference(found, key, wanted)}"
        for what, found, key, wanted in checks
        if found.get(key) != wanted
    ]
    return "; ".join(problems) or None


def _difference(found: dict[str, JsonValue], key: str, wanted: str) -> str:
    if key in found:
        return f'key "{key}" must equal "{wanted}": current value is "{found[key]}"'
    return f'missing key "{key}": must be set to "{wanted}"'


def is_kept(obj: JsonObject) -> bool:
    """``helm.sh/resource-policy: keep``."""
    return resource_policy(obj) == "keep"


def resource_policy(obj: JsonObject) -> str | None:
    """As Helm reads it on uninstall: trimmed, lower case."""
    annotations = mapping(mapping(obj.get("metadata")).get("annotations"))
    policy = annotations.get(RESOURCE_POLICY)
    return policy.strip().lower() if isinstance(policy, str) else None


def manifest_of(resources: tuple[Resource, ...]) -> str:
    """The manifest of a release record: each document under the path of its template (pkg/action/action.go)."""
    return "".join(f"---\n# Source: {one.path}\n{one.text}\n" for one in resources)


def resources_of(release: Release) -> tuple[JsonObject, ...]:
    """The objects of a stored release, in the order in which they were created."""
    from boathook.helm.parse import split_documents

    objects = (object_of(text, f"release {release.name}") for text in split_documents(release.manifest))
    return tuple(obj for obj in objects if obj is not None)
