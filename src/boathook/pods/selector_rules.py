"""What Kubernetes accepts as the value of a variable or file that comes from elsewhere. Pure."""

from __future__ import annotations

import re

from boathook.documents import path_text
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping
from boathook.pods.downward import ENV_FIELDS, FILE_FIELDS, HUGE_PAGES, RESOURCES
from boathook.pods.problems import FieldPath, Problems, items
from boathook.pods.quantities import RULE, quantity
from boathook.pods.text_rules import config_key_faults, qualified_faults, subdomain_faults, variable_faults

CONVERTIBLE = frozenset(
    {*ENV_FIELDS, *FILE_FIELDS, "spec.host", "spec.restartPolicy", "spec.schedulerName", "status.phase"}
)
"""The field paths that the API knows at all (``ConvertDownwardAPIFieldLabel``)."""

_SUBSCRIPTED = r"(?P<path>[^\[]+)\['(?P<key>.*)'\]"

_DIVIDED = {
    "cpu": "cpu",
    "memory": "memory",
    "ephemeral-storage": "local ephemeral storage",
    "hugepages": "hugepages",
}
"""How a divisor's error calls its resource."""
_CPU_DIVISORS = ("1m", "1")
_DIVISORS = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")


def check_variables(container: JsonObject, at: FieldPath, problems: Problems) -> None:
    """``env`` and ``envFrom``."""
    for index, variable in items(container.get("env")):
        here = (*at, "env", index)
        name = variable.get("name")
        if not name:
            problems.required((*here, "name"))
        elif isinstance(name, str):
            for detail in variable_faults(name):
                problems.invalid((*here, "name"), name, detail)
        if variable.get("valueFrom") is not None:
            _check_value_from(variable, (*here, "valueFrom"), problems)
    for index, origin in items(container.get("envFrom")):
        _check_origin(origin, (*at, "envFrom", index), problems)


def _check_value_from(variable: JsonObject, at: FieldPath, problems: Problems) -> None:
    origin = mapping(variable["valueFrom"])
    kinds = [kind for kind, value in origin.items() if value is not None]
    if "fieldRef" in kinds:
        check_field(mapping(origin["fieldRef"]), (*at, "fieldRef"), ENV_FIELDS, problems)
    if "resourceFieldRef" in kinds:
        check_resource(mapping(origin["resourceFieldRef"]), (*at, "resourceFieldRef"), problems)
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if kind in kinds:
            _check_key_selector(mapping(origin[kind]), (*at, kind), problems)
    if "fileKeyRef" in kinds:
        problems.not_yet((*at, "fileKeyRef"), "fileKeyRef is")
    if not kinds:
        sources = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        problems.invalid(at, "", f"must specify one of: {sources}")
    elif variable.get("value"):
        problems.invalid(at, "", "may not be specified when `value` is not empty")
    elif len(kinds) > 1:
        problems.invalid(at, "", "may not have more than one field specified at a time")


def _check_key_selector(selector: JsonObject, at: FieldPath, problems: Problems) -> None:
    name, key = selector.get("name") or "", selector.get("key")
    if isinstance(name, str):
        for detail in subdomain_faults(name):
            problems.invalid((*at, "name"), name, detail)
    if not key:
        problems.required((*at, "key"))
    elif isinstance(key, str):
        for detail in config_key_faults(key):
            problems.invalid((*at, "key"), key, detail)


def _check_origin(origin: JsonObject, at: FieldPath, problems: Problems) -> None:
    kinds = [kind for kind in ("configMapRef", "secretRef") if origin.get(kind) is not None]
    prefix = origin.get("prefix")
    if isinstance(prefix, str) and prefix:
        for detail in variable_faults(prefix):
            problems.invalid((*at, "prefix"), prefix, detail)
    for kind in kinds:
        if not mapping(origin[kind]).get("name"):
            problems.required((*at, kind, "name"))
    # The API names the list here, not the one entry in it.
    said = path_text(at[:-1])
    if not kinds:
        problems.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`", said=said)
    elif len(kinds) > 1:
        problems.invalid(at, "", "may not have more than one field specified at a time", said=said)


def check_field(
    selector: JsonObject, at: FieldPath, fields: tuple[str, ...], problems: Problems, said: str | None = None
) -> None:
    """A ``fieldRef``. ``said``: how the API calls its place."""
    said = said or path_text(at)
    path, version = selector.get("fieldPath"), selector.get("apiVersion") or "v1"
    here, called = (*at, "fieldPath"), f"{said}.fieldPath"
    if not path:
        problems.required(here, said=called)
    elif version != "v1":
        problems.invalid(here, path, f"error converting fieldPath: unsupported pod version: {version}", said=called)
    elif isinstance(path, str):
        if match := re.fullmatch(_SUBSCRIPTED, path):
            _check_subscript(match["path"], match["key"], path, at, said, problems)
        elif path not in CONVERTIBLE:
            problems.invalid(here, path, f"error converting fieldPath: field label not supported: {path}", said=called)
        elif path not in fields and path != "spec.host":
            problems.unsupported(here, path, fields, said=called)


def _check_subscript(mapped: str, key: str, path: str, at: FieldPath, said: str, problems: Problems) -> None:
    if mapped not in ("metadata.annotations", "metadata.labels"):
        detail = f"error converting fieldPath: field label does not support subscript: {path}"
        problems.invalid((*at, "fieldPath"), path, detail, said=f"{said}.fieldPath")
        return
    checked = key.lower() if mapped == "metadata.annotations" else key
    for detail in qualified_faults(checked):
        problems.invalid((*at, "fieldPath"), checked, detail, said=said)


def check_resource(
    selector: JsonObject, at: FieldPath, problems: Problems, *, of_volume: bool = False, said: str | None = None
) -> None:
    """A ``resourceFieldRef``; that of a volume must name its container."""
    said = said or path_text(at)
    resource = selector.get("resource")
    if of_volume and not selector.get("containerName"):
        problems.required((*at, "containerName"), said=f"{said}.containerName")
    elif not resource:
        problems.required((*at, "resource"), said=f"{said}.resource")
    elif isinstance(resource, str) and resource not in RESOURCES and not resource.startswith(HUGE_PAGES):
        problems.unsupported((*at, "resource"), resource, RESOURCES, said=f"{said}.resource")
    if isinstance(resource, str):
        _check_divisor(resource, selector.get("divisor"), (*at, "divisor"), f"{said}.divisor", problems)


def _check_divisor(resource: str, written: JsonValue, at: FieldPath, said: str, problems: Problems) -> None:
    if not isinstance(written, int | float | str) or written == "":
        return
    divisor = quantity(written)
    if divisor is None:
        problems.invalid(at, written, RULE, said=said)
        return
    of = "hugepages" if "hugepages-" in resource else resource.partition(".")[2]
    if of not in _DIVIDED or not divisor:
        return
    known = _CPU_DIVISORS if of == "cpu" else _DIVISORS
    if divisor not in {quantity(one) for one in known}:
        listed = " and ".join(known) if of == "cpu" else ", ".join(known)
        detail = f"only divisor's values {listed} are supported with the {_DIVIDED[of]} resource"
        problems.invalid(at, resource, detail, said=said)
