"""What Kubernetes accepts as a hook or a probe (``pkg/apis/core/validation/validation.go``). Pure."""

from __future__ import annotations

import re
import signal

from boathook.documents import path_text
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping
from boathook.pods.problems import FieldPath, Problems, items
from boathook.pods.text_rules import port_faults, port_name_faults

HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
"""In the order in which they are looked at: the second and later ones of a hook are flagged."""

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")

PROBE_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")

HEADER_NAME = re.compile(r"[-A-Za-z0-9]+")
HEADER_RULE = (
    "a valid HTTP header must consist of alphanumeric characters or '-' "
    "(e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
)

WINDOWS_SIGNALS = frozenset({"SIGKILL", "SIGTERM"})
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
        return
    known = WINDOWS_SIGNALS if os_name == "windows" else LINUX_SIGNALS
    if stop_signal not in known:
        problems.unsupported(path, stop_signal, tuple(known))


def check_hook(handler: JsonObject, at: FieldPath, grace: int, problems: Problems) -> None:
    """One hook: exactly one kind of handler, and that one well-formed."""
    kind = _check_kinds(handler, HANDLERS, at, problems)
    if kind == "sleep":
        _check_sleep(mapping(handler["sleep"]).get("seconds", 0), (*at, "sleep"), grace, problems)


def check_probe(name: str, probe: JsonObject, at: FieldPath, problems: Problems) -> None:
    """A probe: one kind of handler, and numbers within their limits."""
    _check_kinds(probe, tuple(kind for kind in HANDLERS if kind != "sleep"), at, problems)
    for field in PROBE_NUMBERS:
        value = probe.get(field)
        if isinstance(value, int) and value < 0:
            problems.invalid((*at, field), value, "must be greater than or equal to 0")
    grace = probe.get("terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace <= 0:
        problems.invalid((*at, "terminationGracePeriodSeconds"), grace, "must be greater than 0")
    if isinstance(grace, int) and name == "readinessProbe":
        problems.invalid((*at, "terminationGracePeriodSeconds"), grace, "must not be set for readinessProbes")
    successes = probe.get("successThreshold")
    if name != "readinessProbe" and isinstance(successes, int) and successes not in (0, 1):
        problems.invalid((*at, "successThreshold"), successes, "must be 1")


def _check_kinds(handler: JsonObject, kinds: tuple[str, ...], at: FieldPath, problems: Problems) -> str:
    """The one kind that is meant; of further ones only that they are there is told."""
    given = [kind for kind in kinds if handler.get(kind) is not None]
    if not given:
        problems.required(at, "must specify a handler type")
        return ""
    for kind in given[1:]:
        problems.forbidden((*at, kind), "may not specify more than 1 handler type")
    _check_action(given[0], mapping(handler[given[0]]), (*at, given[0]), problems)
    return given[0]


def _check_action(kind: str, action: JsonObject, at: FieldPath, problems: Problems) -> None:
    if kind == "exec" and not action.get("command"):
        problems.required((*at, "command"))
    if kind in ("httpGet", "tcpSocket", "grpc"):
        _check_port(action.get("port"), (*at, "port"), problems)
    if kind == "httpGet":
        _check_http(action, at, problems)


def _check_http(action: JsonObject, at: FieldPath, problems: Problems) -> None:
    scheme = action.get("scheme")
    if scheme not in (None, "", "HTTP", "HTTPS"):
        problems.unsupported((*at, "scheme"), scheme, ("HTTP", "HTTPS"))
    for index, header in items(action.get("httpHeaders")):
        name = header.get("name", "")
        if isinstance(name, str) and not HEADER_NAME.fullmatch(name):
            # The API names the list, not the one header in it.
            said = path_text((*at, "httpHeaders"))
            problems.invalid((*at, "httpHeaders", index, "name"), name, HEADER_RULE, said=said)


def _check_port(port: JsonValue, at: FieldPath, problems: Problems) -> None:
    """One that is not given is 0 for the API, and refused as that."""
    if isinstance(port, str):
        for detail in port_name_faults(port):
            problems.invalid(at, port, detail)
    elif port is None or (isinstance(port, int) and not isinstance(port, bool)):
        for detail in port_faults(port or 0):
            problems.invalid(at, port or 0, detail)


def _check_sleep(seconds: JsonValue, at: FieldPath, grace: int, problems: Problems) -> None:
    """Zero is allowed, and so is the whole grace period, whatever the text says."""
    if isinstance(seconds, int) and not 0 <= seconds <= grace:
        detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        problems.invalid(at, seconds, detail)
