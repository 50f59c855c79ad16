"""What Kubernetes accepts as a pod, as far as types alone do not say it. Pure; looks at plain values.

It looks at the manifest itself and not at the schema's result, so that all problems of a file are told at once.
"""

from __future__ import annotations

import re

from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping
from boathook.pods.handler_rules import PROBES, check_lifecycle, check_probe
from boathook.pods.model import MessagePolicy, RestartPolicy
from boathook.pods.problems import FieldPath, Problems, items
from boathook.pods.specification import FIELDS
from boathook.runtimes.base import PullPolicy

DEFAULT_GRACE = 30
"""Seconds; ``SetDefaults_PodSpec``."""

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(rf"{LABEL.pattern}(\.{LABEL.pattern})*")
VARIABLE = re.compile(r"[ -<>-~]+")

VOLUME_KINDS = ("emptyDir", "hostPath", "configMap", "secret", "persistentVolumeClaim")
HOST_PATH_TYPES = ("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")

KEYED_FIELD = re.compile(r"metadata\.(labels|annotations)\['[^']+'\]")


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
    volumes = _check_volumes(spec, problems)
    grace, os_name = grace_seconds(spec), str(mapping(spec.get("os")).get("name") or "")
    _check_choice(spec, "restartPolicy", tuple(RestartPolicy), ("spec",), problems)
    hostname = spec.get("hostname")
    if isinstance(hostname, str) and hostname:
        _check_label(hostname, ("spec", "hostname"), problems)
    if not spec.get("containers"):
        problems.required(("spec", "containers"))
    names: set[str] = set()
    for index, container in items(spec.get("containers")):
        at = ("spec", "containers", index)
        _check_container(container, at, names, volumes, problems)
        lifecycle = mapping(container.get("lifecycle"))
        check_lifecycle(lifecycle, (*at, "lifecycle"), grace, os_name, problems)
    for index, container in items(spec.get("initContainers")):
        at = ("spec", "initContainers", index)
        _check_container(container, at, names, volumes, problems)
        _check_init_hooks(container, at, grace, os_name, problems)


def check_metadata(metadata: JsonObject, problems: Problems) -> None:
    name = metadata.get("name")
    if not name:
        problems.required(("metadata", "name"), "name or generateName is required")
    elif isinstance(name, str) and (not SUBDOMAIN.fullmatch(name) or len(name) > 253):
        detail = "must be lower-case letters, digits, '-' and '.', and begin and end with a letter or digit"
        problems.invalid(("metadata", "name"), name, detail)
    namespace = metadata.get("namespace")
    if isinstance(namespace, str) and namespace:
        _check_label(namespace, ("metadata", "namespace"), problems)


def _check_label(name: str, at: FieldPath, problems: Problems) -> None:
    if not LABEL.fullmatch(name) or len(name) > 63:
        detail = "must be at most 63 lower-case letters, digits and '-', and begin and end with a letter or digit"
        problems.invalid(at, name, detail)


def _check_choice(where: JsonObject, key: str, choices: tuple[str, ...], at: FieldPath, problems: Problems) -> None:
    value = where.get(key)
    if isinstance(value, str) and value and value not in choices:
        problems.unsupported((*at, key), value, tuple(str(choice) for choice in choices))


def _check_name(where: JsonObject, at: FieldPath, names: set[str], problems: Problems) -> None:
    name = where.get("name")
    if not name:
        problems.required((*at, "name"))
    elif isinstance(name, str):
        _check_label(name, (*at, "name"), problems)
        if name in names:
            problems.duplicate((*at, "name"), name)
        names.add(name)


def _check_container(
    container: JsonObject, at: FieldPath, names: set[str], volumes: set[str], problems: Problems
) -> None:
    _check_name(container, at, names, problems)
    if not container.get("image"):
        problems.required((*at, "image"))
    _check_choice(container, "imagePullPolicy", tuple(PullPolicy), at, problems)
    _check_choice(container, "terminationMessagePolicy", tuple(MessagePolicy), at, problems)
    _check_choice(container, "restartPolicy", tuple(RestartPolicy), at, problems)
    _check_mounts(container, at, volumes, problems)
    for index, variable in items(container.get("env")):
        _check_variable(variable, (*at, "env", index), problems)
    for index, origin in items(container.get("envFrom")):
        if not origin.get("configMapRef") and not origin.get("secretRef"):
            problems.invalid((*at, "envFrom", index), "", "must specify one of: `configMapRef` or `secretRef`")
    _check_security(mapping(container.get("securityContext")), (*at, "securityContext"), problems)


