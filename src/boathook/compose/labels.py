"""How a project's containers are called and labelled, so that the peer's tools know them (spec 12). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from boathook.compose import model
from boathook.compose.model import Dependency, Project, Service

MAKER_LABEL = "boathook.io/maker"
"""On what was made here, whose config hash is therefore ours to compare."""
MAKER = "boathook"

SHORT_ID = 12
"""How many digits of an id stand in a name."""


def container_name(project: Project, service: Service, number: int) -> str:
    """``<project>-<service>-<number>``, or the name that the file gives."""
    return service.container_name or f"{project.name}-{service.name}-{number}"


def temporary_name(replaced: str, final: str) -> str:
    """Under which a container is made that takes the place of another one (its id), which still has the name."""
    return f"{replaced[:SHORT_ID]}_{final}"


def is_temporary(name: str, final: str) -> bool:
    """Whether a container that should have the name ``final`` was left half-way to taking another's place."""
    prefix, _, rest = name.partition("_")
    return rest == final and 0 < len(prefix) <= SHORT_ID


def oneoff_name(project: Project, service: Service, slug: str) -> str:
    return f"{project.name}-{service.name}-run-{slug[:SHORT_ID]}"


def container_labels(
    project: Project, service: Service, *, image_id: str, number: int, replaces: str = ""
) -> dict[str, str]:
    """Those of a service's container; ``replaces``: what the one is called whose place it takes."""
    labels = _labels(project, service, image_id) | {model.NUMBER_LABEL: str(number), model.ONEOFF_LABEL: "False"}
    if replaces:
        labels[model.REPLACE_LABEL] = replaces
    return labels


def oneoff_labels(
    project: Project, service: Service, *, image_id: str, slug: str, given: Iterable[tuple[str, str]] = ()
) -> dict[str, str]:
    """Those of a one-off: it has no number; ``given`` are its own beside the service's."""
    labels = _labels(project, service, image_id, dict(given))
    return labels | {model.ONEOFF_LABEL: "True", model.SLUG_LABEL: slug}


def replaced_name(service: Service, number: int) -> str:
    """What the label of a container that takes another's place says."""
    return service.container_name or f"{service.name}-{number}"


def dependencies_label(depends_on: Iterable[Dependency]) -> str:
    return ",".join(f"{one.service}:{one.condition}:{str(one.restart).lower()}" for one in depends_on)


def _labels(
    project: Project, service: Service, image_id: str, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The file's labels, with the peer's laid over them."""
    labels = (
        dict(service.labels)
        | dict(given or {})
        | {
            model.PROJECT_LABEL: project.name,
            model.SERVICE_LABEL: service.name,
            model.HASH_LABEL: service.config_hash,
            model.IMAGE_LABEL: image_id,
            model.DEPENDS_ON_LABEL: dependencies_label(service.depends_on),
            model.VERSION_LABEL: model.PEER_VERSION,
            model.DIRECTORY_LABEL: project.directory,
            model.FILES_LABEL: ",".join(project.files),
            MAKER_LABEL: MAKER,
        }
    )
    if project.environment_files:
        labels[model.ENVIRONMENT_FILES_LABEL] = ",".join(project.environment_files)
    return labels
