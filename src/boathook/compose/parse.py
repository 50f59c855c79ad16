"""Text of a Compose file -> :class:`Project`. Every problem of the file in one go, each with its position."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from boathook import documents
from boathook.compose import fields
from boathook.compose.loading import FileText, Loaded, Read, check_name, load, normal_name
from boathook.compose.model import POINTS, NamedVolume, Project, Service, VolumeMount
from boathook.compose.normal import check_fields, disabled_remedy
from boathook.compose.order import find_cycle
from boathook.compose.parse_service import ServiceParser
from boathook.compose.problems import Problems
from boathook.compose.schema import ServiceFile, TopVolumeFile, found
from boathook.compose.tree import TreeDocument
from boathook.documents.document import Path as ValuePath
from boathook.errors import ManifestError
from boathook.model import Finding, JsonObject, JsonValue, Severity

M = TypeVar("M", bound=documents.Fields)

__all__ = ["Parsed", "Read", "check_name", "normal_name", "parse_loaded", "parse_project"]

HOOK_KEYS = frozenset(POINTS) | {"pre_start"}
OUR_EXTENSION = "x-boathook"
NAMED_FREELY = frozenset({"environment", "labels"})
"""Mappings whose keys are not the format's, so that ``x-`` begins a name like any other."""
SERVICE_NAME = re.compile(r"[a-zA-Z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A project, and what was said about its file without refusing it."""

    project: Project
    warnings: tuple[Finding, ...]


def parse_project(
    text: str,
    *,
    file: str,
    directory: Path,
    name: str | None,
    variables: Mapping[str, str],
    read: Read,
) -> Parsed:
    """The project that ``text`` describes. Raises ``ManifestError`` with every problem of the file.

    ``name`` is the one given by hand, if any; ``variables`` are those of interpolation.
    """
    return parse_loaded(
        load([FileText(file=file, text=text)], directory=directory, name=name, variables=variables, read=read)
    )


def parse_loaded(loaded: Loaded) -> Parsed:
    """The project that the files mean, for those who run it. Raises ``ManifestError`` with every problem of theirs."""
    return _FileParser(loaded=loaded, problems=loaded.problems, document=loaded.document).run()


@dataclass(slots=True)
class _FileParser:
    loaded: Loaded
    problems: Problems
    document: TreeDocument
    raw: JsonObject = field(default_factory=dict)

    def run(self) -> Parsed:
        name = self.loaded.name
        assert isinstance(self.document.value, dict)
        self.raw = self._known_only(self.document.value, (), fields.top_field)
        self.document = dataclasses.replace(self.document, value=self.raw)
        for key in self.raw.keys() - fields.TOP_KNOWN:
            self.problems.error("unknown-field", self.document.key_source((key,)), f'unknown field "{key}"', path=key)
        volumes = self._volumes(name)
        services = self._services(volumes)
        self._networks()
        self._references(services)
        check_fields(self.loaded, fields.SERVICE_IGNORED)
        fields.deep_notices(self.document.tree, self.problems)
        self.problems.raise_errors()
        used = {mount.volume for one in services for mount in one.mounts if isinstance(mount, VolumeMount)}
        return Parsed(
            project=Project(
                name=name,
                directory=str(self.loaded.directory),
                files=self.loaded.files,
                environment_files=(),
                services=services,
                networks=(),
                disabled=tuple(self.loaded.disabled),
                volumes=tuple(volume for key, volume in volumes.items() if key in used),
            ),
            warnings=tuple(self.problems.findings),
        )

    def _known_only(
        self,
        mapping: JsonObject,
        path: ValuePath,
        about: Callable[[str], tuple[Severity, str, str | None] | None],
    ) -> JsonObject:
        """Without ``x-`` keys and without those that are known but not acted upon, which are said by name."""
        result: JsonObject = {}
        for key, value in mapping.items():
            if key.startswith("x-"):
                continue
            said = about(key)
            if said is None:
                result[key] = value
                continue
            severity, message, remedy = said
            source = self.document.key_source((*path, key))
            if severity is Severity.ERROR:
                self.problems.error("not-yet", source, message, remedy=remedy)
            else:
                self.problems.warn("no-effect", source, message)
        return result

    def _mapping(self, key: str) -> JsonObject:
        value = self.raw.get(key)
        if value is None:
            return {}
        if not isinstance(value, dict):
            message = f"found {found(value)}, expected a mapping"
            self.problems.error("wrong-type", self.document.source((key,)), message)
            return {}
        return value

    def _volumes(self, project: str) -> dict[str, NamedVolume]:
        result = {}
        for key, value in self._mapping("volumes").items():
            path = ("volumes", key)
            try:
                written = self._validated(TopVolumeFile, value or {}, path, _volume_field)
            except ManifestError as error:
                self.problems.add(error.problems)
                written = TopVolumeFile()
            if written.driver != "local":
                self.problems.error(
                    "not-yet", self.document.source((*path, "driver")), f'driver "{written.driver}" is not there yet'
                )
            labels = tuple((name, text or "") for name, text in written.labels)
            result[key] = NamedVolume(
                key=key, name=written.name or f"{project}_{key}", labels=labels, external=False, form={}
            )
        return result

    def _services(self, volumes: dict[str, NamedVolume]) -> tuple[Service, ...]:
        result = []
        mapping = self._mapping("services")
        if not mapping and not self.loaded.disabled:
            self.problems.error("no-service", self.document.source(("services",)), "no service is defined")
        for name, value in mapping.items():
            path = ("services", name)
            if not SERVICE_NAME.fullmatch(name):
                self.problems.error(
                    "service-name",
                    self.document.key_source(path),
                    f'invalid service name "{name}": expected letters, digits, ".", "_" and "-"',
                )
            written = self._service_file(value, path)
            if written is None:
                continue
            parser = ServiceParser(
                name=name,
                written=written,
                document=self.document,
                directory=self.loaded.directory,
                variables=self.loaded.variables,
                volumes=frozenset(volumes),
                read=self.loaded.read,
                problems=self.problems,
            )
            result.append(parser.service())
        return tuple(result)

    def _service_file(self, value: JsonValue, path: tuple[str, str]) -> ServiceFile | None:
        """The service as written. What is wrong in it is said and left out, so that the rest is looked at as well."""
        try:
            return self._validated(ServiceFile, value, path, fields.service_field)
        except ManifestError as error:
            self.problems.add(error.problems)
            if not isinstance(value, dict):
                return None
            sound = {key: one for key, one in value.items() if fields.service_field(key) is None}
            for problem in error.problems:
                _leave_out(sound, problem.source.path.removeprefix(f"{documents.path_text(path)}."))
        try:
            sound.setdefault("image", "none")
            return self._validated(ServiceFile, sound, path, fields.service_field)
        except ManifestError:
            return None

    def _validated(
        self,
        model: type[M],
        value: JsonValue,
        path: ValuePath,
        about: Callable[[str], tuple[Severity, str, str | None] | None],
    ) -> M:
        if not isinstance(value, dict):
            message = f"found {found(value)}, expected a mapping"
            raise ManifestError((self.problems.finding("wrong-type", self.document.source(path), message),))
        known = _without_extensions(self._known_only(value, path, about))
        whole = dataclasses.replace(self.document, value=_placed(path, known))
        return documents.validate(model, whole, at=path, prefix="compose")

    def _networks(self) -> None:
        for key, value in self._mapping("networks").items():
            if key != "default" or value:
                self.problems.error(
                    "not-yet",
                    self.document.key_source(("networks", key)),
                    f'network "{key}" is not there yet',
                    remedy=fields.SERVICE_REMEDIES["networks"],
                )

    def _references(self, services: tuple[Service, ...]) -> None:
        """Dependencies that are there and go round in no circle; container names that are taken once."""
        known = self._mapping("services")
        for service in services:
            for dependency in service.depends_on:
                if dependency.service not in known:
                    profiles = self.loaded.disabled.get(dependency.service)
                    self.problems.error(
                        "unknown-service",
                        self.document.source(("services", service.name, "depends_on")),
                        f'service "{service.name}" depends on undefined service "{dependency.service}"',
                        remedy=disabled_remedy(dependency.service, profiles),
                    )
        edges = {one.name: tuple(sorted(needed.service for needed in one.depends_on)) for one in services}
        if cycle := find_cycle(edges):
            source = self.document.source(("services", cycle[0], "depends_on"))
            self.problems.error("dependency-cycle", source, f"dependency cycle detected: {' -> '.join(cycle)}")
        taken: dict[str, str] = {}
        for service in services:
            if other := taken.get(service.container_name):
                self.problems.error(
                    "container-name",
                    self.document.source(("services", service.name, "container_name")),
                    f'container name "{service.container_name}" is already that of service "{other}"',
                )
            if service.container_name:
                taken[service.container_name] = service.name


def _leave_out(service: JsonObject, below: str) -> None:
    """Take the field at ``below`` out of a service; of a list of hooks only the item, whose place is kept."""
    item = re.match(r"(\w+)\[(\d+)\]", below)
    if item is not None and item[1] in POINTS and isinstance(listed := service.get(item[1]), list):
        replacement: JsonValue = {"command": ["none"]}
        service[item[1]] = [replacement if at == int(item[2]) else one for at, one in enumerate(listed)]
    else:
        service.pop(re.split(r"[.\[]", below)[0], None)


def _volume_field(name: str) -> tuple[Severity, str, str | None] | None:
    if name in fields.VOLUME_NOT_YET:
        return Severity.ERROR, f'"{name}" is not there yet', None
    return None


def _without_extensions(value: JsonValue, *, hook: bool = False) -> JsonValue:
    """Without the ``x-`` keys of every mapping inside: they mean nothing to us, but for our own in a hook."""
    match value:
        case dict():
            return {
                key: one if key in NAMED_FREELY else _without_extensions(one, hook=key in HOOK_KEYS)
                for key, one in value.items()
                if not key.startswith("x-") or (hook and key == OUR_EXTENSION)
            }
        case list():
            return [_without_extensions(one, hook=hook) for one in value]
        case _:
            return value


def _placed(path: ValuePath, value: JsonValue) -> JsonValue:
    """``value`` inside as many mappings as ``path`` has steps, so that positions are found where it was written."""
    for step in reversed(path):
        value = {str(step): value}
    return value
