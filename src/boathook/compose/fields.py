"""Which fields of a Compose file are known but not acted upon: refused by name, or passed over with a warning. Data."""

from __future__ import annotations

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
    "develop": "files are not watched yet",
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
        "cgroup_parent",
        "configs",
        "credential_spec",
        "deploy",
        "device_cgroup_rules",
        "devices",
        "dns",
        "dns_opt",
        "dns_search",
        "domainname",
        "extends",
        "external_links",
        "extra_hosts",
        "gpus",
        "group_add",
        "hostname",
        "init",
        "ipc",
        "isolation",
        "label_file",
        "links",
        "mac_address",
        "models",
        "network_mode",
        "networks",
        "pid",
        "pre_start",
        "privileged",
        "profiles",
        "provider",
        "pull_refresh_after",
        "read_only",
        "runtime",
        "secrets",
        "security_opt",
        "stdin_open",
        "sysctls",
        "tmpfs",
        "tty",
        "use_api_socket",
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
TOP_NOT_YET = frozenset({"configs", "include", "models", "secrets"})
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
