"""What an applied manifest makes of an object that is stored already, and what the API server refuses to change."""

from __future__ import annotations

from boathook.cluster import claims
from boathook.cluster.deletion import finalizers_of
from boathook.cluster.store import plural
from boathook.errors import Conflict, ManifestError
from boathook.model import Finding, JsonObject, JsonValue, Severity, Source
from boathook.objects import mapping, mappings, text

SERVER_FIELDS = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "namespace",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)


def merged(now: JsonObject, wanted: JsonObject) -> JsonObject:
    """The stored object as the manifest wants it: identity and status stay, bound claims keep their volume.

    Raises ``Conflict`` for a manifest that was made from another version.
    """
    refuse_stale(now, wanted)
    metadata = mapping(now, "metadata")
    kept = {field: metadata[field] for field in SERVER_FIELDS if field in metadata}
    annotations = mapping(wanted, "metadata", "annotations")
    if claims.DYNAMIC in mapping(metadata, "annotations"):
        annotations = annotations | {claims.DYNAMIC: "true"}
    result = wanted | {"metadata": mapping(wanted, "metadata") | kept}
    if annotations:
        result["metadata"] = mapping(result, "metadata") | {"annotations": annotations}
    if finalizers := {**dict.fromkeys(finalizers_of(now)), **dict.fromkeys(finalizers_of(wanted))}:
        # A manifest adds its own; it never takes away what others have put there.
        result["metadata"] = mapping(result, "metadata") | {"finalizers": [*finalizers]}
    result.pop("status", None)
    if "status" in now:
        result["status"] = now["status"]
    for field in ("volumeName", "claimRef"):
        if field in mapping(now, "spec"):
            kept_field: JsonObject = {field: mapping(now, "spec")[field]}
            result["spec"] = kept_field | mapping(result, "spec")
    generation = metadata.get("generation")
    if isinstance(generation, int) and result.get("spec") != now.get("spec"):
        result["metadata"] = mapping(result, "metadata") | {"generation": generation + 1}
    return result


def refuse_stale(now: JsonObject, wanted: JsonObject) -> None:
    """A manifest that says which version it was made from applies to that one only."""
    version = text(wanted, "metadata", "resourceVersion")
    if version not in ("", text(now, "metadata", "resourceVersion")):
        raise Conflict(
            f'Operation cannot be fulfilled on {plural(str(now["kind"]))} "{text(now, "metadata", "name")}": the object'
            " has been modified; please apply your changes to the latest version and try again"
        )


MAY_CHANGE = (
    "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)
"""What the API server lets a pod's update change, in its words (apis/core/validation, ``ValidatePodUpdate``)."""


def refuse_changed_spec(now: JsonObject, wanted: JsonObject) -> None:
    """What the API server lets nobody change."""
    kind, name = str(now["kind"]), text(now, "metadata", "name")
    if kind == "Pod" and now.get("spec") != wanted.get("spec"):
        for problem in pod_problems(mapping(now, "spec"), mapping(wanted, "spec")):
            raise invalid(f'Pod "{name}" is invalid: {problem}')
    if kind == "Job" and mapping(now, "spec").get("template") != mapping(wanted, "spec").get("template"):
        raise invalid(f'Job "{name}" is invalid: spec.template: Invalid value: field is immutable')


def pod_problems(now: JsonObject, wanted: JsonObject) -> list[str]:
    """What keeps a pod's specification from becoming another one while the pod is there."""
    problem = _deadline_problem(now.get("activeDeadlineSeconds"), wanted.get("activeDeadlineSeconds"))
    if problem:
        return [f"spec.activeDeadlineSeconds: {problem}"]
    if _fixed(now) != _fixed(wanted) or not _only_added(now.get("tolerations"), wanted.get("tolerations")):
        return [f"spec: Forbidden: pod updates may not change fields other than {MAY_CHANGE}"]
    return []


def _deadline_problem(now: JsonValue, wanted: JsonValue) -> str:
    """It may be given, and shortened."""
    if now is None or wanted == now:
        return ""
    if wanted is None:
        return "Invalid value: null: must not update from a positive integer to nil value"
    if isinstance(now, int) and isinstance(wanted, int) and wanted > now:
        return f"Invalid value: {wanted}: must be less than or equal to previous value"
    return ""


def _fixed(spec: JsonObject) -> JsonObject:
    """The specification without what may change."""
    fixed: JsonObject = {k: v for k, v in spec.items() if k not in ("activeDeadlineSeconds", "tolerations")}
    for field in ("containers", "initContainers"):
        if field in fixed:
            fixed[field] = [{k: v for k, v in one.items() if k != "image"} for one in mappings(fixed[field])]
    grace = fixed.get("terminationGracePeriodSeconds")
    if isinstance(grace, int) and grace < 0:
        # Such a period counts as one second from the beginning.
        fixed["terminationGracePeriodSeconds"] = 1
    return fixed


def _only_added(now: JsonValue, wanted: JsonValue) -> bool:
    wanted_ones = mappings(wanted)
    return all(one in wanted_ones for one in mappings(now))


def invalid(message: str) -> ManifestError:
    source = Source(file="", line=None, column=None, path="")
    finding = Finding(id="cluster.immutable", severity=Severity.ERROR, source=source, message=message, remedy=None)
    return ManifestError((finding,), hint="delete it first, or give the new one another name")
