"""What Kubernetes accepts as the ports of containers. Pure."""

from __future__ import annotations

from boathook.model import JsonObject, JsonValue
from boathook.pods.problems import FieldPath, Problems, items
from boathook.pods.text_rules import port_faults, port_name_faults

PROTOCOLS = ("SCTP", "TCP", "UDP")


def check_ports(container: JsonObject, at: FieldPath, problems: Problems) -> None:
    names: set[str] = set()
    for index, port in items(container.get("ports")):
        here = (*at, "ports", index)
        _check_name(port.get("name"), (*here, "name"), names, problems)
        number = port.get("containerPort")
        if number in (None, 0):
            problems.required((*here, "containerPort"))
        else:
            _check_number(number, (*here, "containerPort"), problems)
        if port.get("hostPort"):
            _check_number(port["hostPort"], (*here, "hostPort"), problems)
        protocol = port.get("protocol")
        if isinstance(protocol, str) and protocol and protocol not in PROTOCOLS:
            problems.unsupported((*here, "protocol"), protocol, PROTOCOLS)


def check_host_ports(spec: JsonObject, part: str, problems: Problems) -> None:
    """No two containers have one port of the host, and in the host's network both numbers are one."""
    taken: set[str] = set()
    for place, container in items(spec.get(part)):
        for index, port in items(container.get("ports")):
            number = port.get("hostPort")
            if not number:
                continue
            here = ("spec", part, place, "ports", index, "hostPort")
            named = f"{port.get('protocol') or 'TCP'}/{port.get('hostIP') or ''}/{number}"
            if named in taken:
                problems.duplicate(here, named)
            taken.add(named)
            if spec.get("hostNetwork") is True and number != port.get("containerPort"):
                problems.invalid(here, number, "must match `containerPort` when `hostNetwork` is true")


def _check_name(name: JsonValue, at: FieldPath, names: set[str], problems: Problems) -> None:
    if not isinstance(name, str) or not name:
        return
    faults = port_name_faults(name)
    for detail in faults:
        problems.invalid(at, name, detail)
    if not faults and name in names:
        problems.duplicate(at, name)
    names.add(name)


def _check_number(number: JsonValue, at: FieldPath, problems: Problems) -> None:
    if isinstance(number, int) and not isinstance(number, bool):
        for detail in port_faults(number):
            problems.invalid(at, number, detail)
