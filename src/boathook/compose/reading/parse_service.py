"""One service of a project in its long form -> the model, with every default of the service and of its hooks. Pure.

The form has been checked: nothing here refuses anything.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from boathook.compose.model import (
    POINTS,
    STOP_GRACE,
    Attachment,
    Dependency,
    Healthcheck,
    Port,
    RestartPolicy,
    Service,
)
from boathook.compose.reading.config import hash_of
from boathook.compose.reading.parse_hooks import hooks_of, own_on_failure
from boathook.compose.reading.parse_mounts import files_of, mounts_of
from boathook.compose.reading.tree import Node
from boathook.documents.document import path_text
from boathook.durations import parse_compose_duration
from boathook.model import JsonObject, JsonValue, Source
from boathook.objects import mapping, mappings, pairs, text, texts
from boathook.runtimes.base import PullPolicy

HEALTH_INTERVAL = HEALTH_TIMEOUT = timedelta(seconds=30)
HEALTH_START_INTERVAL = timedelta(seconds=5)
HEALTH_RETRIES = 3
"""An engine's defaults."""

PULL_POLICIES = {"always": PullPolicy.ALWAYS, "never": PullPolicy.NEVER}
PULL_AGES = {"daily": timedelta(days=1), "weekly": timedelta(weeks=1)}

RESTARTS = {"": "no", "none": "no", "any": "always"}
"""Spellings of ``restart`` and of ``deploy.restart_policy.condition`` that an engine knows by another name."""

