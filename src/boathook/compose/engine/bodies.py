"""A service's container in the engine's words (Engine API, ``POST /containers/create``). Nothing here does anything.

What goes where is the peer's (pkg/compose/create.go: getCreateConfigs), so that either can take the other's over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from boathook.compose.engine import endpoints, limits, mounts
from boathook.compose.engine.form import flag, nanoseconds, records, text, texts, whole
from boathook.compose.model import Project, Service
from boathook.compose.options import OneOff
from boathook.compose.place import Making
from boathook.compose.reading.shortforms import ports as port_form
from boathook.model import JsonObject
from boathook.objects import mapping

Body: TypeAlias = dict[str, Any]

SEVERAL_NETWORKS = (1, 44)
"""From this version of the API on, one call takes all networks of a container (and no MAC address of its own)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a body needs to know of the engine and of what stands in it."""

    api: tuple[int, int]
    containers: Mapping[str, str]
    """Ids of the first containers of the services that this one shares something with."""
    links: tuple[str, ...] = ()
    """Of this container, complete: ``CONTAINER:ALIAS``."""
    inherited: tuple[JsonObject, ...] = ()
    """Mounts of volumes without a name, taken over from the container that this one replaces."""
    seccomp: Mapping[str, str] | None = None
    """The text of profiles, by path as written."""


def container_body(project: Project, service: Service, image: str, making: Making, around: Around) -> Body:
    """All of one ``create`` call."""
    form, oneoff = service.form, making.oneoff
    body: Body = {
        "Hostname": service.hostname,
        "Domainname": text(form, "domainname"),
        "User": _over(oneoff, "user", service.user),
        "ExposedPorts": {key: {} for key in _exposed(service, oneoff)},
        "Tty": oneoff.tty if oneoff else service.tty,
        "OpenStdin": oneoff.interactive if oneoff else service.stdin_open,
        "StdinOnce": bool(oneoff and oneoff.interactive),
        "AttachStdin": bool(oneoff and oneoff.interactive),
        "AttachStdout": True,
        "AttachStderr": True,
        "Image": image,
        "WorkingDir": _over(oneoff, "working_dir", service.working_dir),
        "NetworkDisabled": service.network_mode == "disabled",
        "Labels": dict(making.labels),
        "StopSignal": service.stop_signal,
        "Env": _environment(service, oneoff),
        **_program(service, oneoff),
        **_stop_timeout(service),
        **_health(service, around.api),
    }
    if around.api < SEVERAL_NETWORKS:
        body["MacAddress"] = text(form, "mac_address")
    body["HostConfig"] = _host(project, service, making, around)
    if attachments := endpoints.endpoints(
        project, service, making, around.links, several=around.api >= SEVERAL_NETWORKS
    ):
        body["NetworkingConfig"] = {"EndpointsConfig": attachments}
    return body


def _over(oneoff: OneOff | None, name: str, own: str) -> str:
    return (getattr(oneoff, name) if oneoff else "") or own


def _program(service: Service, oneoff: OneOff | None) -> Body:
    """What is not said is the image's; an entrypoint that ``run`` gives goes without the service's command."""
    entrypoint, command = service.entrypoint, service.command
    if oneoff is not None:
        if oneoff.entrypoint is not None:
            entrypoint, command = oneoff.entrypoint, ()
        if oneoff.command is not None:
            command = oneoff.command
    result: Body = {}
    if entrypoint is not None:
        result["Entrypoint"] = list(entrypoint)
    if command is not None:
        result["Cmd"] = list(command)
    return result


def _environment(service: Service, oneoff: OneOff | None) -> list[str]:
    merged = dict(service.environment) | dict(oneoff.environment if oneoff else ())
    return environment_list(merged)


def environment_list(environment: Mapping[str, str | None]) -> list[str]:
    """A name without a value takes an image's variable away."""
    return [name if value is None else f"{name}={value}" for name, value in sorted(environment.items())]


def _stop_timeout(service: Service) -> Body:
    """Whole seconds; the engine's own where the file says nothing (spec 11)."""
    return {"StopTimeout": int(service.stop_grace.total_seconds())} if "stop_grace_period" in service.form else {}


def _health(service: Service, api: tuple[int, int]) -> Body:
    """Only what is written: an engine fills in its own defaults."""
    form = mapping(service.form, "healthcheck")
    if not form:
        return {}
    if flag(form, "disable"):
        return {"Healthcheck": {"Test": ["NONE"]}}
    check: Body = {
        "Test": texts(form, "test"),
        "Interval": nanoseconds(form, "interval"),
        "Timeout": nanoseconds(form, "timeout"),
        "StartPeriod": nanoseconds(form, "start_period"),
        "Retries": whole(form, "retries"),
    }
    if "start_interval" in form and api >= SEVERAL_NETWORKS:
        check["StartInterval"] = nanoseconds(form, "start_interval")
    return {"Healthcheck": check}


