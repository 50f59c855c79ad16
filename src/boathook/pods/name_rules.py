"""Names of what a pod has several of: containers, volumes. Pure."""

from __future__ import annotations

from boathook.model import JsonValue
from boathook.pods.problems import FieldPath, Problems
from boathook.pods.text_rules import label_faults


def check_name(name: JsonValue, at: FieldPath, names: set[str], problems: Problems) -> None:
    """A name that must be there, be a label, and be no other's of the same kind."""
    if not name:
        problems.required(at)
    elif isinstance(name, str):
        for detail in label_faults(name):
            problems.invalid(at, name, detail)
        if name in names:
            problems.duplicate(at, name)
        names.add(name)
