"""A container as the engine describes it, beside the body that we would send: is it what we would make? Pure.

An engine fills in what a body leaves open, each version in its own way: what the body leaves open may be the image's,
or one of the engine's defaults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from boathook.compose.engine.labels import own_labels
from boathook.compose.engine.seen import stop_signal
from boathook.compose.reading.shortforms import pairs

Found = Mapping[str, Any]

DEFAULTS: dict[str, tuple[Any, ...]] = {
    "CgroupnsMode": ("host", "private"),
    "IpcMode": ("private", "shareable"),
    "PidMode": ("private",),
    "UTSMode": ("private",),
    "NetworkMode": ("default", "bridge"),
    "Runtime": ("runc", "crun", "oci", "io.containerd.runc.v2"),
    "ShmSize": (67108864, 65536000),
    "PidsLimit": (-1, 2048),
    "MemorySwap": (-1,),
    "Init": (False,),
}
"""What may stand for a setting of the host that a body leaves open."""

_FILLED_IN = frozenset({"MemorySwap", "MaskedPaths", "ReadonlyPaths", "Init"})
"""Derived from other settings, or the engine's own, where the body says nothing."""

_DEFAULT_GRACE = 10

_NAMELESS = re.compile(r"[0-9a-f]{64}")
"""What an engine calls a volume that was given no name."""


def unlike(body: Found, found: Found, image: Found, service_labels: Mapping[str, str]) -> str | None:
    """The first thing in which the container is not what the body asks for, in the engine's words; None: it is.

    ``found``: the answer to ``GET /containers/ID/json``; ``image``: its image's ``Config``; ``service_labels``: the
    file's own labels.
    """
    config, host = found["Config"], found["HostConfig"]
    if (key := _unlike_config(body, config, image)) is not None:
        return key
    if _own_labels(config.get("Labels") or {}, image.get("Labels") or {}) != dict(service_labels):
        return "Labels"
    wanted: Mapping[str, Any] = body["HostConfig"]
    for key, value in wanted.items():
        if key in ("Mounts", "Binds") or (key == "Links" and body.get("NetworkingConfig")):
            continue
        compare = _HOST.get(key, _plain)
        if not _same_host(key, compare(value), compare(host.get(key))):
            return key
    if _mounts(wanted) != _without_inherited(_mounts(host), _mounts(wanted), image):
        return "Mounts"
    return _unlike_networks(body, found)


def _unlike_config(body: Found, config: Found, image: Found) -> str | None:
    exposed = _ports(body["ExposedPorts"]) | _ports(image.get("ExposedPorts"))
    check = _check(body.get("Healthcheck") or image.get("Healthcheck"))
    facts: tuple[tuple[str, Any, Any], ...] = (
        ("User", body["User"] or image.get("User") or "", config.get("User") or ""),
        ("WorkingDir", body["WorkingDir"] or image.get("WorkingDir") or "/", config.get("WorkingDir") or "/"),
        (
            "StopSignal",
            stop_signal(body["StopSignal"] or image.get("StopSignal")),
            stop_signal(config.get("StopSignal")),
        ),
        ("StopTimeout", *_graces(body.get("StopTimeout"), config.get("StopTimeout"))),
        ("Tty", body["Tty"], bool(config.get("Tty"))),
        ("OpenStdin", body["OpenStdin"], bool(config.get("OpenStdin"))),
        ("Domainname", body["Domainname"], config.get("Domainname") or ""),
        ("Env", _variables(image.get("Env")) | _variables(body["Env"]), _variables(config.get("Env"))),
        ("ExposedPorts", exposed, _ports(config.get("ExposedPorts"))),
        ("Healthcheck", check, _check(config.get("Healthcheck"))),
        ("Hostname", body["Hostname"], config.get("Hostname") if body["Hostname"] else ""),
    )
    differing = next((key for key, wanted, there in facts if wanted != there), None)
    return differing or _unlike_program(body, config, image)


def _unlike_program(body: Found, config: Found, image: Found) -> str | None:
    """An engine gives an image's command only to an entrypoint that is the image's too."""
    entrypoint = body.get("Entrypoint")
    command = body.get("Cmd")
    if not entrypoint:
        command = command or image.get("Cmd")
        entrypoint = image.get("Entrypoint") if entrypoint is None else entrypoint
    if _words(entrypoint) != _words(config.get("Entrypoint")):
        return "Entrypoint"
    return "Cmd" if _words(command) != _words(config.get("Cmd")) else None


