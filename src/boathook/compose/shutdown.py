"""The systemd unit that stops a project, with its pre_stop hooks, before the engine goes down with the machine.

An engine that is stopped sends its containers the stop signal and knows no hooks. Pure: values in, text out.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta

from boathook.compose.model import Project, Service
from boathook.compose.order import stop_order
from boathook.errors import UsageError

NETWORK = "network-online.target"
BEYOND = timedelta(seconds=30)
"""What starting the command and asking the engine may take beside hooks and grace periods, on a machine that is
busy with going down."""

_PLAIN = re.compile(r"[A-Za-z0-9_@+=:,./-]+")
_ESCAPES = {"\\": r"\\", '"': r"\"", "\n": r"\n", "\t": r"\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShutdownUnit:
    """What the unit says."""

    project: str
    file: str
    """Its own name: ``boathook-shop.service``."""
    engine: str
    """The unit of the engine; empty: it is elsewhere, and needs the network."""
    user: str
    """Who stops the project; empty: whose manager this is."""
    environment: tuple[tuple[str, str], ...]
    environment_file: str
    """Empty: none."""
    start: tuple[str, ...]
    """Empty: nothing is done when the machine starts."""
    stop: tuple[str, ...]
    timeout: timedelta
    target: str
    """What wants it: ``multi-user.target``, or ``default.target`` of a user's manager."""


def unit_text(unit: ShutdownUnit) -> str:
    """The unit as systemd reads it. Raises ``UsageError`` for what cannot be said in one."""
    return "\n".join(
        [
            "# Stops the containers of a Compose project after their pre_stop hooks, before the engine is stopped.",
            f"# Keep it as {unit.file}, and have it begin with: systemctl enable --now {unit.file}",
            "[Unit]",
            f"Description=Compose project {_literal(unit.project)} with its pre_stop hooks",
            *_needs(unit.engine),
            "",
            "[Service]",
            "Type=oneshot",
            "RemainAfterExit=yes",
            *([f"User={_literal(unit.user)}"] if unit.user else []),
            *(f"Environment={quoted_value(f'{name}={value}')}" for name, value in unit.environment),
            *([f"EnvironmentFile={_path(unit.environment_file)}"] if unit.environment_file else []),
            *([f"ExecStart={command_line(unit.start)}"] if unit.start else []),
            f"ExecStop={command_line(unit.stop)}",
            f"TimeoutStopSec={math.ceil(unit.timeout.total_seconds())}",
            "",
            "[Install]",
            f"WantedBy={unit.target}",
            "",
        ]
    )


def longest_stop(project: Project, hook_timeout: timedelta) -> timedelta:
    """How long a stop may take: the longest way through the dependants' order, with all hooks and grace periods.

    ``hook_timeout`` is that of hooks which set none. Replicas are stopped side by side.
    """
    ends: dict[str, timedelta] = {}
    for turn in stop_order(project):
        begins = max((ends[one] for one in turn.after), default=timedelta())
        ends[turn.service] = begins + _own_stop(project.service(turn.service), hook_timeout)
    return max(ends.values(), default=timedelta()) + BEYOND


def _own_stop(service: Service, hook_timeout: timedelta) -> timedelta:
    hooks = (hook_timeout if hook.timeout is None else hook.timeout for hook in service.pre_stop)
    return sum(hooks, timedelta()) + service.stop_grace


def _needs(engine: str) -> list[str]:
    """What is stopped later than this: systemd stops units in the opposite order of their start."""
    if engine:
        return [f"Requires={engine}", f"After={engine}"]
    return [f"Wants={NETWORK}", f"After={NETWORK}"]


def command_line(words: tuple[str, ...]) -> str:
    """Words as systemd splits them (systemd.service, "Command lines"): ``%`` and ``$`` would mean something."""
    program, *arguments = words
    if "$" in program:
        raise UsageError(f'the program "{program}" cannot stand in a unit: its path has a "$"')
    return " ".join([quoted_value(program), *(quoted_value(word).replace("$", "$$") for word in arguments)])


def quoted_value(text: str) -> str:
    """One word, in quotes where it needs them."""
    _refuse_control(text)
    escaped = "".join(_ESCAPES.get(one, one) for one in _literal(text))
    return text if _PLAIN.fullmatch(text) else f'"{escaped}"'


def _path(path: str) -> str:
    """A setting that takes a whole line: no quotes."""
    if "\n" in path:
        raise UsageError("a path with a line break cannot stand in a unit")
    return _literal(path)


def _literal(text: str) -> str:
    """Without specifiers (systemd.unit, "Specifiers")."""
    return text.replace("%", "%%")


def _refuse_control(text: str) -> None:
    if bad := next((one for one in text if ord(one) < 32 and one not in _ESCAPES), None):
        raise UsageError(f"a character of code {ord(bad)} cannot stand in a unit: {text!r}")
