"""What a service's container is in the words of a runtime, and what the sandbox of its project is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from boathook.compose import labels, model
from boathook.compose.embedded.facts import LABEL, Anonymous, Facts, written
from boathook.compose.model import (
    BindMount,
    Healthcheck,
    Project,
    Service,
    ServiceMount,
    TmpfsMount,
    VolumeMount,
)
from boathook.compose.options import OneOff
from boathook.compose.place import Making, PublishedPort, Ready
from boathook.model import RunContainer
from boathook.objects import mapping, text
from boathook.runtimes.assumptions import RUNS_HOOK
from boathook.runtimes.base import (
    ContainerSpec,
    Image,
    ImageConfig,
    Mount,
    NetworkMode,
    SandboxId,
    SandboxSpec,
    Tmpfs,
    exec_environment,
)

LOOPBACK = "127.0.0.1"
HOST_GATEWAY = "host-gateway"
"""An engine's word for the machine itself in ``extra_hosts``."""
TMPFS_MODE = 0o1777
HELPER_NAME = "pre_start"


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """As whom a container runs, in numbers."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.uid}:{self.gid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts:
    """What a container sees of the outside, found and made."""

    binds: tuple[Mount, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    sources: tuple[str, ...] = ()
    """Of those that the file names: volumes' full names, paths."""
    anonymous: tuple[Anonymous, ...] = ()
    files: str = ""


def network_names(project: Project, service: Service) -> tuple[str, ...]:
    """Full names of the service's networks; with a mode of its own, that."""
    if service.network_mode:
        return (service.network_mode,)
    return tuple(project.network(one.network).name for one in service.networks)


def sandbox_spec(project: Project, network: NetworkMode, *, user: int | None) -> SandboxSpec:
    """One sandbox for the whole project: every name of a service or container means loopback in it.

    ``user`` is the one uid that all its containers have, if they have one (see ``SandboxSpec.user``).
    """
    names = dict.fromkeys(name for one in project.services for name in service_names(project, one))
    return SandboxSpec(
        name=project.name,
        hostname=project.name,
        network=network,
        hosts=tuple((LOOPBACK, name) for name in names),
        labels={model.PROJECT_LABEL: project.name},
        user=user,
    )


def service_names(project: Project, service: Service) -> tuple[str, ...]:
    """All names by which others reach it: its own, its aliases, those of its containers."""
    aliases = (alias for one in service.networks for alias in one.aliases)
    containers = (labels.container_name(project, service, number) for number in range(1, service.scale + 1))
    hostname = (service.hostname,) if service.hostname else ()
    return tuple(dict.fromkeys((service.name, *aliases, *containers, *hostname)))


def container_names(service: Service, making: Making) -> tuple[str, ...]:
    """What one container adds to the names of its project."""
    return (making.name, service.hostname) if service.hostname else (making.name,)


def missing_names(spec: SandboxSpec, names: Iterable[str]) -> tuple[tuple[str, str], ...]:
    known = {name for _, name in spec.hosts}
    return tuple((LOOPBACK, name) for name in dict.fromkeys(names) if name not in known)


def container_spec(
    project: Project, ready: Ready, making: Making, sandbox: SandboxId, mounts: Mounts, who: Who, network: NetworkMode
) -> ContainerSpec:
    """The container of a service, with everything that the image adds."""
    service, config, oneoff = ready.service, ready.image.config, making.oneoff or OneOff()
    facts = Facts(
        image_id=ready.image_id,
        stop_grace=service.stop_grace,
        restart=model.RestartPolicy(name="no", retries=0) if making.oneoff else service.restart,
        healthcheck=health_of(service, config),
        shell=config.shell or ("/bin/sh", "-c"),
        networks=network_names(project, service),
        mounts=mounts.sources,
        ports=ports_of(service, published=making.oneoff is None or oneoff.service_ports),
        anonymous=mounts.anonymous,
        files=mounts.files,
    )
    over = (*service.environment, *oneoff.environment)
    return ContainerSpec(
        name=making.name,
        labels={**making.labels, LABEL: written(facts)},
        sandbox=sandbox,
        image=ready.image,
        command=argv(service, config, oneoff),
        environment=tuple(exec_environment(config.environment, over).items()),
        working_dir=oneoff.working_dir or service.working_dir or config.working_dir or "/",
        user=str(who),
        privileged=service.privileged,
        capabilities_add=(*service.capabilities_add, *oneoff.capabilities_add),
        capabilities_drop=(*service.capabilities_drop, *oneoff.capabilities_drop),
        read_only_root=service.read_only,
        mounts=mounts.binds,
        tmpfs=mounts.tmpfs,
        hostname=service.hostname or making.name,
        hosts=hosts_of(service, network),
        init=service.form.get("init") is True,
        supplemental_groups=who.groups,
        no_new_privileges=no_new_privileges(service),
        stop_signal=service.stop_signal or config.stop_signal or "SIGTERM",
    )


