"""What a pod may be told of itself: its fields, and the resources of its containers."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping

from boathook.errors import CouldNotStart
from boathook.pods.model import FieldRef, Pod, PodContainer, ResourceRef
from boathook.pods.quantities import quantity
from boathook.pods.status import POD_IP
from boathook.report.words import go_quoted

NODE = "localhost"
"""How the machine is called where Kubernetes would name a node."""

ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
"""The field paths of a variable besides ``metadata.labels['x']`` and ``metadata.annotations['x']``."""

FILE_FIELDS = ("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")
"""Those of a file."""

RESOURCES = (
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)
"""What ``resourceFieldRef`` may ask for, besides huge pages of any size."""

HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")


def field_value(pod: Pod, path: str, uid: str) -> str:
    """A field of the pod; :mod:`boathook.pods.parse` lets only known paths through."""
    for name, mapping in (("metadata.labels", pod.labels), ("metadata.annotations", pod.annotations)):
        if path == name:
            return _lines(mapping)
        if path.startswith(f"{name}['"):
            return mapping.get(path.removeprefix(f"{name}['").removesuffix("']"), "")
    values = {
        "metadata.name": pod.name,
        "metadata.namespace": pod.namespace,
        "metadata.uid": uid,
        "spec.nodeName": NODE,
        "spec.host": NODE,
        "spec.serviceAccountName": pod.service_account,
    }
    return values.get(path, POD_IP)


def _lines(mapping: Mapping[str, str]) -> str:
    """One ``key="value"`` a line, by name (``fieldpath.FormatMap``)."""
    return "\n".join(f"{key}={go_quoted(value)}" for key, value in sorted(mapping.items()))


def resource_value(pod: Pod, ref: ResourceRef, asking: PodContainer | None) -> str:
    """An amount in units of its divisor, rounded up. A limit that is not set is what the machine has.

    Raises ``CouldNotStart`` for a container that the pod does not have.
    """
    container = asking
    if ref.container:
        container = next((one for one in pod.all_containers if one.name == ref.container), None)
    if container is None:
        raise CouldNotStart(f"container {ref.container} not found")
    amount = quantity(container.resources.get(ref.resource, "0"))
    if not amount and ref.resource.startswith("limits."):
        amount = quantity(_of_machine(ref.resource.removeprefix("limits.")))
    divisor = quantity(ref.divisor or "1")
    return str(math.ceil((amount or 0) / divisor if divisor else amount or 0))


def _of_machine(resource: str) -> int:
    """What a kubelet would call allocatable, with nothing set aside for the system."""
    match resource:
        case "cpu":
            return os.cpu_count() or 1
        case "memory":
            return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        case "ephemeral-storage":
            disk = os.statvfs("/")
            return disk.f_frsize * disk.f_blocks
        case _:
            return 0


def downward_value(pod: Pod, value: FieldRef | ResourceRef, uid: str, asking: PodContainer | None) -> str:
    """Either of the two. ``asking``: whose variable it is; None for a volume's file."""
    match value:
        case FieldRef(path=path):
            return field_value(pod, path, uid)
        case ResourceRef():
            return resource_value(pod, value, asking)
