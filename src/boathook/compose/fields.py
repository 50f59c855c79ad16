"""Which fields of a Compose file are known but not acted upon: refused by name, or passed over with a warning. Data."""

from __future__ import annotations

from boathook.compose.problems import Problems
from boathook.compose.tree import Node
from boathook.documents.document import Path
from boathook.model import Severity

SERVICE_IGNORED = {
    "annotations": "no engine reads them here",
    "attach": "every service's output is shown",
    "blkio_config": "resources are not limited here",
    "cpu_count": "resources are not limited here",
    "cpu_percent": "resources are not limited here",
    "cpu_period": "resources are not limited here",
    "cpu_quota": "resources are not limited here",
    "cpu_rt_period": "resources are not limited here",
    "cpu_rt_runtime": "resources are not limited here",
    "cpu_shares": "resources are not limited here",
    "cpus": "resources are not limited here",
    "cpuset": "resources are not limited here",
    "cgroup_parent": "containers have no place of their own among the machine's control groups",
    "credential_spec": "it is for Windows",
    "develop": "files are not watched yet",
    "device_cgroup_rules": "devices are given by name only",
    "isolation": "it is for Windows",
    "models": "models are not served",
    "provider": "no provider is called",
    "pull_refresh_after": "an image that is there is not pulled again for its age",
    "use_api_socket": "no engine's socket is given to containers",
    "expose": "the services of a project reach each other without it",
    "healthcheck": "health checks are not run yet",
    "logging": "logs are kept in Boathook's own form",
    "mem_limit": "resources are not limited here",
    "mem_reservation": "resources are not limited here",
    "mem_swappiness": "resources are not limited here",
    "memswap_limit": "resources are not limited here",
    "oom_kill_disable": "resources are not limited here",
    "oom_score_adj": "resources are not limited here",
    "pids_limit": "resources are not limited here",
    "platform": "the image is taken as it is",
    "ports": "ports are not published yet; from other containers of the project they can be reached",
    "shm_size": "resources are not limited here",
    "storage_opt": "resources are not limited here",
    "ulimits": "resources are not limited here",
}
"""Leaving these out changes nothing that a service or a hook can rely on: a warning."""

SERVICE_NOT_YET = frozenset(
    {
        "build",
        "cap_add",
        "cap_drop",
        "cgroup",
        "configs",
        "deploy",
        "devices",
        "dns",
        "dns_opt",
        "dns_search",
        "domainname",
        "external_links",
        "extra_hosts",
        "gpus",
        "group_add",
        "hostname",
        "init",
        "ipc",
        "label_file",
        "links",
        "mac_address",
        "network_mode",
        "networks",
        "pid",
        "pre_start",
        "privileged",
        "read_only",
        "runtime",
        "secrets",
        "security_opt",
        "stdin_open",
        "sysctls",
        "tmpfs",
        "tty",
        "userns_mode",
        "uts",
        "volumes_from",
    }
)
"""A service without these would be another service: refused."""

SERVICE_REMEDIES = {
    "build": 'make the image beforehand and name it: "boathook image import"',
    "pre_start": "post_start and pre_stop are there",
    "networks": "all services of a project share one network; leave it out",
}

TOP_IGNORED = {"version": "it has no meaning any more"}
TOP_NOT_YET = frozenset({"configs", "models", "secrets"})
TOP_KNOWN = frozenset({"name", "networks", "services", "volumes"})

VOLUME_NOT_YET = frozenset({"driver_opts", "external"})


def service_field(name: str) -> tuple[Severity, str, str | None] | None:
    """Severity, message and remedy for a known service field that is not acted upon; None for every other name."""
    if name in SERVICE_IGNORED:
        return Severity.WARNING, f'"{name}" has no effect: {SERVICE_IGNORED[name]}', None
    if name in SERVICE_NOT_YET:
        return Severity.ERROR, f'"{name}" is not there yet', SERVICE_REMEDIES.get(name)
    return None


def top_field(name: str) -> tuple[Severity, str, str | None] | None:
    """The same for a top-level field."""
    if name in TOP_IGNORED:
        return Severity.WARNING, f'"{name}" has no effect: {TOP_IGNORED[name]}', None
    if name in TOP_NOT_YET:
        return Severity.ERROR, f'"{name}" is not there yet', None
    return None


DEEP: dict[tuple[str, ...], str] = {
    ("services", "*", "build", "secrets"): "builds are handed no secrets",
    ("services", "*", "build", "ssh"): "builds are handed no keys",
    ("services", "*", "deploy", "endpoint_mode"): "there is no swarm",
    ("services", "*", "deploy", "mode"): "there is no swarm",
    ("services", "*", "deploy", "placement"): "there is no swarm",
    ("services", "*", "deploy", "rollback_config"): "there is no swarm",
    ("services", "*", "deploy", "update_config"): "there is no swarm",
    ("services", "*", "healthcheck", "start_interval"): "checks keep their interval from the start",
    ("services", "*", "networks", "*", "gw_priority"): "the default route is the engine's choice",
    ("services", "*", "networks", "*", "interface_name"): "the engine names interfaces",
    ("services", "*", "volumes", "*", "image"): "images are not mounted",
}
"""Further down than a service's own fields: what is accepted without effect."""

TIER_3 = frozenset(
    {
        "blkio_config",
        "cgroup_parent",
        "cpu_count",
        "cpu_percent",
        "cpu_period",
        "cpu_quota",
        "cpu_rt_period",
        "cpu_rt_runtime",
        "credential_spec",
        "develop",
        "device_cgroup_rules",
        "isolation",
        "mem_swappiness",
        "memswap_limit",
        "models",
        "oom_kill_disable",
        "oom_score_adj",
        "provider",
        "pull_refresh_after",
        "storage_opt",
        "use_api_socket",
    }
)
"""Fields of a service that no place acts upon."""


def notices(tree: Node, problems: Problems) -> None:
    """Name every field that is read and printed but acted upon nowhere."""
    for name, why in TOP_IGNORED.items():
        if (node := tree.entries().get(name)) is not None:
            problems.warn("no-effect", node.key.source((name,)), f'"{name}" has no effect: {why}')
    services = tree.get("services")
    for service, node in (services.entries() if services is not None else {}).items():
        for key in [one for one in node.entries() if one in TIER_3]:
            source = node.entries()[key].key.source(("services", service, key))
            problems.warn("no-effect", source, f'"{key}" has no effect: {SERVICE_IGNORED[key]}')
    deep_notices(tree, problems)


def deep_notices(tree: Node, problems: Problems) -> None:
    """The same, for what stands further down than a service's own fields."""
    for pattern, why in DEEP.items():
        for path, node in _matching(tree, pattern, ()):
            problems.warn("no-effect", node.key.source(path), f'"{path[-1]}" has no effect: {why}')


def _matching(node: Node, pattern: tuple[str, ...], path: Path) -> list[tuple[Path, Node]]:
    if not pattern:
        return [(path, node)]
    first, rest = pattern[0], pattern[1:]
    steps: list[tuple[str | int, Node]] = []
    if first == "*":
        steps = [*node.entries().items(), *enumerate(node.items())]
    elif (child := node.entries().get(first)) is not None:
        steps = [(first, child)]
    return [found for key, child in steps for found in _matching(child, rest, (*path, key))]
