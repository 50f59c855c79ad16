"""Text of a Compose file -> :class:`Project`. Every problem of the file in one go, each with its position."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from boathook.compose.model import NamedVolume, Network, Project
from boathook.compose.reading.checks import check_project
from boathook.compose.reading.loading import FileText, Loaded, Read, check_name, load, normal_name
from boathook.compose.reading.normal import normal_form
from boathook.compose.reading.parse_service import ProjectForm, service_from
from boathook.model import Finding, JsonObject
from boathook.objects import mapping, text

__all__ = ["Parsed", "Read", "check_name", "normal_name", "parse_loaded", "parse_project"]


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
    form = normal_form(loaded)
    check_project(loaded, form)
    loaded.problems.raise_errors()
    return Parsed(project=_project(loaded, form), warnings=tuple(loaded.problems.findings))


def _project(loaded: Loaded, form: JsonObject) -> Project:
    whole = ProjectForm(form=form, variables=loaded.variables)
    written = loaded.document.tree.get("services")
    nodes = written.entries() if written is not None else {}
    return Project(
        name=loaded.name,
        directory=str(loaded.directory),
        files=loaded.files,
        environment_files=loaded.environment_files,
        services=tuple(service_from(name, whole, nodes[name]) for name in whole.services),
        networks=tuple(_network(key, mapping(one)) for key, one in mapping(form, "networks").items()),
        volumes=tuple(_volume(key, mapping(one)) for key, one in mapping(form, "volumes").items()),
        disabled=tuple(loaded.disabled),
    )


def _network(key: str, form: JsonObject) -> Network:
    return Network(key=key, name=text(form, "name"), external=form.get("external") is True, form=form)


def _volume(key: str, form: JsonObject) -> NamedVolume:
    return NamedVolume(
        key=key,
        name=text(form, "name"),
        labels=tuple((name, str(value)) for name, value in mapping(form, "labels").items()),
        external=form.get("external") is True,
        form=form,
    )
