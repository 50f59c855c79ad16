"""A container in its networks, in the engine's words. Nothing here does anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from boathook.compose.engine.form import text, texts, whole
from boathook.compose.model import Attachment, Project, Service
from boathook.compose.place import Making
from boathook.objects import mapping

Endpoint = dict[str, Any]

INTERFACE_NAME = "com.docker.network.endpoint.ifname"


def network_mode(project: Project, service: Service, containers: Mapping[str, str]) -> str:
    """The network that a container is made in: of several the first, the others are joined."""
    kind, _, name = service.network_mode.partition(":")
    if kind == "service":
        return f"container:{containers[name]}"
    if service.network_mode:
        return service.network_mode
    return project.network(service.networks[0].network).name if service.networks else "none"


def endpoints(
    project: Project, service: Service, making: Making, links: Sequence[str], *, several: bool
) -> dict[str, Endpoint]:
    """By the networks' full names; without ``several`` only the first."""
    chosen = service.networks if several else service.networks[:1]
    result = {}
    for position, one in enumerate(chosen):
        made = endpoint(project, service, one, making, links)
        if position == 0 and not made["MacAddress"]:
            made["MacAddress"] = text(service.form, "mac_address")
        result[project.network(one.network).name] = made
    return result


def endpoint(
    project: Project, service: Service, attachment: Attachment, making: Making, links: Sequence[str]
) -> Endpoint:
    form = attachment.form
    options = {name: str(value) for name, value in mapping(form, "driver_opts").items()}
    if name := text(form, "interface_name"):
        options[INTERFACE_NAME] = name
    made: Endpoint = {
        "Aliases": aliases(project, service, attachment, making),
        "Links": list(links),
        "MacAddress": text(form, "mac_address"),
        "DriverOpts": options or None,
        "IPAddress": text(form, "ipv4_address"),
    }
    addresses = {
        "IPv4Address": text(form, "ipv4_address"),
        "IPv6Address": text(form, "ipv6_address"),
        "LinkLocalIPs": texts(form, "link_local_ips"),
    }
    if any(addresses.values()):
        made["IPAMConfig"] = {key: value for key, value in addresses.items() if value}
    if priority := whole(form, "gw_priority"):
        made["GwPriority"] = priority
    return made


def aliases(project: Project, service: Service, attachment: Attachment, making: Making) -> list[str]:
    """The container's own name, its final one while it has another; then the service's, unless it is a one-off."""
    if making.oneoff is not None:
        own = making.name
    else:
        own = service.container_name or f"{project.name}-{service.name}-{making.number}"
    if making.oneoff is not None and not making.oneoff.use_aliases:
        return [own]
    return list(dict.fromkeys((own, service.name, *attachment.aliases)))