def _check_mounts(container: JsonObject, at: FieldPath, volumes: set[str], problems: Problems) -> None:
    paths: set[str] = set()
    for index, mount in items(container.get("volumeMounts")):
        here = (*at, "volumeMounts", index)
        name, path, sub_path = mount.get("name"), mount.get("mountPath"), mount.get("subPath")
        if not name:
            problems.required((*here, "name"))
        elif isinstance(name, str) and name not in volumes:
            problems.not_found((*here, "name"), name)
        if not path:
            problems.required((*here, "mountPath"))
        elif isinstance(path, str):
            if path in paths:
                problems.invalid((*here, "mountPath"), path, "must be unique")
            paths.add(path)
        if isinstance(sub_path, str) and (sub_path.startswith("/") or ".." in sub_path.split("/")):
            problems.invalid((*here, "subPath"), sub_path, "must be a relative path without '..'")


def _check_variable(variable: JsonObject, at: FieldPath, problems: Problems) -> None:
    name = variable.get("name")
    if not name:
        problems.required((*at, "name"))
    elif isinstance(name, str) and not VARIABLE.fullmatch(name):
        problems.invalid((*at, "name"), name, "must be printable ASCII characters without '='")
    origin = mapping(variable.get("valueFrom"))
    kinds = [kind for kind, value in origin.items() if value is not None]
    if variable.get("valueFrom") is not None and len(kinds) != 1:
        problems.invalid((*at, "valueFrom"), "", "must specify exactly one source")
    if kinds and variable.get("value"):
        problems.invalid((*at, "valueFrom"), "", "may not be specified when `value` is not empty")
    for kind in ("resourceFieldRef", "fileKeyRef"):
        if kind in kinds:
            problems.not_yet((*at, "valueFrom", kind), f"{kind} is")
    field = mapping(origin.get("fieldRef")).get("fieldPath")
    if isinstance(field, str) and field not in FIELDS and not KEYED_FIELD.fullmatch(field):
        problems.unsupported((*at, "valueFrom", "fieldRef", "fieldPath"), field, FIELDS)
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if kind in kinds and not mapping(origin[kind]).get("key"):
            problems.required((*at, "valueFrom", kind, "key"))


def _check_security(security: JsonObject, at: FieldPath, problems: Problems) -> None:
    for key in ("runAsUser", "runAsGroup"):
        value = security.get(key)
        if isinstance(value, int) and not 0 <= value <= 2**31 - 1:
            problems.invalid((*at, key), value, "must be between 0 and 2147483647, inclusive")
    if security.get("privileged") is True and security.get("allowPrivilegeEscalation") is False:
        detail = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        problems.invalid(at, "", detail)


def _check_volumes(spec: JsonObject, problems: Problems) -> set[str]:
    """Check the volumes; the names that mounts may use."""
    names: set[str] = set()
    for index, volume in items(spec.get("volumes")):
        at = ("spec", "volumes", index)
        _check_name(volume, at, names, problems)
        kinds = [key for key, value in volume.items() if key != "name" and value is not None]
        if not kinds:
            problems.required(at, "must specify a volume type")
        for kind in kinds[1:]:
            problems.forbidden((*at, kind), "may not specify more than 1 volume type")
        for kind in kinds:
            _check_volume(kind, mapping(volume[kind]), (*at, kind), problems)
    return names


def _check_volume(kind: str, source: JsonObject, at: FieldPath, problems: Problems) -> None:
    needed = {"hostPath": "path", "configMap": "name", "secret": "secretName", "persistentVolumeClaim": "claimName"}
    if kind in needed and not source.get(needed[kind]):
        problems.required((*at, needed[kind]))
    if kind == "hostPath":
        _check_choice(source, "type", HOST_PATH_TYPES, at, problems)
        path: JsonValue = source.get("path")
        if isinstance(path, str) and path and not path.startswith("/"):
            problems.invalid((*at, "path"), path, "must be an absolute path: no node's directory is meant otherwise")
    for index, item in items(source.get("items")):
        for key in ("key", "path"):
            if not item.get(key):
                problems.required((*at, "items", index, key))
        path = item.get("path")
        if isinstance(path, str) and (path.startswith("/") or ".." in path.split("/")):
            problems.invalid((*at, "items", index, "path"), path, "must be a relative path without '..'")


def _check_init_hooks(container: JsonObject, at: FieldPath, grace: int, os_name: str, problems: Problems) -> None:
    """Only an init container that goes on running, a sidecar, may have hooks and probes."""
    detail = "may not be set for init containers without restartPolicy=Always"
    sidecar = container.get("restartPolicy") == RestartPolicy.ALWAYS
    for name in ("lifecycle", *PROBES):
        value = container.get(name)
        if value is None:
            continue
        if not sidecar:
            problems.forbidden((*at, name), detail)
        elif name == "lifecycle":
            check_lifecycle(mapping(value), (*at, name), grace, os_name, problems)
        else:
            check_probe(name, mapping(value), (*at, name), problems)
