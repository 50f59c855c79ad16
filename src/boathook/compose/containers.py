"""What a service's container is: its name, labels and specification, and what its project's sandbox is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from boathook.compose import model
from boathook.compose.model import BindMount, NamedVolume, Project, Service, ServiceMount, TmpfsMount, VolumeMount
from boathook.errors import UnsupportedHere
from boathook.model import Target
from boathook.runtimes.base import (
    Container,
    ContainerSpec,
    Image,
    Mount,
    NetworkMode,
    SandboxId,
    SandboxSpec,
    Volume,
    exec_environment,
)

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A service whose image and users have been found: nothing about it can be refused any more."""

    service: Service
    image: Image
    uid: int
    gid: int
    argv: tuple[str, ...]


def container_name(project: Project, service: Service) -> str:
    """``<project>-<service>-1``, or the name that the file gives."""
    return service.container_name or f"{project.name}-{service.name}-1"


def selector(project: str) -> dict[str, str]:
    """The labels by which a project's containers are found; one-offs have another value."""
    return {model.PROJECT_LABEL: project, model.ONEOFF_LABEL: "False"}


def is_ours(container: Container) -> bool:
    """A container without a config hash is invisible to every command, as it is to the peer (spec 12.2)."""
    return bool(container.spec.labels.get(model.HASH_LABEL)) and model.SERVICE_LABEL in container.spec.labels


def service_of(container: Container) -> str:
    return container.spec.labels[model.SERVICE_LABEL]


def target_of(project: str, container: Container) -> Target:
    """The container as events name it: by its short name, in its project."""
    return Target(
        kind="container",
        scope=project,
        name=model.short_name(project, container.spec.name),
        instance=container.id,
    )


def container_labels(project: Project, prepared: Prepared) -> dict[str, str]:
    """The file's labels, with the peer's laid over them (spec 12.2)."""
    service = prepared.service
    return dict(service.labels) | {
        model.PROJECT_LABEL: project.name,
        model.SERVICE_LABEL: service.name,
        model.NUMBER_LABEL: "1",
        model.ONEOFF_LABEL: "False",
        model.HASH_LABEL: service.config_hash,
        model.IMAGE_LABEL: prepared.image.reference,
        model.DEPENDS_ON_LABEL: ",".join(
            f"{one.service}:{one.condition}:{str(one.restart).lower()}" for one in service.depends_on
        ),
        model.VERSION_LABEL: model.PEER_VERSION,
        model.DIRECTORY_LABEL: project.directory,
        model.FILES_LABEL: ",".join(project.files),
    }


def volume_labels(project: Project, volume: NamedVolume) -> dict[str, str]:
    return dict(volume.labels) | {
        model.PROJECT_LABEL: project.name,
        model.VOLUME_LABEL: volume.key,
        model.VERSION_LABEL: model.PEER_VERSION,
    }


def config_hash_of(container: Container) -> str:
    return container.spec.labels.get(model.HASH_LABEL, "")


def sandbox_spec(project: Project, network: NetworkMode, *, user: int | None) -> SandboxSpec:
    """One sandbox for the whole project: every service and container name means loopback in it.

    ``user`` is the one uid that all its containers have, if they have one (see ``SandboxSpec.user``).
    """
    names = dict.fromkeys(name for one in project.services for name in (one.name, container_name(project, one)))
    return SandboxSpec(
        name=project.name,
        hostname=project.name,
        network=network,
        hosts=tuple((LOOPBACK, name) for name in names),
        labels={model.PROJECT_LABEL: project.name},
        user=user,
    )


def container_spec(
    project: Project, prepared: Prepared, sandbox: SandboxId, volumes: Mapping[str, Volume]
) -> ContainerSpec:
    """The container of a service, with everything that the image adds."""
    service, config = prepared.service, prepared.image.config
    return ContainerSpec(
        name=container_name(project, service),
        labels=container_labels(project, prepared),
        sandbox=sandbox,
        image=prepared.image,
        command=prepared.argv,
        environment=tuple(exec_environment(config.environment, service.environment).items()),
        working_dir=service.working_dir or config.working_dir or "/",
        user=f"{prepared.uid}:{prepared.gid}",
        mounts=tuple(_mount(mount, volumes) for mount in service.mounts),
        stop_signal=service.stop_signal or config.stop_signal or "SIGTERM",
    )


def _mount(mount: ServiceMount, volumes: Mapping[str, Volume]) -> Mount:
    match mount:
        case TmpfsMount():
            raise UnsupportedHere(f'a tmpfs at "{mount.target}" is not there yet')
        case BindMount():
            return Mount(source=mount.path, target=mount.target, read_only=mount.read_only)
        case VolumeMount():
            volume = volumes[mount.volume]
            # A volume that exists only in a simulation has no path; its name is as good there.
            return Mount(source=str(volume.path or volume.name), target=mount.target, read_only=mount.read_only)
