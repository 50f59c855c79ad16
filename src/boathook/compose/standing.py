"""What is known of a project from its containers alone: their owners, their file, and a model without the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from boathook.compose import model
from boathook.compose.model import STOP_GRACE, Dependency, NamedVolume, Network, Project, RestartPolicy, Service
from boathook.compose.place import Member
from boathook.errors import NotFound
from boathook.home import Home
from boathook.model import Source
from boathook.runtimes.base import PullPolicy
from boathook.runtimes.records import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What containers were made from, as their labels tell it."""

    files: tuple[str, ...]
    directory: str
    environment_files: tuple[str, ...]


def living_owners(home: Home, members: Iterable[Member]) -> tuple[int, ...]:
    """The processes, still alive, that these containers belong to. Those of an engine belong to none."""
    records = Records(home)
    owners = set()
    for member in members:
        if member.owner_alive:
            try:
                owners.add(records.container(member.id).owner.pid)
            except NotFound:
                continue
    return tuple(sorted(owners))


def origin_of(members: Iterable[Member]) -> Origin | None:
    """Of the newest container whose files are all still there; None: there is none such."""
    for member in reversed(tuple(members)):
        files = _listed(member, model.FILES_LABEL)
        if files and all(Path(one).is_file() for one in files):
            return Origin(
                files=files,
                directory=member.labels.get(model.DIRECTORY_LABEL, ""),
                environment_files=tuple(
                    one for one in _listed(member, model.ENVIRONMENT_FILES_LABEL) if Path(one).is_file()
                ),
            )
    return None


def project_without_file(name: str, members: Sequence[Member], volumes: Iterable[tuple[str, str]]) -> Project:
    """The project as its containers' labels tell it. Nothing tells of hooks, so it has none.

    ``volumes``: key and name of each that is there.
    """
    directories = [one.labels.get(model.DIRECTORY_LABEL, "") for one in members]
    there = {one.service for one in members}
    services = {one.service: _service(one, there) for one in members}
    networks = {network for one in members for network in one.networks if network.startswith(f"{name}_")}
    return Project(
        name=name,
        directory=directories[-1] if directories else "",
        files=(),
        environment_files=(),
        networks=tuple(
            Network(key=one.removeprefix(f"{name}_"), name=one, external=False, form={}) for one in sorted(networks)
        ),
        disabled=(),
        services=tuple(services.values()),
        volumes=tuple(NamedVolume(key=key, name=volume, labels=(), external=False, form={}) for key, volume in volumes),
    )


def _listed(member: Member, label: str) -> tuple[str, ...]:
    return tuple(one for one in member.labels.get(label, "").split(",") if one)


def _service(member: Member, there: set[str]) -> Service:
    name = member.service
    needed = [one.split(":") for one in _listed(member, model.DEPENDS_ON_LABEL) if one.count(":") == 2]
    return Service(
        name=name,
        image=member.image,
        pull=PullPolicy.IF_NOT_PRESENT,
        entrypoint=None,
        command=member.command,
        user=member.user,
        working_dir="",
        environment=(),
        mounts=(),
        # Edges to what does not stand any more are no wait (spec 13.2).
        depends_on=tuple(
            Dependency(service=service, condition=condition, restart=restart == "true", required=False)
            for service, condition, restart in needed
            if service in there
        ),
        stop_signal=member.stop_signal,
        stop_grace=STOP_GRACE,
        container_name="",
        post_start=(),
        pre_stop=(),
        pre_start=(),
        own_on_failure=frozenset(),
        files=(),
        build=None,
        build_always=False,
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
        config_hash=member.config_hash,
        source=Source(file="", line=None, column=None, path=f"services.{name}"),
        sources={},
    )