def _ports(service: Service, oneoff: OneOff | None) -> list[JsonObject]:
    """A one-off publishes what it is told to, else nothing."""
    if oneoff is None:
        return records(service.form, "ports")
    given = [one for written in oneoff.publish for one in port_form(written)]
    return (records(service.form, "ports") if oneoff.service_ports else []) + given


def _port_key(port: JsonObject) -> str:
    return f"{port.get('target')}/{port.get('protocol') or 'tcp'}"


def _exposed(service: Service, oneoff: OneOff | None) -> list[str]:
    return sorted({*texts(service.form, "expose"), *(_port_key(one) for one in _ports(service, oneoff))})


def _bindings(service: Service, oneoff: OneOff | None) -> Body:
    result: dict[str, list[Body]] = {}
    for one in _ports(service, oneoff):
        binding = {"HostIp": text(one, "host_ip"), "HostPort": text(one, "published")}
        result.setdefault(_port_key(one), []).append(binding)
    return result


def _host(project: Project, service: Service, making: Making, around: Around) -> Body:
    form, oneoff = service.form, making.oneoff
    files = mounts.container_mounts(project, service, oneoff, around.inherited)
    host: Body = {
        "AutoRemove": bool(oneoff and oneoff.auto_remove),
        "Binds": files.binds,
        "Mounts": files.mounts,
        "Tmpfs": files.tmpfs,
        "CapAdd": capabilities((*service.capabilities_add, *(oneoff.capabilities_add if oneoff else ()))),
        "CapDrop": capabilities((*service.capabilities_drop, *(oneoff.capabilities_drop if oneoff else ()))),
        "NetworkMode": endpoints.network_mode(project, service, around.containers),
        "IpcMode": shared(form, "ipc", around.containers),
        "PidMode": shared(form, "pid", around.containers),
        "UTSMode": text(form, "uts"),
        "UsernsMode": text(form, "userns_mode"),
        "CgroupnsMode": text(form, "cgroup"),
        "Privileged": service.privileged,
        "ReadonlyRootfs": service.read_only,
        "RestartPolicy": _restart(service, oneoff),
        "PortBindings": _bindings(service, oneoff),
        "VolumesFrom": _volumes_from(form, around.containers),
        "Dns": texts(form, "dns"),
        "DnsSearch": texts(form, "dns_search"),
        "DnsOptions": texts(form, "dns_opt"),
        "ExtraHosts": [f"{name}:{address}" for name, address in service.extra_hosts],
        "GroupAdd": texts(form, "group_add"),
        "Sysctls": dict(mapping(form, "sysctls")),
        "ShmSize": whole(form, "shm_size"),
        "Runtime": text(form, "runtime"),
        "Links": list(around.links),
        **limits.resources(form),
        **limits.security(form, around.seccomp or {}),
        **limits.logging(form),
    }
    if "init" in form:
        host["Init"] = flag(form, "init")
    if annotations := mapping(form, "annotations"):
        host["Annotations"] = dict(annotations)
    if storage := mapping(form, "storage_opt"):
        host["StorageOpt"] = dict(storage)
    return host


def _restart(service: Service, oneoff: OneOff | None) -> Body:
    """A one-off is nobody's to restart; where nothing is written nothing is sent."""
    written = "restart" in service.form or mapping(service.form, "deploy", "restart_policy")
    if oneoff is not None or not written:
        return {"Name": "", "MaximumRetryCount": 0}
    return {"Name": service.restart.name, "MaximumRetryCount": service.restart.retries}


def capabilities(names: tuple[str, ...]) -> list[str]:
    return [name if name == "ALL" else f"CAP_{name.removeprefix('CAP_')}" for name in dict.fromkeys(names)]


def shared(form: JsonObject, key: str, containers: Mapping[str, str]) -> str:
    """``service:X`` becomes the container of that service."""
    kind, _, name = text(form, key).partition(":")
    return f"container:{containers[name]}" if kind == "service" else text(form, key)


def _volumes_from(form: JsonObject, containers: Mapping[str, str]) -> list[str]:
    """``[container:]NAME[:MODE]``."""
    result = []
    for written in texts(form, "volumes_from"):
        if written.startswith("container:"):
            result.append(written.removeprefix("container:"))
            continue
        name, colon, mode = written.partition(":")
        result.append(f"{containers[name]}{colon}{mode}")
    return result
