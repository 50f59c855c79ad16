"""What Kubernetes accepts as a pod, as far as types alone do not say it. Pure; looks at plain values.

It looks at the manifest itself and not at the schema's result, so that all problems of a file are told at once. Places
and sentences are the API server's (``pkg/apis/core/validation/validation.go``).
"""

from __future__ import annotations

from collections.abc import Callable

from boathook.documents import path_text
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping
from boathook.pods.container_rules import (
    check_choice,
    check_container,
    check_ephemeral,
    check_handlers,
    check_init,
    check_seccomp,
)
from boathook.pods.model import RestartPolicy
from boathook.pods.port_rules import check_host_ports
from boathook.pods.problems import FieldPath, Problems, items
from boathook.pods.text_rules import (
    LARGEST,
    id_faults,
    label_faults,
    label_value_faults,
    qualified_faults,
    subdomain_faults,
)
from boathook.pods.volume_rules import check_volumes

DEFAULT_GRACE = 30
"""Seconds; ``SetDefaults_PodSpec``."""

SYSTEMS = ("linux", "windows")
DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")


def grace_seconds(spec: JsonObject) -> int:
    """The pod's own grace period: 30 when it says nothing, 1 when it is negative, as the API server stores it."""
    seconds = spec.get("terminationGracePeriodSeconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return DEFAULT_GRACE
    return 1 if seconds < 0 else seconds


def check_pod(pod: JsonObject, problems: Problems) -> None:
    """Everything about a pod that its types do not say."""
    check_metadata(mapping(pod.get("metadata")), problems)
    spec = mapping(pod.get("spec"))
    _check_spec(spec, problems)
    volumes = check_volumes(spec, problems)
    grace, os_name = grace_seconds(spec), str(mapping(spec.get("os")).get("name") or "")
    names: set[str] = set()
    for index, container in items(spec.get("containers")):
        at: FieldPath = ("spec", "containers", index)
        check_container(container, at, names, volumes, problems)
        check_handlers(container, at, grace, os_name, problems)
    for index, container in items(spec.get("initContainers")):
        at = ("spec", "initContainers", index)
        check_container(container, at, names, volumes, problems)
        check_init(container, at, grace, os_name, problems)
    for index, container in items(spec.get("ephemeralContainers")):
        check_ephemeral(container, ("spec", "ephemeralContainers", index), problems)
    for part in ("containers", "initContainers"):
        check_host_ports(spec, part, problems)


def _check_spec(spec: JsonObject, problems: Problems) -> None:
    if not spec.get("containers"):
        problems.required(("spec", "containers"))
    if spec.get("ephemeralContainers"):
        problems.forbidden(("spec", "ephemeralContainers"), "cannot be set on create")
    check_choice(spec, "restartPolicy", tuple(RestartPolicy), ("spec",), problems, in_order=True)
    check_choice(spec, "dnsPolicy", DNS_POLICIES, ("spec",), problems, in_order=True)
    for key in ("hostname", "subdomain"):
        _check_text(spec.get(key), ("spec", key), label_faults, problems)
    _check_text(spec.get("nodeName"), ("spec", "nodeName"), subdomain_faults, problems)
    deadline = spec.get("activeDeadlineSeconds")
    if isinstance(deadline, int) and not 1 <= deadline <= LARGEST:
        problems.invalid(("spec", "activeDeadlineSeconds"), deadline, f"must be between 1 and {LARGEST}, inclusive")
    if spec.get("os") is not None:
        _check_system(mapping(spec["os"]).get("name"), problems)
    _check_security(mapping(spec.get("securityContext")), problems)
    _check_aliases(spec, problems)


def _check_text(value: JsonValue, at: FieldPath, faults: Callable[[str], list[str]], problems: Problems) -> None:
    if isinstance(value, str) and value:
        for detail in faults(value):
            problems.invalid(at, value, detail)


def _check_system(name: JsonValue, problems: Problems) -> None:
    at = ("spec", "os", "name")
    if not name:
        problems.required(at)
    elif name not in SYSTEMS:
        problems.unsupported(at, name, SYSTEMS, said="spec.os")


def _check_security(security: JsonObject, problems: Problems) -> None:
    at = ("spec", "securityContext")
    check_choice(security, "fsGroupChangePolicy", ("Always", "OnRootMismatch"), at, problems)
    check_choice(security, "supplementalGroupsPolicy", ("Merge", "Strict"), at, problems)
    check_seccomp(security, at, problems)
    for key in ("fsGroup", "runAsUser", "runAsGroup"):
        check_id(security.get(key), (*at, key), problems)
    groups = security.get("supplementalGroups")
    for index, group in enumerate(groups if isinstance(groups, list) else []):
        check_id(group, (*at, "supplementalGroups", index), problems)


def check_id(number: JsonValue, at: FieldPath, problems: Problems) -> None:
    if isinstance(number, int) and not isinstance(number, bool):
        for detail in id_faults(number):
            problems.invalid(at, number, detail)


def _check_aliases(spec: JsonObject, problems: Problems) -> None:
    for index, alias in items(spec.get("hostAliases")):
        at = ("spec", "hostAliases", index)
        address, names = alias.get("ip") or "", alias.get("hostnames")
        if isinstance(address, str) and not _is_address(address):
            problems.invalid((*at, "ip"), address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")
        for place, name in enumerate(names if isinstance(names, list) else []):
            _check_text(name, (*at, "hostnames", place), subdomain_faults, problems)


def _is_address(text: str) -> bool:
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def check_metadata(metadata: JsonObject, problems: Problems) -> None:
    """Of any object that may stand in a file of pods."""
    if not metadata.get("name"):
        if metadata.get("generateName"):
            problems.not_yet(("metadata", "generateName"), "generateName is")
        else:
            problems.required(("metadata", "name"), "name or generateName is required")
    _check_text(metadata.get("name"), ("metadata", "name"), subdomain_faults, problems)
    _check_text(metadata.get("namespace"), ("metadata", "namespace"), label_faults, problems)
    for key in ("labels", "annotations"):
        _check_keys(mapping(metadata.get(key)), ("metadata", key), problems)


def _check_keys(pairs: JsonObject, at: FieldPath, problems: Problems) -> None:
    """Labels or annotations. The API names all of them, not the one."""
    said = path_text(at)
    for key, value in pairs.items():
        annotation = at[-1] == "annotations"
        for detail in qualified_faults(key.lower() if annotation else key):
            problems.invalid((*at, key), key, detail, said=said)
        if isinstance(value, str) and not annotation:
            for detail in label_value_faults(value):
                problems.invalid((*at, key), value, detail, said=said)
