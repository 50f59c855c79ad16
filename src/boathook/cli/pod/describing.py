"""A pod in words, as ``kubectl describe`` lays it out, and what became of its hooks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from boathook.cli.pod.handlers import handler_text, probe_text, volume_lines
from boathook.cli.pod.table import age, columns
from boathook.journal.hook_runs import HookRun
from boathook.model import JsonObject, JsonValue, Output
from boathook.objects import mapping, mappings, text
from boathook.report import words

NONE = "<none>"

INDENT = "  "

CONTAINER_WIDTH = 16
"""Of the column of names in a container's block."""

OUTPUT_LINES = 5
"""How much of a hook's output is shown; ``boathook show RUN`` has all of it."""

PROBES = (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a pod beside its object."""

    run_by: str
    hook_runs: tuple[HookRun, ...]
    events: tuple[JsonObject, ...] | None
    """None: they are not to be shown."""
    now: datetime


def description(obj: JsonObject, facts: Facts) -> str:
    """All that is known of a pod."""
    spec, status = mapping(obj, "spec"), mapping(obj, "status")
    lines = [
        *_fields(_head(obj, facts)),
        *_containers("Init Containers", spec.get("initContainers"), status.get("initContainerStatuses")),
        *_containers("Containers", spec.get("containers"), status.get("containerStatuses")),
        *_conditions(status),
        *_volumes(spec),
        *_hook_runs(facts),
        *_events(facts),
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _fields(pairs: list[tuple[str, list[str]]], indent: str = "", width: int = 0) -> Iterator[str]:
    """``Name:  value``, the values in one column, further values below the first."""
    width = width or max((len(name) for name, _ in pairs), default=0) + 3
    for name, values in pairs:
        yield f"{indent}{name + ':':<{width}}{values[0] if values else NONE}"
        for value in values[1:]:
            yield f"{indent}{'':<{width}}{value}"


def _head(obj: JsonObject, facts: Facts) -> list[tuple[str, list[str]]]:
    metadata, spec, status = mapping(obj, "metadata"), mapping(obj, "spec"), mapping(obj, "status")
    pairs: list[tuple[str, list[str]]] = [
        ("Name", [text(metadata, "name")]),
        ("Namespace", [text(metadata, "namespace")]),
        ("Service Account", [text(spec, "serviceAccountName") or "default"]),
        ("Run By", [facts.run_by or "<nobody>"]),
        ("Start Time", [moment(text(status, "startTime"))]),
        ("Labels", _pairs(metadata, "labels", "=")),
        ("Annotations", _pairs(metadata, "annotations", ": ")),
    ]
    grace = [_seconds(spec.get("terminationGracePeriodSeconds"), 30)]
    if deleted := text(metadata, "deletionTimestamp"):
        pairs.append(("Status", [f"Terminating (lasts {age(deleted, facts.now)})"]))
        grace = [_seconds(metadata.get("deletionGracePeriodSeconds"), 30)]
    else:
        pairs.append(("Status", [text(status, "phase") or "Pending"]))
    pairs.append(("Termination Grace Period", grace))
    for name in ("reason", "message"):
        if said := text(status, name):
            pairs.append((name.capitalize(), [said]))
    pairs.append(("IP", [text(status, "podIP")]))
    if owners := mappings(metadata.get("ownerReferences")):
        pairs.append(("Controlled By", [f"{text(owners[0], 'kind')}/{text(owners[0], 'name')}"]))
    return pairs


def _pairs(metadata: JsonObject, field: str, between: str) -> list[str]:
    return [f"{key}{between}{value}" for key, value in sorted(mapping(metadata, field).items())]


def _seconds(value: JsonValue, otherwise: int) -> str:
    return f"{value if isinstance(value, int) else otherwise}s"


def moment(written: str) -> str:
    """A time of the API as ``kubectl describe`` writes it: ``Fri, 27 Nov 2026 18:00:00 +0000``."""
    try:
        return format_datetime(datetime.fromisoformat(written))
    except ValueError:
        return written


def _containers(heading: str, specs: JsonValue, statuses: JsonValue) -> Iterator[str]:
    if not mappings(specs):
        return
    known = {one.get("name"): one for one in mappings(statuses)}
    yield f"{heading}:"
    for spec in mappings(specs):
        yield f"{INDENT}{spec.get('name')}:"
        yield from _container(spec, known.get(spec.get("name"), {}))


def _container(spec: JsonObject, status: JsonObject) -> Iterator[str]:
    indent = INDENT * 2
    pairs: list[tuple[str, list[str]]] = [
        ("Container ID", [text(status, "containerID")]),
        ("Image", [text(spec, "image")]),
        ("Image ID", [text(status, "imageID")]),
        ("Port" if len(mappings(spec.get("ports"))) < 2 else "Ports", [_ports(spec)]),
    ]
    yield from _fields(pairs, indent, CONTAINER_WIDTH)
    for name in ("command", "args"):
        if words_of := spec.get(name):
            yield f"{indent}{name.capitalize()}:"
            yield from (f"{indent}{INDENT}{line}" for word in _texts(words_of) for line in word.splitlines() or [""])
    yield from _state("State", mapping(status, "state") or {"waiting": {}}, indent)
    if mapping(status, "lastState"):
        yield from _state("Last State", mapping(status, "lastState"), indent)
    yield from _fields(
        [
            ("Ready", [str(bool(status.get("ready")))]),
            ("Restart Count", [str(status.get("restartCount") or 0)]),
            *_resources(spec),
            *((name, [probe_text(mapping(spec, field))]) for name, field in PROBES if mapping(spec, field)),
            *_hooks(spec),
            ("Environment", _environment(spec)),
            ("Mounts", _mounts(spec)),
        ],
        indent,
        CONTAINER_WIDTH,
    )


def _texts(value: JsonValue) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _ports(spec: JsonObject) -> str:
    ports = (f"{one.get('containerPort')}/{one.get('protocol') or 'TCP'}" for one in mappings(spec.get("ports")))
    return ", ".join(ports) or NONE


def _state(name: str, state: JsonObject, indent: str) -> Iterator[str]:
    kind, said = next(iter(state.items()), ("waiting", {}))
    facts = mapping(said)
    pairs = [
        ("Reason", text(facts, "reason")),
        ("Message", text(facts, "message")),
        ("Exit Code", text(facts, "exitCode")),
        ("Signal", text(facts, "signal")),
        ("Started", moment(text(facts, "startedAt"))),
        ("Finished", moment(text(facts, "finishedAt"))),
    ]
    yield f"{indent}{name + ':':<{CONTAINER_WIDTH}}{str(kind).capitalize()}"
    for label, value in pairs:
        if value:
            first, *rest = value.rstrip().splitlines() or [""]
            yield f"{indent}{INDENT}{label + ':':<{CONTAINER_WIDTH - 2}}{first}"
            yield from (f"{indent}{INDENT}{'':<{CONTAINER_WIDTH - 2}}{line}" for line in rest)


def _resources(spec: JsonObject) -> Iterator[tuple[str, list[str]]]:
    for field in ("limits", "requests"):
        if found := mapping(spec, "resources", field):
            yield field.capitalize(), [f"{name}: {value}" for name, value in sorted(found.items())]


def _hooks(spec: JsonObject) -> Iterator[tuple[str, list[str]]]:
    lifecycle = mapping(spec, "lifecycle")
    for point in ("postStart", "preStop"):
        if handler := mapping(lifecycle, point):
            yield point, [handler_text(handler)]
    if signal := text(lifecycle, "stopSignal"):
        yield "Stop Signal", [signal]


def _environment(spec: JsonObject) -> list[str]:
    found = []
    for one in mappings(spec.get("envFrom")):
        for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if source := mapping(one, field):
                prefix = f" with prefix '{one['prefix']}'" if one.get("prefix") else ""
                found.append(f"all of {kind} {text(source, 'name')}{prefix}")
    for one in mappings(spec.get("env")):
        found.append(f"{text(one, 'name')}: {_value(one)}".rstrip())
    return found


def _value(variable: JsonObject) -> str:
    source = mapping(variable, "valueFrom")
    for field, kind in (("configMapKeyRef", "config map"), ("secretKeyRef", "secret")):
        if key := mapping(source, field):
            return f"<set to the key '{text(key, 'key')}' in {kind} '{text(key, 'name')}'>"
    if field_ref := mapping(source, "fieldRef"):
        return f"({text(field_ref, 'fieldPath')})"
    if resource := mapping(source, "resourceFieldRef"):
        return f"({text(resource, 'resource')})"
    return text(variable, "value")


def _mounts(spec: JsonObject) -> list[str]:
    found = []
    for one in sorted(mappings(spec.get("volumeMounts")), key=lambda mount: text(mount, "mountPath")):
        how = "ro" if one.get("readOnly") else "rw"
        path = text(one, "subPath") or text(one, "subPathExpr")
        part = f',path="{path}"' if path else ""
        found.append(f"{text(one, 'mountPath')} from {text(one, 'name')} ({how}{part})")
    return found


def _conditions(status: JsonObject) -> Iterator[str]:
    conditions = mappings(status.get("conditions"))
    if not conditions:
        return
    yield "Conditions:"
    rows = [("Type", "Status"), *((text(one, "type"), text(one, "status")) for one in conditions)]
    yield from (f"{INDENT}{line}" for line in columns(rows).splitlines())


def _volumes(spec: JsonObject) -> Iterator[str]:
    volumes = mappings(spec.get("volumes"))
    if not volumes:
        yield f"Volumes:  {NONE}"
        return
    yield "Volumes:"
    for one in volumes:
        yield f"{INDENT}{text(one, 'name')}:"
        yield from _fields([(name, [value]) for name, value in volume_lines(one)], INDENT * 2)


def _hook_runs(facts: Facts) -> Iterator[str]:
    if not facts.hook_runs:
        yield f"Hook Runs:  {NONE}"
        return
    yield "Hook Runs:"
    for one in facts.hook_runs:
        started = one.started
        yield f"{INDENT}{started.target.name} {started.hook.name}:"
        yield from _fields(list(_outcome(one)), INDENT * 2)
        if one.finished is not None:
            result = one.finished.result
            for name, output in (("Output", result.stdout), ("Errors", result.stderr)):
                yield from _output(name, output)


def _outcome(one: HookRun) -> Iterator[tuple[str, list[str]]]:
    if one.finished is None:
        yield "Outcome", ["started, and its end is not known"]
        yield "Run", [one.run]
        return
    result = one.finished.result
    outcome, reason = result.outcome.value.replace("_", " "), result.reason or ""
    yield "Outcome", [reason if reason.startswith(outcome) else f"{outcome}: {reason}" if reason else outcome]
    if result.exit_code is not None:
        yield "Exit Code", [str(result.exit_code)]
    if result.started is not None:
        yield "Started", [format_datetime(result.started)]
    if result.duration is not None:
        yield "Duration", [words.duration(result.duration)]
    if result.budget_left is not None:
        yield "Left", [f"{words.duration(result.budget_left)} of its time"]
    yield "Run", [f"{one.run} (boathook show {one.run})"]


def _output(name: str, output: Output | None) -> Iterator[str]:
    if output is None or not output.text:
        return
    lines = output.text.splitlines()
    yield f"{INDENT * 2}{name}:"
    yield from (f"{INDENT * 3}{line}" for line in lines[:OUTPUT_LINES])
    if len(lines) > OUTPUT_LINES or output.truncated:
        yield f"{INDENT * 3}… ({words.size(output.total_bytes)} in all)"


def _events(facts: Facts) -> Iterator[str]:
    if facts.events is None:
        return
    if not facts.events:
        yield f"Events:  {NONE}"
        return
    yield "Events:"
    rows: list[tuple[str, ...]] = [
        ("Type", "Reason", "Age", "From", "Message"),
        ("----", "------", "----", "----", "-------"),
    ]
    rows += [_event(one, facts.now) for one in facts.events]
    yield from (f"{INDENT}{line}" for line in columns(rows).splitlines())


def _event(event: JsonObject, now: datetime) -> tuple[str, ...]:
    last = text(event, "lastTimestamp") or text(event, "eventTime")
    count = event.get("count")
    when = age(last, now)
    if isinstance(count, int) and count > 1:
        when = f"{when} (x{count} over {age(text(event, 'firstTimestamp'), now)})"
    reporter = text(event, "source", "component") or text(event, "reportingComponent")
    message = text(event, "message").strip().replace("\n", " ")
    return text(event, "type"), text(event, "reason"), when, reporter, message