def _words(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else list(value or ())


def _graces(wanted: Any, there: Any) -> tuple[int, int]:
    """Podman takes nothing for 0."""
    if wanted is None:
        return _DEFAULT_GRACE, int(there or _DEFAULT_GRACE)
    return int(wanted), _DEFAULT_GRACE if there is None else int(there)


def _variables(listed: Any) -> dict[str, str | None]:
    return dict(pairs(list(listed or ())))


def _ports(keys: Any) -> set[str]:
    return {key if "/" in key else f"{key}/tcp" for key in keys or ()}


def _check(check: Any) -> dict[str, Any]:
    """Only what is said in it."""
    return {key: value for key, value in (check or {}).items() if value}


def _own_labels(labels: Mapping[str, str], image: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in own_labels(labels).items() if image.get(name) != value}


def _same_host(key: str, wanted: Any, there: Any) -> bool:
    if wanted:
        return bool(wanted == there)
    return not there or there in DEFAULTS.get(key, ()) or key in _FILLED_IN


def _plain(value: Any) -> Any:
    return value


def _sorted(value: Any) -> list[str]:
    return sorted(map(str, value or ()))


def _links(value: Any) -> list[str]:
    """Docker gives ``/CONTAINER:/THIS/ALIAS`` back."""
    parts = (str(one).partition(":") for one in value or ())
    return sorted(f"{name.removeprefix('/')}:{alias.rpartition('/')[2]}" for name, _, alias in parts)


def _capabilities(value: Any) -> list[str]:
    return sorted(one.upper().removeprefix("CAP_") for one in value or ())


def _restart(value: Any) -> tuple[str, int]:
    policy = value or {}
    return policy.get("Name") or "no", int(policy.get("MaximumRetryCount") or 0)


def _restart_or_nothing(value: Any) -> Any:
    policy = _restart(value)
    return None if policy == ("no", 0) else policy


def _bindings(value: Any) -> dict[str, list[tuple[str, str]]]:
    return {
        key: sorted((one.get("HostIp") or "", one.get("HostPort") or "") for one in listed or ())
        for key, listed in (value or {}).items()
    }


def _volumes_from(value: Any) -> list[str]:
    """The peer drops what is said of how they are mounted."""
    return sorted(one.partition(":")[0] for one in value or ())


def _records(value: Any) -> list[str]:
    return sorted(repr(sorted((key, item) for key, item in one.items() if item)) for one in value or ())


def _log(value: Any) -> Any:
    """Nothing is said, or a driver alone: whatever the engine's own is."""
    given = value or {}
    return (given.get("Type") or "", dict(given.get("Config") or {}))


_HOST: Mapping[str, Callable[[Any], Any]] = {
    "CapAdd": _capabilities,
    "CapDrop": _capabilities,
    "RestartPolicy": _restart_or_nothing,
    "PortBindings": _bindings,
    "VolumesFrom": _volumes_from,
    "ExtraHosts": _sorted,
    "SecurityOpt": _sorted,
    "Links": _links,
    "GroupAdd": _sorted,
    "Devices": _records,
    "DeviceRequests": _records,
    "Ulimits": _records,
    "LogConfig": _log,
}


def _mounts(host: Found) -> dict[str, Any]:
    """By target. A volume without a name is whatever the engine called it."""
    result: dict[str, Any] = {}
    for one in host.get("Binds") or ():
        source, target, modes = [*str(one).split(":"), "", ""][:3]
        result[target] = ("bind", source, frozenset(modes.split(",")) - {"rw", ""})
    for one in host.get("Mounts") or ():
        options = {key: value for key, value in one.items() if key.endswith("Options") and any((value or {}).values())}
        kind, source = one.get("Type"), one.get("Source") or ""
        if kind == "volume" and _NAMELESS.fullmatch(source):
            source = ""
        result[one["Target"]] = (kind, source, bool(one.get("ReadOnly")), repr(sorted(options.items())))
    return result


def _without_inherited(there: dict[str, Any], wanted: Mapping[str, Any], image: Found) -> dict[str, Any]:
    """Without the image's nameless volumes, which a container that took another's place was given by their names."""
    of_image = set(image.get("Volumes") or ()) - wanted.keys()
    return {target: mount for target, mount in there.items() if target not in of_image or mount[:2] != ("volume", "")}


def _unlike_networks(body: Found, found: Found) -> str | None:
    wanted = (body.get("NetworkingConfig") or {}).get("EndpointsConfig") or {}
    there = (found.get("NetworkSettings") or {}).get("Networks") or {}
    for name, endpoint in wanted.items():
        if name not in there:
            return "Networks"
        if _addresses(endpoint) != _addresses(there[name]):
            return "IPAMConfig"
        if not set(endpoint["Aliases"]) <= set(there[name].get("Aliases") or ()):
            return "Aliases"
        if _links(endpoint["Links"]) != _links(there[name].get("Links")):
            return "Links"
    return None


def _addresses(endpoint: Found) -> dict[str, Any]:
    return {key: value for key, value in (endpoint.get("IPAMConfig") or {}).items() if value}
