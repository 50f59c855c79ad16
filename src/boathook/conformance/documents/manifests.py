"""Pods as YAML text: keys in one order, and nothing that a cluster or the run assigned. Pure."""

from __future__ import annotations

import math
from typing import Any

import yaml

from boathook.conformance.documents.pages import is_marker
from boathook.model import JsonObject
from boathook.objects import mapping

ASSIGNED = frozenset(
    {
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
    }
)
"""Metadata that a cluster gives an object, or that says where a run put it."""


class _Dumper(yaml.SafeDumper):
    """Text of several lines as a block where that cannot be mistaken for a marker; no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" not in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text)
    style = '"' if any(is_marker(line) for line in text.splitlines()) else "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def shown_pod(pod: JsonObject) -> JsonObject:
    """The pod as somebody would write it."""
    metadata = mapping(pod.get("metadata"))
    kept: JsonObject = {key: value for key, value in metadata.items() if key not in ASSIGNED}
    return {key: value for key, value in pod.items() if key != "status"} | {"metadata": kept}


def pod_lines(pod: JsonObject) -> list[str]:
    """The whole pod, a valid manifest, as lines."""
    return _yaml(shown_pod(pod))


def seed_lines(pod: JsonObject) -> list[str]:
    """The pod without its kind, indented by two, with the first line's indentation and a last blank line trimmed.

    That is what a template makes of an indented value; the page has it so.
    """
    shown = shown_pod(pod)
    lines = _yaml({key: shown[key] for key in ("metadata", "spec") if key in shown})
    return [*("  " * bool(number) + line for number, line in enumerate(lines)), "  "]


def _yaml(value: JsonObject) -> list[str]:
    # The C emitter wraps lines whatever the width; this one leaves them whole.
    text = yaml.dump(value, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=math.inf)
    return text.removesuffix("\n").split("\n")
