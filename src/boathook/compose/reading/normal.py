"""The merged files of a project as ``config`` shows them: every default of the model filled in, references checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from boathook.compose.order import find_cycle
from boathook.compose.reading import fields
from boathook.compose.reading.dotenv import environment_of
from boathook.compose.reading.loading import Loaded
from boathook.compose.reading.problems import Problems
from boathook.compose.reading.project_shapes import top
from boathook.compose.reading.service_shapes import SERVICE
from boathook.compose.reading.tree import TreeDocument
from boathook.documents.document import Path as ValuePath
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping, mappings

SERVICE_NAME = re.compile(r"[a-zA-Z0-9._-]+")
SHARED_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")
EMPTY = ("networks", "volumes")
"""Those resources that need say nothing about themselves."""
SAME_LIMIT = (
    ("cpus", "limits", "cpus"),
    ("mem_limit", "limits", "memory"),
    ("mem_reservation", "reservations", "memory"),
    ("pids_limit", "limits", "pids"),
)
"""Fields of a service, and where ``deploy.resources`` has the same."""
RESOURCES = ("networks", "volumes", "secrets", "configs")


def normal_project(loaded: Loaded) -> JsonObject:
    """The project as one mapping. Raises ``ManifestError`` with everything that is wrong with it."""
    result = normal_form(loaded)
    loaded.problems.raise_errors()
    return result


def normal_form(loaded: Loaded) -> JsonObject:
    """The same with holes where something is wrong, which stands in the problems of the load then."""
    problems = loaded.problems
    fields.notices(loaded.document.tree, problems)
    shaped = top(loaded.document.tree, (), problems)
    if not isinstance(shaped, dict):
        shaped = {}
    shaped.pop("version", None)
    return _Normal(loaded, problems, loaded.document).project(shaped)


@dataclass(frozen=True, slots=True)
class _Normal:
    loaded: Loaded
    problems: Problems
    document: TreeDocument

    def project(self, shaped: JsonObject) -> JsonObject:
        services = mapping(shaped, "services")
        if not services and not self.loaded.disabled:
            self.problems.error("no-service", self.document.source(("services",)), "no service is defined")
        normal: JsonObject = {name: self._service(name, dict(mapping(one))) for name, one in sorted(services.items())}
        self._check_references(normal, shaped)
        result: JsonObject = {"name": self.loaded.name, "services": normal}
        for kind in RESOURCES:
            if used := self._resources(kind, mapping(shaped, kind), normal):
                result[kind] = used
        if models := shaped.get("models"):
            result["models"] = models
        return result | {key: value for key, value in shaped.items() if key.startswith("x-")}

    def _service(self, name: str, service: JsonObject) -> JsonObject:
        if not SERVICE_NAME.fullmatch(name):
            source = self.document.key_source(("services", name))
            message = f'invalid service name "{name}": expected letters, digits, ".", "_" and "-"'
            self.problems.error("service-name", source, message)
        if not service.get("image") and not service.get("build") and not service.get("provider"):
            message = f'service "{name}" has neither an image nor a build context specified'
            self.problems.error("no-image", self.document.key_source(("services", name)), message)
        if build := mapping(service, "build"):
            service["build"] = self._build(build)
        service["environment"] = self._environment(name, service)
        service["labels"] = self._labels(name, service)
        if not service.get("networks") and not service.get("network_mode") and not service.get("provider"):
            service["networks"] = {"default": None}
        service["depends_on"] = _dependencies(service)
        self._check_same(name, service)
        if "scale" in service and "deploy" in service:
            service["deploy"] = {**mapping(service, "deploy"), "replicas": service["scale"]}
        self._check_scale(name, service)
        for one in mappings(service.get("secrets")):
            one.setdefault("target", f"/run/secrets/{one.get('source')}")
        if service.get("pull_policy") == "if_not_present":
            service["pull_policy"] = "missing"
        return _ordered(service)

    def _check_scale(self, name: str, service: JsonObject) -> None:
        replicas = service.get("scale", mapping(service, "deploy").get("replicas"))
        if service.get("container_name") and isinstance(replicas, int) and replicas > 1:
            source = self.document.source(("services", name, "container_name"))
            self.problems.error("container-name", source, f"{replicas} containers cannot have one name")

    def _check_same(self, name: str, service: JsonObject) -> None:
        """What can be said in two places must not be said in two ways (the peer's ``checkConsistency``)."""
        deploy = mapping(service, "deploy")
        same = [("scale", "replicas", deploy.get("replicas", service.get("scale")))]
        for field, kind, key in SAME_LIMIT:
            # Where limits are given at all, one that they leave out counts as another value.
            if limits := mapping(deploy, "resources", kind):
                same.append((field, f"resources.{kind}.{key}", limits.get(key)))
        for field, other, deployed in same:
            if service.get(field) not in (None, deployed):
                source = self.document.source(("services", name, field))
                message = f"services.{name}: can't set distinct values on '{field}' and 'deploy.{other}'"
                self.problems.error("distinct-values", source, message)

    def _build(self, build: JsonObject) -> JsonObject:
        result: JsonObject = {"context": build.get("context") or str(self.loaded.directory)}
        if not build.get("dockerfile_inline"):
            result["dockerfile"] = build.get("dockerfile") or "Dockerfile"
        known = self.loaded.variables
        arguments = {
            key: known.get(key) if value is None else value
            for key, value in mapping(build, "args").items()
            if value is not None or key in known
        }
        return result | build | result | ({"args": arguments} if arguments else {})

    def _environment(self, name: str, service: JsonObject) -> JsonObject:
        """What the environment files say, under what the service says itself."""
        result: JsonObject = {}
        for position, one in enumerate(mappings(service.pop("env_file", None))):
            path: ValuePath = ("services", name, "env_file", position)
            text = self._further(str(one.get("path")), path, required=one.get("required") is not False)
            known = {key: value for key, value in result.items() if isinstance(value, str)} | self.loaded.variables
            result |= dict(environment_of(text, str(one.get("format") or ""), known, file=str(one.get("path"))))
        for key, value in mapping(service, "environment").items():
            result[key] = self.loaded.variables.get(key) if value is None else value
        return dict(sorted(result.items()))

    def _labels(self, name: str, service: JsonObject) -> JsonObject:
        result: JsonObject = {}
        files = service.pop("label_file", None)
        for position, one in enumerate(files if isinstance(files, list) else []):
            text = self._further(str(one), ("services", name, "label_file", position), required=True)
            result |= dict(environment_of(text, "", self.loaded.variables, file=str(one)))
        return dict(sorted((result | mapping(service, "labels")).items()))

    def _further(self, file: str, path: ValuePath, *, required: bool) -> str:
        text = self.loaded.read(Path(file))
        if text is None and required:
            self.problems.error("env-file", self.document.source(path), f"env file {file} not found")
        return text or ""

    def _resources(self, kind: str, defined: JsonObject, services: JsonObject) -> JsonObject:
        """Those of one kind that a service uses, with their full names."""
        used = {name for service in services.values() for name in uses(kind, mapping(service))}
        if kind == "networks" and "default" in used:
            defined = {"default": None, **defined}
        result: JsonObject = {}
        for key in sorted(used & defined.keys()):
            one = mapping(defined, key)
            name = key if one.get("external") else f"{self.loaded.name}_{key}"
            result[key] = {"name": name, **one}
        return result

    def _check_references(self, services: JsonObject, shaped: JsonObject) -> None:
        edges: dict[str, tuple[str, ...]] = {}
        for name, service in services.items():
            for kind in RESOURCES:
                known = mapping(shaped, kind).keys() | ({"default"} if kind == "networks" else set())
                for one in sorted(uses(kind, mapping(service)) - known):
                    self._undefined(name, kind, one)
            if mapping(service).get("network_mode") and "networks" in mapping(self.document.value, "services", name):
                source = self.document.source(("services", name, "networks"))
                self.problems.error("networks", source, f'service "{name}" declares both "network_mode" and "networks"')
            edges[name] = tuple(sorted(self._needed(name, mapping(service, "depends_on"), services)))
        if cycle := find_cycle(edges):
            source = self.document.source(("services", cycle[0], "depends_on"))
            self.problems.error("dependency-cycle", source, f"dependency cycle detected: {' -> '.join(cycle)}")

    def _undefined(self, service: str, kind: str, name: str) -> None:
        path: ValuePath = ("services", service, kind)
        listed = self.document.tree.get("services", service, kind)
        places = [at for at, one in enumerate(listed.items() if listed else ()) if one.text("source") == name]
        self.problems.error(
            f"undeclared-{kind[:-1]}",
            self.document.source((*path, *places[:1]) if places else (*path, name)),
            f'service "{service}" refers to undefined {kind[:-1]} "{name}"',
            remedy=f'declare it under "{kind}:" at the top level' + (f': "{name}: {{}}"' if kind in EMPTY else ""),
        )

    def _needed(self, name: str, dependencies: JsonObject, services: JsonObject) -> list[str]:
        for needed in [one for one in dependencies if one not in services]:
            if mapping(dependencies, needed).get("required") is False:
                if needed not in self.loaded.disabled:
                    source = self.document.source(("services", name, "depends_on", needed))
                    self.problems.warn("unknown-service", source, f'optional service "{needed}" is not defined')
            else:
                self._missing_dependency(name, needed)
        return [one for one in dependencies if one in services]

    def _missing_dependency(self, name: str, needed: str) -> None:
        remedy = disabled_remedy(needed, self.loaded.disabled.get(needed))
        source = self.document.source(("services", name, "depends_on"))
        message = f'service "{name}" depends on undefined service "{needed}"'
        self.problems.error("unknown-service", source, message, remedy=remedy)


def disabled_remedy(service: str, profiles: tuple[str, ...] | None) -> str | None:
    """What helps when a service is needed that no profile enables."""
    return f'"{service}" is disabled; enable it with --profile {profiles[0]}' if profiles else None


def _dependencies(service: JsonObject) -> JsonObject:
    """Those that are written, and those that sharing something with another service implies (spec 8)."""
    result: JsonObject = {}
    for name, one in mapping(service, "depends_on").items():
        written = mapping(one)
        result[name] = {
            "condition": written.get("condition") or "service_started",
            **({"restart": True} if written.get("restart") else {}),
            "required": written.get("required") is not False,
        }
    for name, restart in _implied(service):
        implied: JsonObject = {"condition": "service_started", "required": True}
        result.setdefault(name, ({"restart": True} if restart else {}) | implied)
    return dict(sorted(result.items()))


def _implied(service: JsonObject) -> list[tuple[str, bool]]:
    result = [(str(link).partition(":")[0], True) for link in _list(service, "links")]
    for key in SHARED_NAMESPACES:
        kind, _, name = str(service.get(key) or "").partition(":")
        if kind == "service" and name:
            result.append((name, True))
    for one in _list(service, "volumes_from"):
        name = str(one).partition(":")[0]
        if name != "container":
            result.append((name, False))
    return result


def _list(service: JsonObject, key: str) -> list[JsonValue]:
    value = service.get(key)
    return value if isinstance(value, list) else []


def uses(kind: str, service: JsonObject) -> set[str]:
    """The top-level resources of one kind that a service names."""
    if kind == "networks":
        return set(mapping(service, "networks"))
    listed = mappings(service.get(kind))
    if kind == "volumes":
        listed = [one for one in listed if one.get("type") == "volume" and one.get("source")]
    if kind == "secrets":
        listed = listed + mappings(mapping(service, "build").get("secrets"))
    return {str(one.get("source")) for one in listed}


def _ordered(service: JsonObject) -> JsonObject:
    empty: tuple[JsonValue, ...] = ({}, [], None)
    known = {key: service[key] for key in SERVICE if key in service}
    shown = {key: one for key, one in known.items() if one not in empty or key in ("command", "entrypoint")}
    return shown | {key: value for key, value in service.items() if key.startswith("x-")}
