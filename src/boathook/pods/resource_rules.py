"""What Kubernetes accepts as limits and requests of a container. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boathook.documents import path_text
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping
from boathook.pods.problems import FieldPath, Problems
from boathook.pods.quantities import RULE, quantity

if TYPE_CHECKING:
    from fractions import Fraction

STANDARD = ("cpu", "memory", "ephemeral-storage")


def check_resources(container: JsonObject, at: FieldPath, problems: Problems) -> None:
    resources = mapping(container.get("resources"))
    limits = mapping(resources.get("limits"))
    for kind in ("limits", "requests"):
        for name, amount in mapping(resources.get(kind)).items():
            here = (*at, "resources", kind, name)
            said = f"{path_text(here[:-1])}[{name}]"
            _check_name(name, here, said, problems)
            _check_amount(amount, here, said, problems)
    for name, amount in mapping(resources.get("requests")).items():
        requested, limit = _quantity(amount), _quantity(limits.get(name))
        if requested is not None and limit is not None and requested > limit:
            detail = f"must be less than or equal to {name} limit of {limits[name]}"
            said = path_text((*at, "resources", "requests"))
            problems.invalid((*at, "resources", "requests", name), str(amount), detail, said=said)


def _check_name(name: str, at: FieldPath, said: str, problems: Problems) -> None:
    if "/" not in name and name not in STANDARD and not name.startswith("hugepages-"):
        problems.invalid(at, name, "must be a standard resource type or fully qualified", said=said)
        problems.invalid(at, name, "must be a standard resource for containers", said=said)


def _check_amount(amount: JsonValue, at: FieldPath, said: str, problems: Problems) -> None:
    found = _quantity(amount)
    if found is None and isinstance(amount, str):
        problems.invalid(at, amount, RULE, said=said)
    elif found is not None and found < 0:
        problems.invalid(at, str(amount), "must be greater than or equal to 0", said=said)


def _quantity(amount: JsonValue) -> Fraction | None:
    return quantity(amount) if isinstance(amount, int | float | str) and not isinstance(amount, bool) else None
