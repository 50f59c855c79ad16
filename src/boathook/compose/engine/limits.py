"""What a container may use of its machine, in the engine's words. Nothing here does anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boathook.compose.engine.form import flag, number, records, text, texts, whole
from boathook.model import JsonObject
from boathook.objects import mapping

Part = dict[str, Any]

UNCONFINED_PATHS = "systempaths=unconfined"


def resources(form: JsonObject) -> Part:
    """``deploy.resources`` wins over a service's own fields."""
    limits, reserved = (
        mapping(form, "deploy", "resources", "limits"),
        mapping(form, "deploy", "resources", "reservations"),
    )
    part: Part = {
        "Memory": whole(limits, "memory") or whole(form, "mem_limit"),
        "MemoryReservation": whole(reserved, "memory") or whole(form, "mem_reservation"),
        "MemorySwap": whole(form, "memswap_limit"),
        "NanoCpus": round((number(limits, "cpus") or number(form, "cpus")) * 1e9),
        "CpuCount": whole(form, "cpu_count"),
        "CpuPercent": round(number(form, "cpu_percent") * 100),
        "CpuPeriod": whole(form, "cpu_period"),
        "CpuQuota": whole(form, "cpu_quota"),
        "CpuRealtimePeriod": whole(form, "cpu_rt_period"),
        "CpuRealtimeRuntime": whole(form, "cpu_rt_runtime"),
        "CpuShares": whole(form, "cpu_shares"),
        "CpusetCpus": text(form, "cpuset"),
        "CgroupParent": text(form, "cgroup_parent"),
        "DeviceCgroupRules": texts(form, "device_cgroup_rules"),
        "Devices": [_device(one) for one in records(form, "devices") if not _by_name(one)],
        "DeviceRequests": _requests(form, reserved),
        "Ulimits": [_ulimit(name, value) for name, value in sorted(mapping(form, "ulimits").items())],
        "OomKillDisable": flag(form, "oom_kill_disable"),
        "OomScoreAdj": whole(form, "oom_score_adj"),
        **_weights(mapping(form, "blkio_config")),
    }
    if pids := whole(limits, "pids") or whole(form, "pids_limit"):
        part["PidsLimit"] = pids
    if swappiness := whole(form, "mem_swappiness"):
        part["MemorySwappiness"] = swappiness
    return part


def _device(device: JsonObject) -> Part:
    return {
        "PathOnHost": text(device, "source"),
        "PathInContainer": text(device, "target") or text(device, "source"),
        "CgroupPermissions": text(device, "permissions") or "rwm",
    }


def _by_name(device: JsonObject) -> bool:
    """``vendor.example/class=name``, which the machine's CDI specifications describe, and no path."""
    source = text(device, "source")
    kind, equals, name = source.partition("=")
    return bool(equals and name) and "/" in kind.strip("/") and not source.startswith("/")


def _requests(form: JsonObject, reserved: JsonObject) -> list[Part]:
    devices = [_request(one, texts(one, "capabilities")) for one in records(reserved, "devices")]
    if named := [text(one, "source") for one in records(form, "devices") if _by_name(one)]:
        devices.append({"Driver": "cdi", "DeviceIDs": named})
    return devices + [_request(one, [*texts(one, "capabilities"), "gpu"]) for one in records(form, "gpus")]


def _request(request: JsonObject, capabilities: list[str]) -> Part:
    return {
        "Driver": text(request, "driver"),
        "Count": whole(request, "count"),
        "DeviceIDs": texts(request, "device_ids") or None,
        "Capabilities": [capabilities],
        "Options": dict(mapping(request, "options")) or None,
    }


def _ulimit(name: str, value: object) -> Part:
    if isinstance(value, dict):
        return {"Name": name, "Soft": whole(value, "soft"), "Hard": whole(value, "hard")}
    return {"Name": name, "Soft": int(str(value)), "Hard": int(str(value))}


def _weights(form: JsonObject) -> Part:
    if not form:
        return {}
    rates = {
        "BlkioDeviceReadBps": "device_read_bps",
        "BlkioDeviceReadIOps": "device_read_iops",
        "BlkioDeviceWriteBps": "device_write_bps",
        "BlkioDeviceWriteIOps": "device_write_iops",
    }
    return {
        "BlkioWeight": whole(form, "weight"),
        "BlkioWeightDevice": [
            {"Path": text(one, "path"), "Weight": whole(one, "weight")} for one in records(form, "weight_device")
        ],
        **{
            name: [{"Path": text(one, "path"), "Rate": whole(one, "rate")} for one in records(form, key)]
            for name, key in rates.items()
        },
    }


def security(form: JsonObject, profiles: Mapping[str, str]) -> Part:
    """``profiles``: the text of seccomp profiles, by their path as written."""
    part: Part = {}
    given: list[str] = []
    for one in texts(form, "security_opt"):
        if one == UNCONFINED_PATHS:
            part = {"MaskedPaths": [], "ReadonlyPaths": []}
            continue
        path = seccomp_path(one)
        given.append(f"seccomp={profiles[path]}" if path is not None else one)
    return {"SecurityOpt": given, **part}


def seccomp_path(option: str) -> str | None:
    """The file that a security option names; None where it names none."""
    kind, separator, value = option.partition("=" if "=" in option else ":")
    return value if separator and kind == "seccomp" and value != "unconfined" else None


def logging(form: JsonObject) -> Part:
    given = mapping(form, "logging")
    if not given:
        return {}
    options = {name: str(value) for name, value in mapping(given, "options").items()}
    return {"LogConfig": {"Type": text(given, "driver"), "Config": options}}
