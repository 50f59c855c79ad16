"""Every field that a Compose file may have, in the order in which ``config`` prints them. Data."""

from __future__ import annotations

from boathook.compose.reading import shortforms
from boathook.compose.reading.problems import Problems
from boathook.compose.reading.shapes import (
    Kept,
    Shape,
    anything,
    boolean,
    command,
    digits,
    duration,
    either,
    fields,
    file_mode,
    hosts,
    integer,
    items,
    mapping,
    matching,
    number,
    one_of,
    pairs,
    short_or,
    size,
    text,
    user,
)
from boathook.compose.reading.tree import Node
from boathook.documents.document import Path
from boathook.model import JsonValue

texts = items(text)
digit_texts = items(digits)
labels = pairs()
PULL_POLICIES = ("always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly")
HOOKS = "a list of mappings, each with a command"
CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")

ulimit = either(dict, fields({"soft": Kept(integer), "hard": Kept(integer)}), integer)
# Our own, for what the format has no field for: how long a hook may take, and what its failure means.
_extension = fields({"timeout": duration, "on_failure": one_of("abort", "continue")})
_file_reference = fields({"source": text, "target": text, "uid": digits, "gid": digits, "mode": file_mode})

hook_fields: dict[str, Shape | Kept] = {
    "command": Kept(command),
    "user": user,
    "privileged": boolean,
    "working_dir": text,
    "environment": pairs(None),
    "x-boathook": _extension,
}
hook = fields(hook_fields, required=["command"])
pre_start_hook = fields(
    {
        "command": Kept(command),
        "image": text,
        "user": user,
        "privileged": boolean,
        "working_dir": text,
        "environment": pairs(None),
        "per_replica": boolean,
        "x-boathook": _extension,
    }
)

build = fields(
    {
        "context": text,
        "dockerfile": text,
        "dockerfile_inline": text,
        "entitlements": texts,
        "args": pairs(None),
        "provenance": either(bool, anything, text),
        "sbom": either(bool, anything, text),
        "ssh": anything,
        "labels": labels,
        "cache_from": texts,
        "cache_to": texts,
        "no_cache": boolean,
        "additional_contexts": labels,
        "pull": boolean,
        "extra_hosts": hosts,
        "isolation": text,
        "network": text,
        "target": text,
        "secrets": items(_file_reference),
        "shm_size": size,
        "tags": texts,
        "ulimits": mapping(ulimit),
        "platforms": texts,
        "privileged": boolean,
    }
)

develop = fields(
    {
        "watch": items(
            fields(
                {
                    "path": text,
                    "action": one_of("sync", "rebuild", "restart", "sync+restart", "sync+exec"),
                    "target": text,
                    "exec": fields(hook_fields),
                    "include": items(text),
                    "ignore": items(text),
                    "initial_sync": boolean,
                },
                required=["path", "action"],
            )
        )
    }
)

_rate = items(fields({"path": text, "rate": size}))
_weight = items(fields({"path": text, "weight": integer}))
blkio = fields(
    {
        "weight": integer,
        "weight_device": _weight,
        "device_read_bps": _rate,
        "device_read_iops": _rate,
        "device_write_bps": _rate,
        "device_write_iops": _rate,
    }
)


def _device_request(node: Node, path: Path, problems: Problems) -> JsonValue:
    if node.get("count") is not None and node.get("device_ids") is not None:
        problems.error("devices", node.place.source(path), '"count" and "device_ids" exclude each other')
    return _device_fields(node, path, problems)


_device_fields = fields(
    {
        "capabilities": texts,
        "driver": text,
        "count": lambda node, path, problems: -1 if node.value == "all" else integer(node, path, problems),
        "device_ids": texts,
        "options": labels,
    }
)

_update = fields(
    {
        "parallelism": Kept(integer),
        "delay": duration,
        "failure_action": text,
        "monitor": duration,
        "max_failure_ratio": number,
        "order": one_of("start-first", "stop-first"),
    }
)
_resources: dict[str, Shape | Kept] = {
    "cpus": number,
    "memory": size,
    "pids": integer,
    "devices": items(_device_request),
    "generic_resources": anything,
}

deploy = fields(
    {
        "mode": text,
        "replicas": Kept(integer),
        "labels": labels,
        "update_config": _update,
        "rollback_config": _update,
        "resources": fields({"limits": fields(_resources), "reservations": fields(_resources)}),
        "restart_policy": fields(
            {
                "condition": text,
                "delay": Kept(duration),
                "max_attempts": Kept(integer),
                "window": Kept(duration),
            }
        ),
        "placement": fields(
            {"constraints": texts, "preferences": items(fields({"spread": text})), "max_replicas_per_node": integer}
        ),
        "endpoint_mode": text,
    }
)


def _health_test(node: Node, path: Path, problems: Problems) -> JsonValue:
    if isinstance(node.value, str):
        return ["CMD-SHELL", node.value]
    test = texts(node, path, problems)
    if isinstance(test, list) and test and test[0] not in ("CMD", "CMD-SHELL", "NONE"):
        message = f'found "{test[0]}" in front, expected "CMD", "CMD-SHELL" or "NONE"'
        problems.error("healthcheck", node.place.source(path), message)
    return test


