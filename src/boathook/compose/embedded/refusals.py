"""What of a project cannot be where its containers share one network and no engine runs, and what is not enforced.

Everything is said before anything starts, at the field that says it. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from boathook.compose.embedded.specification import HOST_GATEWAY, exposed_ports
from boathook.compose.model import NamedVolume, Port, Project, Service, VolumeMount
from boathook.compose.reading.problems import Problems
from boathook.model import JsonValue
from boathook.objects import mapping, mappings, text, texts
from boathook.runtimes.base import NetworkMode

ON_DOCKER = "use --on docker"
ON_DOCKER_OR_HOST = "use --on docker; or --network host, where a port is reachable by its own number"

REFUSED = {
    "devices": "no device is given to a container here",
    "gpus": "no device is given to a container here",
    "external_links": "containers of other projects cannot be reached from here",
    "ipc": "all containers of a project share one IPC namespace here",
    "pid": "each container has processes of its own here",
    "uts": "each container has a host name of its own here",
    "userns_mode": "user namespaces are as this place needs them",
    "cgroup": "there are no control groups here",
    "runtime": "there is no other runtime here",
    "volumes_from": "volumes are not taken from other containers here",
}
"""Fields that a service relies on and that cannot be had."""

WITHOUT_EFFECT = {
    "cpus": "limits of processors are not enforced",
    "cpu_shares": "limits of processors are not enforced",
    "cpu_quota": "limits of processors are not enforced",
    "cpu_period": "limits of processors are not enforced",
    "cpu_count": "limits of processors are not enforced",
    "cpu_percent": "limits of processors are not enforced",
    "cpu_rt_period": "limits of processors are not enforced",
    "cpu_rt_runtime": "limits of processors are not enforced",
    "cpuset": "limits of processors are not enforced",
    "mem_limit": "limits of memory are not enforced",
    "mem_reservation": "limits of memory are not enforced",
    "mem_swappiness": "limits of memory are not enforced",
    "memswap_limit": "limits of memory are not enforced",
    "pids_limit": "limits of processes are not enforced",
    "ulimits": "limits are not enforced",
    "shm_size": "/dev/shm has the machine's own size",
    "oom_kill_disable": "limits of memory are not enforced",
    "oom_score_adj": "limits of memory are not enforced",
    "blkio_config": "limits of disks are not enforced",
    "cgroup_parent": "there are no control groups",
    "device_cgroup_rules": "no device is given to a container",
    "storage_opt": "limits of disks are not enforced",
    "logging": "output is kept by Boathook itself",
    "dns": "names are those of the project",
    "dns_search": "names are those of the project",
    "dns_opt": "names are those of the project",
    "domainname": "containers have no domain",
    "mac_address": "there is no Ethernet here",
    "sysctls": "kernel parameters are not set",
    "platform": "the machine's own platform is used",
    "tty": "there is no terminal",
    "stdin_open": "standard input is empty",
}
"""Fields that change nothing here which a service could rely on."""


def refuse(project: Project, services: Sequence[Service], network: NetworkMode, problems: Problems) -> None:
    """Every reason why these services cannot be here becomes an error in ``problems``, the rest a warning."""
    for service in services:
        _refuse_fields(service, problems)
        _refuse_network_mode(service, network, problems)
        _refuse_ports(service, network, problems)
        _refuse_volumes(project, service, problems)
        _warn_of_fields(service, network, problems)
        _warn_of_addresses(service, problems)
    _refuse_shared_ports(services, problems)
    _warn_of_networks(project, services, problems)


def _refuse_fields(service: Service, problems: Problems) -> None:
    for name, why in REFUSED.items():
        if _is_set(service.form.get(name)):
            message = f'"{name}" of service "{service.name}" is not supported by --on local: {why}'
            problems.error("not-here", service.at(name), message, remedy=ON_DOCKER)
    for position, mount in enumerate(mappings(service.form.get("volumes"))):
        if mount.get("type") not in ("bind", "volume", "tmpfs"):
            message = (
                f'a mount of type "{mount.get("type")}" in service "{service.name}" is not supported by --on local'
            )
            problems.error("not-here", service.at(f"volumes[{position}].type"), message, remedy=ON_DOCKER)
    for link in texts(service.form.get("links")):
        target, _, alias = link.partition(":")
        if alias and alias != target:
            message = f'link "{link}" of service "{service.name}" is not supported by --on local: it renames a service'
            problems.error("not-here", service.at("links"), message, remedy=f"use a network alias; or {ON_DOCKER}")


def _refuse_network_mode(service: Service, network: NetworkMode, problems: Problems) -> None:
    mode = service.network_mode
    if mode in ("", "bridge", "default") or mode.startswith("service:"):
        return
    if mode == "host" and network is NetworkMode.HOST:
        return
    said = f'network_mode "{mode}" of service "{service.name}"'
    where = service.at("network_mode")
    if mode == "none":
        problems.warn("one-network", where, f"{said} has no effect with --on local: all services share one network")
    elif mode == "host":
        message = f"{said} is not supported by --on local: all services share one network"
        problems.error("not-here", where, message, remedy=f"use --network host for all of them; or {ON_DOCKER}")
    else:
        problems.error("not-here", where, f"{said} is not supported by --on local", remedy=ON_DOCKER)


def _refuse_ports(service: Service, network: NetworkMode, problems: Problems) -> None:
    for position, port in enumerate(service.ports):
        where = service.at(f"ports[{position}]")
        if network is NetworkMode.POD:
            message = f'port {_said(port)} of service "{service.name}" cannot be published by --on local'
            problems.error("published-port", where, message, remedy=ON_DOCKER_OR_HOST)
        elif port.published not in ("", str(port.target)):
            message = (
                f'port {_said(port)} of service "{service.name}" cannot be published by --network host: '
                f"the service is reachable at {port.target}, which it listens on"
            )
            problems.error("published-port", where, message, remedy=f"publish the same number; or {ON_DOCKER}")


def _refuse_volumes(project: Project, service: Service, problems: Problems) -> None:
    """A volume is a directory here, whatever else its driver would make of it."""
    keys = {mount.volume for mount in service.mounts if isinstance(mount, VolumeMount)}
    for volume in project.volumes:
        what = _driver_of(volume)
        if what and volume.key in keys and not volume.external:
            message = f'volume "{volume.key}" of service "{service.name}" is not supported by --on local: it has {what}'
            problems.error("not-here", service.at("volumes"), message, remedy=ON_DOCKER)
    for position, written in enumerate(mappings(service.form.get("volumes"))):
        for option in ("propagation", "selinux"):
            if text(written, "bind", option):
                message = f'"{option}" of a bind mount of service "{service.name}" has no effect with --on local'
                problems.warn("no-effect", service.at(f"volumes[{position}].bind.{option}"), message)


def _driver_of(volume: NamedVolume) -> str:
    """What it has that only a driver could make of it; empty: nothing."""
    driver = text(volume.form, "driver")
    if driver not in ("", "local"):
        return f'driver "{driver}"'
    return "options of its driver" if volume.form.get("driver_opts") else ""


def _warn_of_addresses(service: Service, problems: Problems) -> None:
    for attachment in service.networks:
        for option in ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address"):
            if _is_set(attachment.form.get(option)):
                message = (
                    f'"{option}" of service "{service.name}" has no effect with --on local: '
                    "it is reached by its name, on loopback"
                )
                where = service.at(f"networks.{attachment.network}.{option}")
                problems.warn("no-effect", where, message, remedy=ON_DOCKER)


def _said(port: Port) -> str:
    return f"{port.published}:{port.target}" if port.published else str(port.target)


def _refuse_shared_ports(services: Iterable[Service], problems: Problems) -> None:
    """One network has each port once."""
    taken: dict[tuple[int, str], str] = {}
    for service in services:
        for field, number, protocol in dict.fromkeys(_listens(service)):
            other = taken.setdefault((number, protocol), service.name)
            if other != service.name:
                message = (
                    f'services "{other}" and "{service.name}" both listen on port {number}/{protocol}, '
                    "and all services of a project share one network here"
                )
                problems.error("shared-port", service.at(field), message, remedy=ON_DOCKER)
            elif service.scale > 1:
                message = (
                    f'{service.scale} containers of service "{service.name}" cannot all listen on port '
                    f"{number}/{protocol}: all containers of a project share one network here"
                )
                problems.error("shared-port", service.at(field), message, remedy=ON_DOCKER)


def _listens(service: Service) -> Iterator[tuple[str, int, str]]:
    """The ports that the file says it listens on, with the field that says so."""
    for position, port in enumerate(service.ports):
        yield f"ports[{position}]", port.target, port.protocol
    published = {(port.target, port.protocol) for port in service.ports}
    for field, number, protocol in exposed_ports(service):
        if (number, protocol) not in published:
            yield field, number, protocol


def _warn_of_networks(project: Project, services: Sequence[Service], problems: Problems) -> None:
    """Networks that keep services apart do not do so here."""
    for position, one in enumerate(services):
        for other in services[position + 1 :]:
            mine, theirs = ({at.network for at in service.networks} for service in (one, other))
            if mine and theirs and not mine & theirs:
                message = (
                    f'services "{one.name}" and "{other.name}" have no network in common, '
                    "but reach each other here: all services of a project share one network"
                )
                problems.warn("one-network", other.at("networks"), message, remedy=ON_DOCKER, once="one-network")
    for network in project.networks:
        if network.external:
            message = f'external network "{network.name}" is not joined by --on local'
            source = services[0].source if services else None
            if source is not None:
                problems.warn("one-network", source, message, remedy=ON_DOCKER, once=f"external-{network.key}")


def _warn_of_fields(service: Service, network: NetworkMode, problems: Problems) -> None:
    for name, address in service.extra_hosts:
        if address == HOST_GATEWAY and network is NetworkMode.POD:
            message = f'"{name}" of service "{service.name}" is left out: the machine is not reached from --network pod'
            problems.warn("no-effect", service.at("extra_hosts"), message, remedy="use --network host")
    for name, why in WITHOUT_EFFECT.items():
        if _is_set(service.form.get(name)):
            message = f'"{name}" of service "{service.name}" has no effect with --on local: {why}'
            problems.warn("no-effect", service.at(name), message)
    if service.pull_every is not None:
        why = "an image that is here is not pulled again for its age"
        message = f'"pull_policy" of service "{service.name}" has no effect with --on local: {why}'
        problems.warn("no-effect", service.at("pull_policy"), message)
    for position, option in enumerate(texts(service.form.get("security_opt"))):
        if not option.startswith("no-new-privileges"):
            message = f'"security_opt" "{option}" of service "{service.name}" has no effect with --on local'
            problems.warn("no-effect", service.at(f"security_opt[{position}]"), message)
    resources = mapping(service.form, "deploy", "resources")
    if resources:
        why = "limits are not enforced"
        message = f'"deploy.resources" of service "{service.name}" has no effect with --on local: {why}'
        problems.warn("no-effect", service.at("deploy.resources"), message)


def _is_set(value: JsonValue) -> bool:
    return value not in (None, "", False) and value != [] and value != {}
