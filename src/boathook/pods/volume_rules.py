"""What Kubernetes accepts as volumes and as mounts of them (``pkg/apis/core/validation/validation.go``). Pure."""

from __future__ import annotations

from boathook.documents import path_text
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping
from boathook.pods.downward import FILE_FIELDS
from boathook.pods.name_rules import check_name
from boathook.pods.problems import FieldPath, Problems, items
from boathook.pods.quantities import RULE, quantity
from boathook.pods.selector_rules import check_field, check_resource
from boathook.pods.text_rules import (
    back_step_faults,
    file_path_faults,
    inner_path_faults,
    mode_faults,
)

VOLUME_KINDS = (
    "emptyDir", "hostPath", "configMap", "secret", "persistentVolumeClaim", "projected", "downwardAPI",
)  # fmt: skip
IN_ORDER = (
    "emptyDir", "hostPath", "gitRepo", "secret", "nfs", "persistentVolumeClaim", "downwardAPI", "configMap",
    "projected",
)  # fmt: skip
"""The kinds in which the API looks; it flags the second and later ones."""
HOST_PATH_TYPES = ("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")
READ_ONLY_MODES = ("Disabled", "Enabled", "IfPossible")
PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")

PROJECTIONS = ("secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate")
SHORTEST_TOKEN, LONGEST_TOKEN = 600, 2**32
"""Seconds that a token may last."""

_NAMED = {"hostPath": "path", "configMap": "name", "secret": "secretName", "persistentVolumeClaim": "claimName"}


def check_volumes(spec: JsonObject, problems: Problems) -> set[str]:
    """Check the volumes; the names that mounts may use."""
    names: set[str] = set()
    for index, volume in items(spec.get("volumes")):
        at = ("spec", "volumes", index)
        check_name(volume.get("name"), (*at, "name"), names, problems)
        # One without a kind is an emptyDir.
        given = [key for key, value in volume.items() if key != "name" and value is not None]
        kinds = sorted(given, key=lambda kind: IN_ORDER.index(kind) if kind in IN_ORDER else len(IN_ORDER))
        for kind in kinds[1:]:
            problems.forbidden((*at, kind), "may not specify more than 1 volume type")
        for kind in kinds[:1]:
            _check_source(kind, mapping(volume[kind]), (*at, kind), problems)
    return names


def _check_source(kind: str, source: JsonObject, at: FieldPath, problems: Problems) -> None:
    if kind in _NAMED and not source.get(_NAMED[kind]):
        problems.required((*at, _NAMED[kind]))
    _check_mode(source.get("defaultMode"), (*at, "defaultMode"), problems)
    match kind:
        case "emptyDir":
            _check_size(source.get("sizeLimit"), (*at, "sizeLimit"), problems)
        case "hostPath":
            _check_host_path(source, at, problems)
        case "configMap" | "secret":
            _check_items(source, at, problems)
        case "downwardAPI":
            for index, file in items(source.get("items")):
                _check_downward(file, (*at, "items", index), path_text(at), problems)
        case "projected":
            _check_projected(source, at, problems)
        case _:
            pass


def _check_mode(mode: JsonValue, at: FieldPath, problems: Problems, said: str | None = None) -> None:
    if isinstance(mode, int) and not isinstance(mode, bool):
        for detail in mode_faults(mode):
            problems.invalid(at, mode, detail, said=said)


def _check_size(written: JsonValue, at: FieldPath, problems: Problems) -> None:
    if not isinstance(written, int | float | str) or isinstance(written, bool):
        return
    size = quantity(written)
    if size is None:
        problems.invalid(at, written, RULE)
    elif size < 0:
        problems.forbidden(at, "SizeLimit field must be a valid resource quantity")


def _check_host_path(source: JsonObject, at: FieldPath, problems: Problems) -> None:
    kind, path = source.get("type"), source.get("path")
    if isinstance(kind, str) and kind not in HOST_PATH_TYPES:
        problems.unsupported((*at, "type"), kind, HOST_PATH_TYPES)
    if isinstance(path, str) and path:
        faults = back_step_faults(path)
        if not faults and not path.startswith("/"):
            faults = ["must be an absolute path: no node's directory is meant otherwise"]
        for detail in faults:
            problems.invalid((*at, "path"), path, detail)


def _check_items(source: JsonObject, at: FieldPath, problems: Problems) -> None:
    """Keys to paths."""
    for index, item in items(source.get("items")):
        here = (*at, "items", index)
        if not item.get("key"):
            problems.required((*here, "key"))
        _check_file(item.get("path"), (*here, "path"), problems)
        _check_mode(item.get("mode"), (*here, "mode"), problems)


def _check_file(path: JsonValue, at: FieldPath, problems: Problems, said: str | None = None) -> None:
    if not path:
        problems.required(at, said=said)
    elif isinstance(path, str):
        for detail in file_path_faults(path):
            problems.invalid(at, path, detail, said=said)