healthcheck = fields(
    {
        "test": _health_test,
        "timeout": Kept(duration),
        "interval": Kept(duration),
        "retries": Kept(integer),
        "start_period": Kept(duration),
        "start_interval": Kept(duration),
        "disable": boolean,
    }
)

volume = short_or(
    shortforms.volume,
    fields(
        {
            "type": one_of("bind", "volume", "tmpfs", "npipe", "cluster", "image"),
            "source": text,
            "target": text,
            "read_only": boolean,
            "consistency": text,
            "bind": Kept(
                fields(
                    {
                        "selinux": one_of("z", "Z"),
                        "propagation": text,
                        "create_host_path": Kept(boolean),
                        "recursive": one_of("enabled", "disabled", "writable", "readonly"),
                    }
                )
            ),
            "volume": Kept(fields({"labels": labels, "nocopy": boolean, "subpath": text})),
            "tmpfs": Kept(fields({"size": size, "mode": integer})),
            "image": fields({"subpath": text}),
        },
        required=["type"],
    ),
)

port = short_or(
    shortforms.ports,
    fields(
        {
            "name": text,
            "mode": text,
            "host_ip": text,
            "target": integer,
            "published": digits,
            "protocol": text,
            "app_protocol": text,
        },
        required=["target"],
    ),
)

network_of_service = fields(
    {
        "priority": integer,
        "gw_priority": integer,
        "aliases": texts,
        "interface_name": text,
        "ipv4_address": text,
        "ipv6_address": text,
        "link_local_ips": texts,
        "mac_address": text,
        "driver_opts": labels,
    }
)

dependency = fields({"condition": one_of(*CONDITIONS), "restart": boolean, "required": Kept(boolean)})

SERVICE: dict[str, Shape | Kept] = {
    "profiles": texts,
    "annotations": labels,
    "attach": Kept(boolean),
    "build": build,
    "develop": develop,
    "blkio_config": blkio,
    "cap_add": texts,
    "cap_drop": texts,
    "cgroup": one_of("host", "private"),
    "cgroup_parent": text,
    "cpu_count": integer,
    "cpu_percent": number,
    "cpu_period": integer,
    "cpu_quota": integer,
    "cpu_rt_period": integer,
    "cpu_rt_runtime": integer,
    "cpus": number,
    "cpuset": digits,
    "cpu_shares": integer,
    "command": Kept(command),
    "configs": items(_file_reference),
    "container_name": matching(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+"),
    "credential_spec": fields({"config": text, "file": text, "registry": text}),
    "depends_on": mapping(dependency),
    "deploy": deploy,
    "device_cgroup_rules": texts,
    "devices": items(
        short_or(shortforms.device, fields({"source": text, "target": text, "permissions": text}, required=["source"]))
    ),
    "dns": texts,
    "dns_opt": texts,
    "dns_search": texts,
    "domainname": text,
    "entrypoint": Kept(command),
    "provider": fields({"type": text, "options": anything}, required=["type"]),
    "environment": pairs(None),
    "env_file": items(fields({"path": text, "required": Kept(boolean), "format": one_of("raw")}, required=["path"])),
    "expose": digit_texts,
    "external_links": texts,
    "extra_hosts": hosts,
    "group_add": digit_texts,
    "gpus": items(_device_request),
    "hostname": text,
    "healthcheck": healthcheck,
    "image": text,
    "init": Kept(boolean),
    "ipc": text,
    "isolation": text,
    "labels": labels,
    "label_file": texts,
    "links": texts,
    "logging": fields({"driver": text, "options": labels}),
    "mem_limit": size,
    "mem_reservation": size,
    "memswap_limit": size,
    "mem_swappiness": size,
    "mac_address": text,
    "models": mapping(fields({"endpoint_var": text, "model_var": text}), nullable=True),
    "network_mode": text,
    "networks": mapping(network_of_service, nullable=True),
    "oom_kill_disable": boolean,
    "oom_score_adj": integer,
    "pid": text,
    "pids_limit": integer,
    "platform": text,
    "ports": items(port),
    "privileged": boolean,
    "pull_policy": one_of(*PULL_POLICIES, also=r"every_([0-9]+[wdhms])+"),
    "pull_refresh_after": text,
    "read_only": boolean,
    "restart": text,
    "runtime": text,
    "scale": Kept(integer),
    "secrets": items(_file_reference),
    "security_opt": texts,
    "shm_size": size,
    "stdin_open": boolean,
    "stop_grace_period": Kept(duration),
    "stop_signal": digits,
    "storage_opt": labels,
    "sysctls": labels,
    "tmpfs": texts,
    "tty": boolean,
    "ulimits": mapping(ulimit),
    "use_api_socket": boolean,
    "user": user,
    "userns_mode": text,
    "uts": text,
    "volumes": items(volume),
    "volumes_from": texts,
    "working_dir": text,
    "pre_start": items(pre_start_hook, expected="a list of mappings"),
    "post_start": items(hook, expected=HOOKS),
    "pre_stop": items(hook, expected=HOOKS),
}

service = fields(SERVICE)
