"""The hooks of a service in its long form -> the model, with every default filled in. Pure.

The form has been checked: nothing here refuses anything.
"""

from __future__ import annotations

from collections.abc import Iterable

from boathook.compose.model import POINTS
from boathook.compose.reading.tree import Node
from boathook.durations import parse_compose_duration
from boathook.model import Exec, Handler, Hook, JsonObject, OnFailure, RunContainer, Source
from boathook.objects import mapping, mappings, pairs, text, texts

EXTENSION = "x-boathook"
ON_FAILURE = {"abort": OnFailure.STOP, "continue": OnFailure.CONTINUE}


def hooks_of(key: str, form: JsonObject, service: str, node: Node) -> tuple[Hook, ...]:
    listed = node.get(key)
    items = listed.items() if listed is not None else []
    written = mappings(form.get(key))
    return tuple(
        _hook(key, at, one, form, item.place.source(("services", service, key, at)))
        for at, (one, item) in enumerate(zip(written, items, strict=True))
    )


def _hook(key: str, position: int, written: JsonObject, form: JsonObject, source: Source) -> Hook:
    said = mapping(written, EXTENSION)
    timeout = text(said, "timeout")
    return Hook(
        point=POINTS[key],
        name=f"{key}[{position}]",
        handler=_helper(written, form) if key == "pre_start" else _exec(written),
        timeout=parse_compose_duration(timeout) if timeout else None,
        on_failure=ON_FAILURE[text(said, "on_failure") or "abort"],
        source=source,
    )


def _exec(written: JsonObject) -> Handler:
    return Exec(
        command=texts(written.get("command")),
        user=text(written, "user") or None,
        privileged=written.get("privileged") is True,
        working_dir=text(written, "working_dir") or None,
        environment=pairs(written.get("environment")),
    )


def _helper(written: JsonObject, form: JsonObject) -> Handler:
    """User and directory are the service's unless the hook says otherwise (spec 15)."""
    return RunContainer(
        image=text(written, "image") or None,
        command=texts(written.get("command")) or None,
        user=text(written, "user") or text(form, "user") or None,
        privileged=written.get("privileged") is True,
        working_dir=text(written, "working_dir") or text(form, "working_dir") or None,
        environment=pairs(written.get("environment")),
    )


def own_on_failure(form: JsonObject) -> Iterable[str]:
    for key in POINTS:
        for position, one in enumerate(mappings(form.get(key))):
            if "on_failure" in mapping(one, EXTENSION):
                yield f"{key}[{position}]"