def _check_downward(file: JsonObject, at: FieldPath, said: str, problems: Problems) -> None:
    """``said``: the API names the whole volume, not the one file in it."""
    _check_file(file.get("path"), (*at, "path"), problems, f"{said}.path")
    _check_mode(file.get("mode"), (*at, "mode"), problems, f"{said}.mode")
    field, resource = file.get("fieldRef"), file.get("resourceFieldRef")
    if field is not None:
        check_field(mapping(field), (*at, "fieldRef"), FILE_FIELDS, problems, f"{said}.fieldRef")
        if resource is not None:
            detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
            problems.invalid(at, "resource", detail, said=said)
    elif resource is not None:
        here = (*at, "resourceFieldRef")
        check_resource(mapping(resource), here, problems, of_volume=True, said=f"{said}.resourceFieldRef")
    else:
        problems.required(at, "one of fieldRef and resourceFieldRef is required", said=said)


def _check_projected(source: JsonObject, at: FieldPath, problems: Problems) -> None:
    paths: set[str] = set()
    for index, projection in items(source.get("sources")):
        here = (*at, "sources", index)
        kinds = [kind for kind in PROJECTIONS if projection.get(kind) is not None]
        if len(kinds) > 1:
            problems.forbidden(here, "may not specify more than 1 volume type per source")
        for kind in kinds[:1]:
            _check_projection(kind, mapping(projection[kind]), (*here, kind), at, paths, problems)


def _check_projection(
    kind: str, source: JsonObject, at: FieldPath, volume: FieldPath, paths: set[str], problems: Problems
) -> None:
    """``paths``: those of the sources before it."""
    shown: list[tuple[JsonValue, str]] = []
    match kind:
        case "secret" | "configMap":
            if not source.get("name"):
                problems.required((*at, "name"))
            _check_items(source, at, problems)
            shown = [(item.get("path"), str(source.get("name") or "")) for _, item in items(source.get("items"))]
        case "downwardAPI":
            for index, file in items(source.get("items")):
                _check_downward(file, (*at, "items", index), path_text(at), problems)
            shown = [(file.get("path"), str(file.get("path"))) for _, file in items(source.get("items"))]
        case "serviceAccountToken":
            # Its path is compared with no other one.
            _check_token(source, at, volume, problems)
        case _:
            problems.not_yet(at, f"{kind} is")
    for path, name in shown:
        if isinstance(path, str) and path:
            if path in paths:
                problems.invalid(at, name, "conflicting duplicate paths", said=path_text(volume))
            paths.add(path)


def _check_token(source: JsonObject, at: FieldPath, volume: FieldPath, problems: Problems) -> None:
    seconds = source.get("expirationSeconds")
    if isinstance(seconds, int) and seconds < SHORTEST_TOKEN:
        problems.invalid((*at, "expirationSeconds"), seconds, "may not specify a duration less than 10 minutes")
    if isinstance(seconds, int) and seconds > LONGEST_TOKEN:
        problems.invalid((*at, "expirationSeconds"), seconds, "may not specify a duration larger than 2^32 seconds")
    _check_file(source.get("path"), (*at, "path"), problems, f"{path_text(volume)}.path")


def check_mounts(container: JsonObject, at: FieldPath, volumes: set[str], problems: Problems) -> None:
    paths: set[str] = set()
    privileged = mapping(container.get("securityContext")).get("privileged") is True
    for index, mount in items(container.get("volumeMounts")):
        here = (*at, "volumeMounts", index)
        name, path = mount.get("name") or "", mount.get("mountPath")
        if not name:
            problems.required((*here, "name"))
        if isinstance(name, str) and name not in volumes:
            problems.not_found((*here, "name"), name)
        if not path:
            problems.required((*here, "mountPath"))
        elif isinstance(path, str):
            if path in paths:
                problems.invalid((*here, "mountPath"), path, "must be unique")
            paths.add(path)
        _check_sub_paths(mount, here, problems)
        _check_propagation(mount.get("mountPropagation"), here, privileged, problems)
        _check_recursive(mount, here, problems)


def _check_sub_paths(mount: JsonObject, at: FieldPath, problems: Problems) -> None:
    """Paths inside the volume. The API names the list of mounts, not the one mount in it."""
    for key in ("subPath", "subPathExpr"):
        path = mount.get(key)
        if isinstance(path, str) and path:
            for detail in inner_path_faults(path):
                problems.invalid((*at, key), path, detail, said=f"{path_text(at[:-1])}.{key}")
    expression = mount.get("subPathExpr")
    if expression and mount.get("subPath"):
        problems.invalid((*at, "subPathExpr"), expression, "subPathExpr and subPath are mutually exclusive")


def _check_propagation(propagation: JsonValue, at: FieldPath, privileged: bool, problems: Problems) -> None:
    if not isinstance(propagation, str):
        return
    here, said = (*at, "mountPropagation"), f"{path_text(at[:-1])}.mountPropagation"
    if propagation not in PROPAGATIONS:
        problems.unsupported(here, propagation, PROPAGATIONS, said=said)
    elif propagation == "Bidirectional" and not privileged:
        detail = "Bidirectional mount propagation is available only to privileged containers"
        problems.forbidden(here, detail, said=said)


def _check_recursive(mount: JsonObject, at: FieldPath, problems: Problems) -> None:
    mode = mount.get("recursiveReadOnly")
    here, said = (*at, "recursiveReadOnly"), f"{path_text(at[:-1])}.recursiveReadOnly"
    if mode in ("Enabled", "IfPossible") and mount.get("readOnly") is not True:
        problems.forbidden(here, "may only be specified when readOnly is true", said=said)
    elif isinstance(mode, str) and mode not in READ_ONLY_MODES:
        problems.unsupported(here, mode, READ_ONLY_MODES, said=said)
