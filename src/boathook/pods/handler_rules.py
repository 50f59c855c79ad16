"""What Kubernetes accepts as a hook or a probe (``pkg/apis/core/validation/validation.go``). Pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping

from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping
from boathook.pods.problems import FieldPath, Problems, items

HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
"""In the order in which they are looked at: the second and later ones of a hook are flagged."""

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")

LONGEST_PORT_NAME = 15

HEADER_NAME = re.compile(r"[-A-Za-z0-9]+")
HEADER_RULE = (
    "a valid HTTP header must consist of alphanumeric characters or '-' "
    "(e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
)

LINUX_SIGNALS = frozenset(
    [name for name in signal.Signals.__members__ if not name.startswith("SIGRT")]
    + ["SIGRTMIN", *(f"SIGRTMIN+{n}" for n in range(1, 16))]
    + ["SIGRTMAX", *(f"SIGRTMAX-{n}" for n in range(1, 15))]
)


def check_lifecycle(lifecycle: JsonObject, at: FieldPath, grace: int, os_name: str, problems: Problems) -> None:
    """Both hooks and the stop signal of one container."""
    for name in ("postStart", "preStop"):
        if lifecycle.get(name) is not None:
            check_hook(mapping(lifecycle[name]), (*at, name), grace, problems)
    stop_signal = lifecycle.get("stopSignal")
    if stop_signal is None:
        return
    path = (*at, "stopSignal")
    if not os_name:
        problems.forbidden(path, "may not be set for containers with empty `spec.os.name`")
    elif os_name == "linux" and stop_signal not in LINUX_SIGNALS:
        problems.unsupported(path, stop_signal, tuple(LINUX_SIGNALS))


def check_hook(handler: JsonObject, at: FieldPath, grace: int, problems: Problems) -> None:
    """One hook: exactly one kind of handler, and that one well-formed."""
    given = [kind for kind in HANDLERS if handler.get(kind) is not None]
    if not given:
        problems.required(at, "must specify a handler type")
    for kind in given[1:]:
        problems.forbidden((*at, kind), "may not specify more than 1 handler type")
    for kind in given:
        _check_action(kind, mapping(handler[kind]), (*at, kind), problems)
    if "sleep" in given:
        _check_sleep(mapping(handler["sleep"]).get("seconds", 0), (*at, "sleep"), grace, problems)
    _refuse(given, at, "hooks are", problems)


def check_probe(name: str, probe: JsonObject, at: FieldPath, problems: Problems) -> None:
    """A probe: one kind of handler, and numbers within their limits."""
    given = [kind for kind in HANDLERS if kind != "sleep" and probe.get(kind) is not None]
    if not given:
        problems.required(at, "must specify a handler type")
    for kind in given[1:]:
        problems.forbidden((*at, kind), "may not specify more than 1 handler type")
    for kind in given:
        _check_action(kind, mapping(probe[kind]), (*at, kind), problems)
    grace = probe.get("terminationGracePeriodSeconds")
    if isinstance(grace, int):
        if name == "readinessProbe":
            problems.invalid((*at, "terminationGracePeriodSeconds"), grace, "must not be set for readinessProbes")
        elif grace <= 0:
            problems.invalid((*at, "terminationGracePeriodSeconds"), grace, "must be greater than 0")
    successes = probe.get("successThreshold")
    if name != "readinessProbe" and isinstance(successes, int) and successes not in (0, 1):
        problems.invalid((*at, "successThreshold"), successes, "must be 1")


def _refuse(given: list[str], at: FieldPath, what: str, problems: Problems) -> None:
    for kind in given:
        if kind in ("httpGet", "tcpSocket"):
            problems.not_yet((*at, kind), f"{kind} {what}")


def _check_action(kind: str, action: JsonObject, at: FieldPath, problems: Problems) -> None:
    if kind == "exec" and not action.get("command"):
        problems.required((*at, "command"))
    if kind in ("httpGet", "tcpSocket"):
        _check_port(action.get("port"), (*at, "port"), problems)
    if kind == "httpGet":
        _check_http(action, at, problems)


def _check_http(action: JsonObject, at: FieldPath, problems: Problems) -> None:
    scheme = action.get("scheme")
    if scheme not in (None, "", "HTTP", "HTTPS"):
        problems.unsupported((*at, "scheme"), scheme, ("HTTP", "HTTPS"))
    for index, header in items(action.get("httpHeaders")):
        name = header.get("name")
        if isinstance(name, str) and not HEADER_NAME.fullmatch(name):
            problems.invalid((*at, "httpHeaders", index, "name"), name, HEADER_RULE)


def _check_port(port: JsonValue, at: FieldPath, problems: Problems) -> None:
    if port is None:
        problems.required(at)
    elif isinstance(port, int) and not isinstance(port, bool):
        if not 1 <= port <= 65535:
            problems.invalid(at, port, "must be between 1 and 65535, inclusive")
    elif isinstance(port, str):
        for detail in port_name_faults(port):
            problems.invalid(at, port, detail)


def port_name_faults(name: str) -> list[str]:
    """What is wrong with the name of a port; empty when nothing is."""
    faults: Mapping[str, bool] = {
        f"must be no more than {LONGEST_PORT_NAME} characters": len(name) > LONGEST_PORT_NAME,
        "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)": not re.fullmatch("[-a-z0-9]*", name),
        "must contain at least one letter (a-z)": not re.search("[a-z]", name),
        "must not contain consecutive hyphens": "--" in name,
        "must not begin or end with a hyphen": name.startswith("-") or name.endswith("-"),
    }
    return [fault for fault, holds in faults.items() if holds]


def _check_sleep(seconds: JsonValue, at: FieldPath, grace: int, problems: Problems) -> None:
    """Zero is allowed, and so is the whole grace period, whatever the text says."""
    if isinstance(seconds, int) and not 0 <= seconds <= grace:
        detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        problems.invalid(at, seconds, detail)
