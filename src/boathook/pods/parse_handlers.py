"""Hooks, probes, ports and restart rules of a container, from what the file says to what it means."""

from __future__ import annotations

from datetime import timedelta

from boathook.documents import Document
from boathook.model import Exec, Handler, Hook, HookPoint, HttpGet, OnFailure, Sleep, TcpSocket
from boathook.pods import schema
from boathook.pods.model import (
    ContainerPort,
    GrpcCheck,
    Probe,
    ProbeHandler,
    ProbeKind,
    RestartAction,
    RestartRule,
)
from boathook.pods.problems import FieldPath

PROTOCOL = "TCP"
LONGEST_SECONDS = 10**12
PROBE_TIMEOUT, PROBE_PERIOD, PROBE_SUCCESSES, PROBE_FAILURES = 1, 10, 1, 3
"""``SetDefaults_Probe``; seconds, and how often in a row."""


def seconds(number: int) -> timedelta:
    """As long as that; the API allows for more than a duration can hold, which nobody lives to see."""
    return timedelta(seconds=min(number, LONGEST_SECONDS))


def ports(container: schema.Container) -> tuple[ContainerPort, ...]:
    return tuple(
        ContainerPort(name=one.name or "", number=one.container_port or 0, protocol=one.protocol or PROTOCOL)
        for one in container.ports or []
    )


def hook(
    handler: schema.LifecycleHandler | None,
    name: str,
    point: HookPoint,
    declared: tuple[ContainerPort, ...],
    at: FieldPath,
    document: Document,
) -> Hook | None:
    """The hook with its one handler. ``declared``: the ports that its container has names for."""
    if handler is None:
        return None
    return Hook(
        point=point,
        name=name,
        handler=_handler(handler, declared),
        timeout=None,
        # A failed postStart hook kills its container; a failed preStop hook changes nothing.
        on_failure=OnFailure.STOP if point is HookPoint.POST_START else OnFailure.CONTINUE,
        source=document.source((*at, "lifecycle", name)),
    )


def _handler(handler: schema.LifecycleHandler, declared: tuple[ContainerPort, ...]) -> Handler:
    if handler.sleep is not None:
        return Sleep(duration=seconds(handler.sleep.seconds or 0))
    if handler.http_get is not None:
        return _http_get(handler.http_get, declared)
    if handler.tcp_socket is not None:
        return _tcp_socket(handler.tcp_socket, declared)
    return _exec(handler.exec)


def _exec(action: schema.ExecAction | None) -> Exec:
    """A program has the container's own user, directory and environment; the API gives it no others."""
    command = (action.command if action else None) or []
    return Exec(command=tuple(command), user=None, privileged=False, working_dir=None, environment=())


def _http_get(action: schema.HttpGetAction, declared: tuple[ContainerPort, ...]) -> HttpGet:
    return HttpGet(
        scheme=action.scheme or "HTTP",
        host=action.host or "",
        port=_port(action.port, declared),
        path=action.path or "/",
        headers=tuple((one.name, one.value or "") for one in action.http_headers or []),
    )


def _tcp_socket(action: schema.TcpSocketAction, declared: tuple[ContainerPort, ...]) -> TcpSocket:
    return TcpSocket(host=action.host or "", port=_port(action.port, declared))


def _port(port: int | str | None, declared: tuple[ContainerPort, ...]) -> int | str:
    """The number behind a name that the same container declares; any other name stays, and fails when it is used."""
    if isinstance(port, str):
        return next((one.number for one in declared if one.name == port), port)
    return port or 0


def probe(
    kind: ProbeKind,
    given: schema.Probe | None,
    declared: tuple[ContainerPort, ...],
    at: FieldPath,
    document: Document,
) -> Probe | None:
    """The probe with its defaults; zero stands for a default, as in the API."""
    if given is None:
        return None
    grace = given.termination_grace_period_seconds
    return Probe(
        kind=kind,
        handler=_probe_handler(given, declared),
        initial_delay=seconds(given.initial_delay_seconds or 0),
        timeout=seconds(given.timeout_seconds or PROBE_TIMEOUT),
        period=seconds(given.period_seconds or PROBE_PERIOD),
        success_threshold=given.success_threshold or PROBE_SUCCESSES,
        failure_threshold=given.failure_threshold or PROBE_FAILURES,
        grace=None if grace is None else seconds(grace),
        source=document.source((*at, f"{kind.value}Probe")),
    )


def _probe_handler(given: schema.Probe, declared: tuple[ContainerPort, ...]) -> ProbeHandler:
    if given.http_get is not None:
        return _http_get(given.http_get, declared)
    if given.tcp_socket is not None:
        return _tcp_socket(given.tcp_socket, declared)
    if given.grpc is not None:
        return GrpcCheck(port=given.grpc.port or 0, service=given.grpc.service or "")
    return _exec(given.exec)


def restart_rules(container: schema.Container) -> tuple[RestartRule, ...]:
    rules = []
    for one in container.restart_policy_rules or []:
        codes = one.exit_codes or schema.RestartRuleExitCodes()
        rules.append(
            RestartRule(
                action=RestartAction(one.action or RestartAction.RESTART),
                exit_codes=frozenset(codes.values or ()),
                negated=codes.operator == "NotIn",
            )
        )
    return tuple(rules)


def resources(container: schema.Container) -> dict[str, str]:
    """``limits.cpu`` and the like, as they are written. Kubernetes takes a limit as the request that is not given."""
    given = container.resources or schema.ResourceRequirements()
    limits, requests = given.limits or {}, given.requests or {}
    requested = limits | requests
    return {
        **{f"limits.{name}": str(amount) for name, amount in limits.items()},
        **{f"requests.{name}": str(amount) for name, amount in requested.items()},
    }
