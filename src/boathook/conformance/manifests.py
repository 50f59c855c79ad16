"""Pods of cases, as text: what they have in common is said once. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from boathook.conformance.documents.manifests import pod_lines
from boathook.conformance.scripts import SHARED
from boathook.model import JsonObject, JsonValue

BUSYBOX = "busybox:1.36"
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.53"

RESTRICTED: JsonObject = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsGroup": 1000,
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""No container of a case may do more than it must: the strictest of the Pod Security Standards lets it in."""

DATA: JsonObject = {"emptyDir": {}, "name": "shared-data"}
"""The volume of the reference page, which goes with its pod."""

NODE_DIRECTORY: JsonObject = {"hostPath": {"path": "$(SHARED)", "type": "Directory"}, "name": "shared"}
"""A directory of the node that stays when the pod has gone: what was written there is what is looked at."""


def container(
    name: str,
    command: JsonObject,
    *,
    post_start: JsonObject | None = None,
    pre_stop: JsonObject | None = None,
    image: str = BUSYBOX,
    **fields: JsonValue,
) -> JsonObject:
    """A container that sees the shared directory. ``command`` has ``command`` or ``args``, as they stand in a pod."""
    hooks: JsonObject = {"postStart": post_start} if post_start else {}
    hooks |= {"preStop": pre_stop} if pre_stop else {}
    return {
        "name": name,
        "image": image,
        **command,
        **({"lifecycle": hooks} if hooks else {}),
        "securityContext": RESTRICTED,
        "volumeMounts": [{"name": "shared", "mountPath": SHARED}],
        **fields,
    }


def sidecar(name: str, command: JsonObject, **fields: JsonValue) -> JsonObject:
    """A native sidecar: it stands among the init containers."""
    return container(name, command, restartPolicy="Always", **fields)  # type: ignore[arg-type]  # hooks are JSON, too


def pod(
    *containers: JsonObject,
    name: str = "hook-pod",
    init: Sequence[JsonObject] = (),
    grace: int = 30,
    restart: str = "Never",
    **spec: JsonValue,
) -> str:
    """A pod with the shared directory, as YAML."""
    whole: JsonObject = {
        "containers": [*containers],
        **({"initContainers": [*init]} if init else {}),
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": grace,
        "volumes": [NODE_DIRECTORY],
        **spec,
    }
    return manifest(name, whole)


def manifest(name: str, spec: JsonObject) -> str:
    """A whole pod as YAML, keys sorted."""
    return "\n".join(pod_lines({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec})) + "\n"
