"""Text of a Compose file -> :class:`Project`. Every problem of the file in one go, each with its position."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, TypeVar

from boathook import documents
from boathook.compose import fields
from boathook.compose.interpolate import BadInterpolation, Interpolator
from boathook.compose.model import POINTS, NamedVolume, Project, Service, VolumeMount
from boathook.compose.order import find_cycle
from boathook.compose.parse_service import ServiceParser
from boathook.compose.problems import Problems
from boathook.compose.schema import ServiceFile, TopVolumeFile, found
from boathook.documents import Dialect, Document
from boathook.errors import ManifestError, UsageError
from boathook.model import Finding, JsonObject, JsonValue, Severity

M = TypeVar("M", bound=documents.Fields)

Path_: TypeAlias = tuple[str | int, ...]
Read: TypeAlias = Callable[[Path], str | None]
"""The text of a further file that the project names (env_file); None: it is not there."""

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
SERVICE_NAME = re.compile(r"[a-zA-Z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A project, and what was said about its file without refusing it."""

    project: Project
    warnings: tuple[Finding, ...]


def check_name(name: str) -> str:
    """A project name given by hand, as it is. Raises ``UsageError`` with the peer's words."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f'invalid project name "{name}": must consist only of lowercase alphanumeric characters, hyphens, and '
            "underscores as well as start with a letter or number"
        )
    return name


def normal_name(name: str) -> str:
    """The project name that a directory's or the file's own name stands for: ``My App`` -> ``myapp``."""
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


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
    return _FileParser(
        problems=Problems(),
        document=_one_document(text, file),
        file=file,
        directory=directory,
        variables=dict(variables),
        read=read,
    ).run(name)


def _one_document(text: str, file: str) -> Document:
    found_documents = documents.load(text, file, dialect=Dialect.COMPOSE)
    if len(found_documents) == 1 and isinstance(found_documents[0].value, dict):
        return found_documents[0]
    problems = Problems()
    if not found_documents:
        raise problems.refused_file(file, "empty", "the file is empty, expected services")
    if len(found_documents) > 1:
        problems.error("several-documents", found_documents[1].source(()), "a Compose file has one document")
    else:
        text_found = found(found_documents[0].value)
        problems.error("wrong-type", found_documents[0].source(()), f"found {text_found}, expected a mapping")
    raise ManifestError(tuple(problems.findings))


@dataclass(slots=True)
class _FileParser:
    problems: Problems
    document: Document
    file: str
    directory: Path
    variables: dict[str, str]
    read: Read
    raw: JsonObject = field(default_factory=dict)

    def run(self, given: str | None) -> Parsed:
        name = self._name(given)
        self.variables["COMPOSE_PROJECT_NAME"] = name
        interpolated = self._interpolated(self.document.value)
        assert isinstance(interpolated, dict)
        self.raw = self._known_only(interpolated, (), fields.top_field)
        self.document = dataclasses.replace(self.document, value=self.raw)
        for key in self.raw.keys() - fields.TOP_KNOWN:
            self.problems.error("unknown-field", self.document.key_source((key,)), f'unknown field "{key}"', path=key)
        volumes = self._volumes(name)
        services = self._services(volumes)
        self._networks()
        self._references(services)
        self.problems.raise_errors()
        used = {mount.volume for one in services for mount in one.mounts if isinstance(mount, VolumeMount)}
        return Parsed(
            project=Project(
                name=name,
                directory=str(self.directory),
                files=(self.file,),
                services=services,
                volumes=tuple(volume for key, volume in volumes.items() if key in used),
            ),
            warnings=tuple(self.problems.findings),
        )

    def _name(self, given: str | None) -> str:
        if given is not None:
            return check_name(given)
        assert isinstance(self.document.value, dict)
        written = self.document.value.get("name")
        name = self._text(written, ("name",)) if isinstance(written, str) else self.directory.name
        normal = normal_name(name)
        if not normal:
            self.problems.error(
                "project-name",
                self.document.source(("name",)),
                f'no project name can be made of "{name}"',
                remedy="give one with -p",
            )
        return normal

    def _interpolated(self, value: JsonValue, path: Path_ = ()) -> JsonValue:
        match value:
            case str():
                return self._text(value, path)
            case dict():
                return {key: self._interpolated(one, (*path, key)) for key, one in value.items()}
            case list():
                return [self._interpolated(one, (*path, position)) for position, one in enumerate(value)]
            case _:
                return value

    def _text(self, text: str, path: Path_) -> str:
        if "$" not in text:
            return text
        interpolator = Interpolator(self.variables)
        try:
            result = interpolator.value(text)
        except BadInterpolation as error:
            self.problems.error("interpolation", self.document.source(path), str(error))
            return text
        for variable in interpolator.unset:
            self.problems.warn(
                "unset-variable",
                self.document.source(path),
                f'The "{variable}" variable is not set. Defaulting to a blank string.',
                once=variable,
            )
        return result

    def _known_only(
        self,
        mapping: JsonObject,
        path: Path_,
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
            result[key] = NamedVolume(key=key, name=written.name or f"{project}_{key}", labels=labels)
        return result

    def _services(self, volumes: dict[str, NamedVolume]) -> tuple[Service, ...]:
        result = []
        mapping = self._mapping("services")
        if not mapping:
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
                directory=self.directory,
                variables=self.variables,
                volumes=frozenset(volumes),
                read=self.read,
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
        path: Path_,
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
                    self.problems.error(
                        "unknown-service",
                        self.document.source(("services", service.name, "depends_on")),
                        f'service "{service.name}" depends on undefined service "{dependency.service}"',
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


def _without_extensions(value: JsonValue) -> JsonValue:
    """Without the ``x-`` keys of every mapping inside: they may stand anywhere and mean nothing to us."""
    match value:
        case dict():
            return {key: _without_extensions(one) for key, one in value.items() if not key.startswith("x-")}
        case list():
            return [_without_extensions(one) for one in value]
        case _:
            return value


def _placed(path: Path_, value: JsonValue) -> JsonValue:
    """``value`` inside as many mappings as ``path`` has steps, so that positions are found where it was written."""
    for step in reversed(path):
        value = {str(step): value}
    return value
