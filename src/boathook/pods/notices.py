"""What of a valid manifest is refused because it is not there yet, and what is known and has no effect here. Pure."""

from __future__ import annotations

from boathook.model import JsonObject, JsonValue, Severity
from boathook.objects import mapping
from boathook.pods.problems import FieldPath, Problems, items
from boathook.pods.volume_rules import VOLUME_KINDS

# What Kubernetes would do with it matters to nobody on one machine without a scheduler, or cannot be had here.
NOT_ENFORCED_POD = (
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostIPC",
    "hostPID",
    "hostUsers",
    "hostnameOverride",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "resourceClaims",
    "resources",
    "runtimeClassName",
    "schedulerName",
    "schedulingGates",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "subdomain",
    "tolerations",
    "topologySpreadConstraints",
    "workloadRef",
)
NOT_ENFORCED_CONTAINER = ("resizePolicy", "resources", "stdin", "stdinOnce", "tty")
NOT_ENFORCED_SECURITY = (
    "appArmorProfile",
    "fsGroupChangePolicy",
    "procMount",
    "seLinuxChangePolicy",
    "seLinuxOptions",
    "seccompProfile",
    "supplementalGroupsPolicy",
    "sysctls",
    "windowsOptions",
)
NOT_ENFORCED_MOUNT = ("mountPropagation", "recursiveReadOnly")

DEFAULTS = {
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "preemptionPolicy": "PreemptLowerPriority",
}
"""Values that are the same as leaving the field out."""

# What would change the life of the pod: leaving it out silently would be wrong.
NOT_YET_CONTAINER = {
    "volumeDevices": "volumeDevices are",
}


def check_notices(pod: JsonObject, problems: Problems) -> None:
    """Refusals as errors, and what has no effect as warnings."""
    spec = mapping(pod.get("spec"))
    for index, volume in items(spec.get("volumes")):
        for kind, value in volume.items():
            if kind not in ("name", *VOLUME_KINDS) and value is not None:
                problems.not_yet(("spec", "volumes", index, kind), f"{kind} volumes are")
    for part in ("initContainers", "containers"):
        for index, container in items(spec.get(part)):
            _container(container, ("spec", part, index), problems)
    _warn(spec, NOT_ENFORCED_POD, ("spec",), problems)
    _warn(mapping(spec.get("securityContext")), NOT_ENFORCED_SECURITY, ("spec", "securityContext"), problems)
    for index, volume in items(spec.get("volumes")):
        at: FieldPath = ("spec", "volumes", index, "emptyDir")
        directory = mapping(volume.get("emptyDir"))
        _warn(directory, ("sizeLimit",), at, problems)
        if directory.get("medium"):
            text = "known, and not enforced here: it is a plain directory"
            problems.add((*at, "medium"), "not-enforced", text, severity=Severity.WARNING)


def _container(container: JsonObject, at: FieldPath, problems: Problems) -> None:
    for key, what in NOT_YET_CONTAINER.items():
        if container.get(key):
            problems.not_yet((*at, key), what)
    for index, mount in items(container.get("volumeMounts")):
        _warn(mount, NOT_ENFORCED_MOUNT, (*at, "volumeMounts", index), problems)
    _warn(container, NOT_ENFORCED_CONTAINER, at, problems)
    _warn(mapping(container.get("securityContext")), NOT_ENFORCED_SECURITY, (*at, "securityContext"), problems)
    for index, port in items(container.get("ports")):
        _warn(port, ("hostPort",), (*at, "ports", index), problems)


def _warn(where: JsonObject, keys: tuple[str, ...], at: FieldPath, problems: Problems) -> None:
    for key in keys:
        if _says_something(where.get(key)) and where[key] != DEFAULTS.get(key):
            problems.add((*at, key), "not-enforced", "known, and not enforced here", severity=Severity.WARNING)


def _says_something(value: JsonValue) -> bool:
    """False for what is the same as leaving it out: ``resources: {}``."""
    return value not in (None, False, "", {}, [])
