"""The backup's own log, in logfmt as the peers write it. Its error lines are what a backup's phase depends on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from boathook.backup.model import BACKUP_NAMESPACE, PHASE_NAMES, BackupPod, PodHook, Problem
from boathook.backup.record import timestamp
from boathook.clock import Clock
from boathook.durations import format_go_duration
from boathook.model import Exec, HookResult

_PLAIN = re.compile(r"[A-Za-z0-9._/@^+-]+")
"""What logrus leaves unquoted (text_formatter.go, needsQuoting)."""

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def quoted(value: str) -> str:
    """A value as logfmt has it: bare where it can be."""
    if _PLAIN.fullmatch(value):
        return value
    return '"' + "".join(_ESCAPES.get(one, one if one.isprintable() else f"\\x{ord(one):02x}") for one in value) + '"'


@dataclass(slots=True, kw_only=True)
class BackupLog:
    """Writes lines, and keeps errors and warnings for the results file."""

    backup: str
    clock: Clock
    write: Callable[[str], None]
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def info(self, message: str, fields: Mapping[str, str]) -> None:
        self._line("info", message, fields)

    def warning(self, message: str, fields: Mapping[str, str], *, error: str = "") -> None:
        self.warnings.append(_problem(message, fields, error))
        self._line("warning", message, {**fields, "error": error} if error else fields)

    def error(self, message: str, fields: Mapping[str, str], *, error: str = "") -> None:
        self.errors.append(_problem(message, fields, error))
        self._line("error", message, {**fields, "error": error} if error else fields)

    def _line(self, level: str, message: str, fields: Mapping[str, str]) -> None:
        rest = {"backup": f"{BACKUP_NAMESPACE}/{self.backup}", **fields}
        pairs = (f"{key}={quoted(rest[key])}" for key in sorted(rest))
        moment = timestamp(self.clock.now())
        self.write(" ".join((f'time="{moment}"', f"level={level}", f"msg={quoted_always(message)}", *pairs)))

    # Hooks.

    def hook_runs(self, pod: BackupPod, hook: PodHook) -> None:
        self.info("running exec hook", executor_fields(pod, hook))

    def hook_ended(self, pod: BackupPod, hook: PodHook, result: HookResult, failure: str | None) -> None:
        fields = executor_fields(pod, hook)
        for name, output in (("stdout", result.stdout), ("stderr", result.stderr)):
            if output is not None and (output.text or result.outcome.value in ("succeeded", "failed")):
                cut = f" ({output.omitted_bytes} bytes left out)" if output.truncated else ""
                self.info(f"{name}: {output.text}{cut}", fields)
        if failure is not None:
            self.error("Error executing hook", pod_fields(pod) | _phase_fields(hook), error=failure)


def pod_fields(pod: BackupPod) -> dict[str, str]:
    return {"resource": "pods", "namespace": pod.namespace, "name": pod.name}


def _phase_fields(hook: PodHook) -> dict[str, str]:
    return {"hookSource": "annotation", "hookType": "exec", "hookPhase": PHASE_NAMES[hook.hook.point]}


def executor_fields(pod: BackupPod, hook: PodHook) -> dict[str, str]:
    """What stands on the executor's lines (4.4)."""
    handler, timeout = hook.hook.handler, hook.hook.timeout
    command = " ".join(handler.command) if isinstance(handler, Exec) else ""
    return (
        pod_fields(pod)
        | _phase_fields(hook)
        | {
            "hookName": hook.label,
            "hookContainer": hook.container,
            "hookCommand": f"[{command}]",
            "hookOnError": hook.on_error.value,
            "hookTimeout": f"{{{format_go_duration(timeout)}}}" if timeout is not None else "",
        }
    )


def quoted_always(value: str) -> str:
    text = quoted(value)
    return text if text.startswith('"') else f'"{text}"'


def _problem(message: str, fields: Mapping[str, str], error: str) -> Problem:
    return Problem(
        namespace=fields.get("namespace", ""),
        resource=fields.get("resource", ""),
        name=fields.get("name", ""),
        message=message,
        error=error,
    )
