"""What of a project stands in the runtime: who owns it, where its file was, and a model of it without the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from boathook.compose import model
from boathook.compose.containers import config_hash_of, is_ours, selector, service_of
from boathook.compose.model import Dependency, NamedVolume, Project, RestartPolicy, Service
from boathook.compose.parse_service import STOP_GRACE
from boathook.errors import NotFound
from boathook.home import Home
from boathook.model import Source
from boathook.runtimes.base import Container, ContainerRuntime, PullPolicy, Volume
from boathook.runtimes.records import Records


async def standing_containers(runtime: ContainerRuntime, project: str) -> tuple[Container, ...]:
    """All of the project's containers, of whatever service."""
    return tuple(one for one in await runtime.list(selector(project)) if is_ours(one))


def living_owners(home: Home, containers: Iterable[Container]) -> tuple[int, ...]:
    """The processes, still alive, that these containers belong to."""
    records = Records(home)
    owners = set()
    for container in containers:
        if container.owner_alive:
            try:
                owners.add(records.container(container.id).owner.pid)
            except NotFound:
                continue
    return tuple(sorted(owners))


def recorded_files(containers: Iterable[Container]) -> tuple[str, ...]:
    """The Compose files that the newest container's labels name, if all of them are still there."""
    for container in reversed(tuple(containers)):
        files = tuple(one for one in container.spec.labels.get(model.FILES_LABEL, "").split(",") if one)
        if files and all(Path(one).is_file() for one in files):
            return files
    return ()


def project_without_file(name: str, containers: Sequence[Container], volumes: Iterable[Volume]) -> Project:
    """The project as its containers' labels tell it. Nothing tells of hooks, so it has none."""
    directories = [one.spec.labels.get(model.DIRECTORY_LABEL, "") for one in containers]
    there = {service_of(one) for one in containers}
    services = {service_of(one): _service(one, there) for one in containers}
    return Project(
        name=name,
        directory=directories[-1] if directories else "",
        files=(),
        environment_files=(),
        networks=(),
        disabled=(),
        services=tuple(services.values()),
        volumes=tuple(
            NamedVolume(
                key=volume.labels.get(model.VOLUME_LABEL, volume.name),
                name=volume.name,
                labels=(),
                external=False,
                form={},
            )
            for volume in volumes
        ),
    )


def _service(container: Container, there: set[str]) -> Service:
    spec, name = container.spec, service_of(container)
    needed = [one.split(":") for one in spec.labels.get(model.DEPENDS_ON_LABEL, "").split(",") if one.count(":") == 2]
    return Service(
        name=name,
        image=spec.image.reference,
        pull=PullPolicy.IF_NOT_PRESENT,
        entrypoint=None,
        command=spec.command,
        user=spec.user,
        working_dir=spec.working_dir,
        environment=spec.environment,
        mounts=(),
        # Edges to what does not stand any more are no wait (spec 13.2).
        depends_on=tuple(
            Dependency(service=service, condition=condition, restart=restart == "true", required=False)
            for service, condition, restart in needed
            if service in there
        ),
        stop_signal=spec.stop_signal,
        stop_grace=STOP_GRACE,
        container_name=spec.name,
        post_start=(),
        pre_stop=(),
        pre_start=(),
        files=(),
        build=None,
        pull_every=None,
        platform="",
        scale=1,
        healthcheck=None,
        healthcheck_disabled=False,
        restart=RestartPolicy(name="no", retries=0),
        networks=(),
        network_mode="",
        ports=(),
        tty=False,
        stdin_open=False,
        privileged=False,
        read_only=False,
        capabilities_add=(),
        capabilities_drop=(),
        hostname="",
        extra_hosts=(),
        attach=True,
        form={},
        labels=(),
        config_hash=config_hash_of(container),
        source=Source(file="", line=None, column=None, path=f"services.{name}"),
    )
