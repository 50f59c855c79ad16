"""``config``: a loaded project as text, in the canonical form that reads back as the same project."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable

import yaml

from boathook.compose.reading.loading import Loaded
from boathook.compose.reading.normal import RESOURCES, uses
from boathook.compose.reading.tree import plain
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping

NOT_IN_HASH = frozenset({"build", "depends_on", "profiles", "pull_policy", "scale"})


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes every alias out."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def as_yaml(project: JsonObject) -> str:
    return _dumped(_escaped(project))


def _dumped(value: JsonValue) -> str:
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, default_flow_style=False, allow_unicode=True, width=2**30
    )
    return text


def as_json(project: JsonObject) -> str:
    return json.dumps(_escaped(_complete(project)), indent=2, ensure_ascii=False) + "\n"


def as_written_text(loaded: Loaded, style: str) -> str:
    """The merged files with their variables as they are written, and without the defaults."""
    value = plain(loaded.document.tree)
    if style == "json":
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    return _dumped(value)


def names(project: JsonObject, kind: str) -> list[str]:
    """Of services: dependencies before their dependants."""
    found = mapping(project, kind)
    if kind != "services":
        return list(found)
    result: list[str] = []
    while len(result) < len(found):
        result += [
            name
            for name, one in found.items()
            if name not in result and all(needed in result for needed in mapping(one, "depends_on") if needed in found)
        ]
    return result


def selected(project: JsonObject, services: tuple[str, ...]) -> JsonObject:
    """Only these services, what they need, and the resources that those use."""
    if not services:
        return project
    every = mapping(project, "services")
    wanted: set[str] = set()
    waiting = list(services)
    while waiting:
        name = waiting.pop()
        if name not in wanted and name in every:
            wanted.add(name)
            waiting += mapping(every, name, "depends_on")
    left = {name: one for name, one in every.items() if name in wanted}
    result = {**project, "services": left}
    for kind in RESOURCES:
        used = {name for one in left.values() for name in uses(kind, mapping(one))}
        result[kind] = {key: one for key, one in mapping(project, kind).items() if key in used}
    return {key: one for key, one in result.items() if one or key == "services"}


def images(project: JsonObject) -> list[str]:
    name = project["name"]
    services = mapping(project, "services")
    return [str(mapping(one).get("image") or f"{name}-{key}") for key, one in services.items()]


def hashes(project: JsonObject) -> dict[str, str]:
    return {name: hash_of(mapping(one)) for name, one in mapping(project, "services").items()}


def hash_of(service: JsonObject) -> str:
    """A digest that changes when anything changes that a container of the service is made of, hooks included."""
    facts = {key: value for key, value in service.items() if key not in NOT_IN_HASH and not key.startswith("x-")}
    facts["deploy"] = {key: value for key, value in mapping(service, "deploy").items() if key != "replicas"}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _escaped(value: JsonValue) -> JsonValue:
    """With every ``$`` doubled, so that reading it back replaces nothing."""
    return _mapped(value, lambda text: text.replace("$", "$$"))


def _mapped(value: JsonValue, change: Callable[[str], str]) -> JsonValue:
    match value:
        case str():
            return change(value)
        case dict():
            return {key: _mapped(one, change) for key, one in value.items()}
        case list():
            return [_mapped(one, change) for one in value]
        case _:
            return value


def _complete(project: JsonObject) -> JsonObject:
    """As the peer's JSON, which has a few fields even where they are empty."""
    services: JsonObject = {}
    for name, one in mapping(project, "services").items():
        service = {"command": None, "entrypoint": None} | mapping(one)
        if deploy := mapping(service, "deploy"):
            service["deploy"] = {"resources": {}, "placement": {}} | deploy
        services[name] = service
    networks: JsonObject = {key: {"ipam": {}} | mapping(one) for key, one in mapping(project, "networks").items()}
    return {**project, "services": services} | ({"networks": networks} if networks else {})