def helper_spec(
    project: Project,
    ready: Ready,
    beside: ContainerSpec,
    image: Image,
    handler: RunContainer,
    *,
    name: str,
    label: str,
    user: tuple[int, int],
) -> ContainerSpec:
    """A helper has the networks and mounts of the container that it is for; user and directory are the service's.

    The image's entrypoint stays (spec 9), and so does what the service says where the hook is silent (spec 15).
    """
    service, config = ready.service, image.config
    own = (*service.environment, *handler.environment)
    return ContainerSpec(
        name=name,
        labels={
            model.PROJECT_LABEL: project.name,
            model.SERVICE_LABEL: service.name,
            model.VERSION_LABEL: model.PEER_VERSION,
            model.HOOK_LABEL: HELPER_NAME,
            RUNS_HOOK: label,
        },
        sandbox=beside.sandbox,
        image=image,
        command=config.entrypoint + (config.command if handler.command is None else handler.command),
        environment=tuple(exec_environment(config.environment, own).items()),
        working_dir=handler.working_dir or service.working_dir or config.working_dir or "/",
        user=f"{user[0]}:{user[1]}",
        privileged=handler.privileged,
        mounts=beside.mounts,
        tmpfs=beside.tmpfs,
        hostname=beside.hostname,
        hosts=beside.hosts,
    )


def argv(service: Service, config: ImageConfig, oneoff: OneOff) -> tuple[str, ...]:
    """The whole argument vector. An entrypoint that is given drops the image's command, as engines do."""
    entrypoint = service.entrypoint if oneoff.entrypoint is None else oneoff.entrypoint
    command = service.command if oneoff.command is None else oneoff.command
    if oneoff.entrypoint is not None and oneoff.command is None:
        command = None
    if entrypoint is not None:
        return entrypoint + (command or ())
    return config.entrypoint + (command or config.command)


def health_of(service: Service, config: ImageConfig) -> Healthcheck | None:
    """The check that is run, if there is one: what the service leaves unsaid is the image's (moby ``merge``)."""
    of_image, check = config.healthcheck, service.healthcheck
    if service.healthcheck_disabled or (check is None and of_image is None):
        return None
    if of_image is None:
        return check if check is not None and check.test else None
    said = mapping(service.form, "healthcheck")
    over = check or _DEFAULT_CHECK

    def span(field: str) -> timedelta:
        own: timedelta = getattr(over, field)
        return own if field in said else getattr(of_image, field) or own

    return Healthcheck(
        test=over.test or of_image.test,
        interval=span("interval"),
        timeout=span("timeout"),
        start_period=span("start_period"),
        start_interval=span("start_interval"),
        retries=over.retries if "retries" in said else of_image.retries or over.retries,
    )


_DEFAULT_CHECK = Healthcheck(
    test=(),
    interval=timedelta(seconds=30),
    timeout=timedelta(seconds=30),
    start_period=timedelta(0),
    start_interval=timedelta(seconds=5),
    retries=3,
)
"""An engine's defaults."""


def hosts_of(service: Service, network: NetworkMode) -> tuple[tuple[str, str], ...]:
    """Its own further names. The machine is reached only in the machine's network."""
    written = ((LOOPBACK if address == HOST_GATEWAY else address, name) for name, address in service.extra_hosts)
    if network is NetworkMode.HOST:
        return tuple(written)
    return tuple((address, name) for name, address in service.extra_hosts if address != HOST_GATEWAY)


def no_new_privileges(service: Service) -> bool:
    listed = service.form.get("security_opt")
    said = {str(one).replace("=", ":") for one in listed} if isinstance(listed, list) else set()
    return bool(said & {"no-new-privileges", "no-new-privileges:true"})


def ports_of(service: Service, *, published: bool) -> tuple[PublishedPort, ...]:
    """Ports are only let through where they are reachable by their own number (see ``refusals``)."""
    found = {
        (one.target, one.protocol): PublishedPort(
            target=one.target, protocol=one.protocol, host_ip=one.host_ip or "0.0.0.0", published=one.target
        )
        for one in (service.ports if published else ())
    }
    for _, number, protocol in exposed_ports(service):
        nowhere = PublishedPort(target=number, protocol=protocol, host_ip="", published=0)
        found.setdefault((number, protocol), nowhere)
    return tuple(found.values())


def exposed_ports(service: Service) -> Iterator[tuple[str, int, str]]:
    """The ports of ``expose``, each with the field that says so."""
    listed = service.form.get("expose")
    for position, exposed in enumerate(listed if isinstance(listed, list) else ()):
        numbers, _, protocol = str(exposed).partition("/")
        first, _, last = numbers.partition("-")
        if first.isdigit() and (last or first).isdigit():
            for number in range(int(first), int(last or first) + 1):
                yield f"expose[{position}]", number, protocol or "tcp"


def tmpfs_of(mount: TmpfsMount) -> Tmpfs:
    mode = TMPFS_MODE if mount.mode is None else mount.mode
    return Tmpfs(target=mount.target, read_only=mount.read_only, size=mount.size, mode=mode)


def last_of_each_target(mounts: Sequence[ServiceMount]) -> tuple[ServiceMount, ...]:
    return tuple({one.target: one for one in mounts}.values())


def oneoff_mounts(project: Project, oneoff: OneOff) -> tuple[ServiceMount, ...]:
    """What ``run -v`` says, in the short form."""
    from boathook.compose.reading.shortforms import volume

    keys: Mapping[str, str] = {one.name: one.key for one in project.volumes}
    made: list[ServiceMount] = []
    for written_ in oneoff.volumes:
        form = volume(written_)
        source, target, read_only = text(form, "source"), text(form, "target"), form.get("read_only") is True
        if form.get("type") == "bind":
            made.append(BindMount(path=source, target=target, read_only=read_only, create=True))
        else:
            nocopy = mapping(form, "volume").get("nocopy") is True
            key = keys.get(source, source)
            made.append(VolumeMount(volume=key, target=target, read_only=read_only, nocopy=nocopy, subpath=""))
    return tuple(made)