POINTED_INTO = dict.fromkeys(
    ("configs", "depends_on", "devices", "networks", "ports", "secrets", "tmpfs", "volumes"), 2
)
POINTED_INTO |= dict.fromkeys(("deploy", *POINTS), 3)
"""Fields whose parts have a position of their own in the model, with the depth."""
REAL_TIME = re.compile(r"(?:SIG)?RTMIN\+(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectForm:
    """A whole project in its long form, and what its files are read with."""

    form: JsonObject
    variables: Mapping[str, str]

    @property
    def name(self) -> str:
        return str(self.form["name"])

    @property
    def services(self) -> JsonObject:
        """Those that have containers: what a provider serves has none."""
        every = mapping(self.form, "services")
        return {name: one for name, one in every.items() if mapping(one).get("image") or mapping(one).get("build")}


def service_from(name: str, project: ProjectForm, node: Node) -> Service:
    """The service of that name, which is written at ``node``."""
    form = mapping(project.services, name)
    pull = text(form, "pull_policy")
    health = mapping(form, "healthcheck")
    return Service(
        name=name,
        image=text(form, "image") or f"{project.name}-{name}",
        build=mapping(form, "build") or None,
        build_always=pull == "build",
        pull=PULL_POLICIES.get(pull, PullPolicy.IF_NOT_PRESENT),
        pull_every=pull_age(pull),
        platform=text(form, "platform"),
        scale=replicas(form),
        entrypoint=_words(form.get("entrypoint")),
        command=_words(form.get("command")),
        user=text(form, "user"),
        working_dir=text(form, "working_dir"),
        environment=pairs(form.get("environment")),
        mounts=tuple(mounts_of(form)),
        files=tuple(files_of(form, project.form, project.variables)),
        depends_on=tuple(_dependencies(form, project.services)),
        healthcheck=None if _is_disabled(health) or not health else _healthcheck(health),
        healthcheck_disabled=_is_disabled(health),
        restart=_restart(form),
        stop_signal=signal_name(text(form, "stop_signal")) or "",
        stop_grace=_grace(form),
        container_name=text(form, "container_name"),
        networks=_attachments(form),
        network_mode=text(form, "network_mode"),
        ports=tuple(_port(one) for one in mappings(form.get("ports"))),
        tty=form.get("tty") is True,
        stdin_open=form.get("stdin_open") is True,
        privileged=form.get("privileged") is True,
        read_only=form.get("read_only") is True,
        capabilities_add=_capabilities(form.get("cap_add")),
        capabilities_drop=_capabilities(form.get("cap_drop")),
        hostname=text(form, "hostname"),
        extra_hosts=tuple(_host(one) for one in texts(form.get("extra_hosts"))),
        attach=form.get("attach") is not False,
        pre_start=hooks_of("pre_start", form, name, node),
        post_start=hooks_of("post_start", form, name, node),
        pre_stop=hooks_of("pre_stop", form, name, node),
        own_on_failure=frozenset(own_on_failure(form)),
        labels=tuple((key, value or "") for key, value in pairs(form.get("labels"))),
        form=form,
        config_hash=hash_of(form),
        source=node.place.source(("services", name)),
        sources=_sources(name, node),
    )


def replicas(form: JsonObject) -> int:
    """How many containers: ``scale``, or ``deploy.replicas``."""
    written = form.get("scale", mapping(form, "deploy").get("replicas"))
    return written if isinstance(written, int) else 1


def pull_age(policy: str) -> timedelta | None:
    """How old an image may become before it is pulled again; None: as old as it likes."""
    if policy.startswith("every_"):
        return parse_compose_duration(policy.removeprefix("every_"))
    return PULL_AGES.get(policy)


def signal_name(written: str) -> str | None:
    """The signal's full name: ``SIGQUIT`` for ``quit``, ``SIGQUIT`` and ``3``; None: there is no such signal."""
    if not written:
        return ""
    upper = written.upper()
    number = int(upper) if upper.isascii() and upper.isdigit() else None
    if real_time := REAL_TIME.fullmatch(upper):
        number = signal.SIGRTMIN + int(real_time[1])
    if number is None:
        name = f"SIG{upper.removeprefix('SIG')}"
        return name if name in signal.Signals.__members__ else None
    if signal.SIGRTMIN < number < signal.SIGRTMAX:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
    return next((one.name for one in signal.Signals if one == number), None)


def restart_parts(written: str) -> tuple[str, str]:
    """Name and number of attempts of a ``restart``: ``on-failure:3``."""
    name, _, attempts = written.partition(":")
    return RESTARTS.get(name, name), attempts


def _restart(form: JsonObject) -> RestartPolicy:
    """``deploy.restart_policy`` wins (the peer's ``getRestartPolicy``)."""
    deployed = mapping(form, "deploy").get("restart_policy")
    if isinstance(deployed, dict):
        name = text(deployed, "condition")
        attempts = deployed.get("max_attempts")
        return RestartPolicy(name=RESTARTS.get(name, name), retries=attempts if isinstance(attempts, int) else 0)
    name, written = restart_parts(text(form, "restart"))
    return RestartPolicy(name=name, retries=int(written) if written else 0)


def _grace(form: JsonObject) -> timedelta:
    written = text(form, "stop_grace_period")
    if not written:
        return STOP_GRACE
    # An engine counts whole seconds: 500ms is 0, an immediate kill (spec 11).
    return timedelta(seconds=int(parse_compose_duration(written).total_seconds()))


def _is_disabled(health: JsonObject) -> bool:
    return health.get("disable") is True or health.get("test") == ["NONE"]


def _healthcheck(health: JsonObject) -> Healthcheck:
    def duration(key: str, default: timedelta) -> timedelta:
        written = text(health, key)
        return (parse_compose_duration(written) if written else timedelta(0)) or default

    retries = health.get("retries")
    return Healthcheck(
        test=texts(health.get("test")),
        interval=duration("interval", HEALTH_INTERVAL),
        timeout=duration("timeout", HEALTH_TIMEOUT),
        start_period=duration("start_period", timedelta(0)),
        start_interval=duration("start_interval", HEALTH_START_INTERVAL),
        retries=retries if isinstance(retries, int) and retries > 0 else HEALTH_RETRIES,
    )


def _dependencies(form: JsonObject, services: JsonObject) -> Iterable[Dependency]:
    """What is missing and not required, or served by a provider, is no wait (spec 8)."""
    for name, one in mapping(form, "depends_on").items():
        if name in services:
            written = mapping(one)
            yield Dependency(
                service=name,
                condition=text(written, "condition"),
                restart=written.get("restart") is True,
                required=written.get("required") is not False,
            )


def _attachments(form: JsonObject) -> tuple[Attachment, ...]:
    found = []
    for key, one in mapping(form, "networks").items():
        written = mapping(one)
        priority = written.get("priority")
        found.append(
            Attachment(
                network=key,
                aliases=texts(written.get("aliases")),
                priority=priority if isinstance(priority, int) else 0,
                form=written,
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.priority, one.network)))


def _port(written: JsonObject) -> Port:
    target = written.get("target")
    assert isinstance(target, int)
    return Port(
        target=target,
        protocol=text(written, "protocol") or "tcp",
        host_ip=text(written, "host_ip"),
        published=text(written, "published"),
    )


def _sources(name: str, node: Node) -> dict[str, Source]:
    """Of each field, of what stands in those that a place may have to point into, and of each field of a hook."""
    result: dict[str, Source] = {}
    waiting: list[tuple[tuple[str | int, ...], Node]] = [((key,), one) for key, one in node.entries().items()]
    for path, one in waiting:
        result[path_text(path)] = one.place.source(("services", name, *path))
        if len(path) < POINTED_INTO.get(str(path[0]), 1):
            waiting += [((*path, key), below) for key, below in one.entries().items()]
            waiting += [((*path, at), below) for at, below in enumerate(one.items())]
    return result


def _host(written: str) -> tuple[str, str]:
    name, _, address = written.partition("=")
    return name, address


def _capabilities(value: JsonValue) -> tuple[str, ...]:
    return tuple(one.upper().removeprefix("CAP_") for one in texts(value))


def _words(value: JsonValue) -> tuple[str, ...] | None:
    return None if value is None else texts(value)
