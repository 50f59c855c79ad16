"""What an applied manifest makes of an object that is stored already, and what the API server refuses to change."""

from __future__ import annotations

from boathook.cluster import claims
from boathook.cluster.store import plural
from boathook.errors import BoathookError, Conflict, ManifestError
from boathook.model import Finding, JsonObject, Severity, Source
from boathook.objects import mapping, text

SERVER_FIELDS = ("uid", "resourceVersion", "creationTimestamp", "generation", "namespace", "deletionTimestamp")


def merged(now: JsonObject, wanted: JsonObject) -> JsonObject:
    """The stored object as the manifest wants it: identity and status stay, bound claims keep their volume.

    Raises ``Conflict`` for a manifest that was made from another version.
    """
    _refuse_stale(now, wanted)
    metadata = mapping(now, "metadata")
    kept = {field: metadata[field] for field in SERVER_FIELDS if field in metadata}
    annotations = mapping(wanted, "metadata", "annotations")
    if claims.DYNAMIC in mapping(metadata, "annotations"):
        annotations = annotations | {claims.DYNAMIC: "true"}
    result = wanted | {"metadata": mapping(wanted, "metadata") | kept}
    if annotations:
        result["metadata"] = mapping(result, "metadata") | {"annotations": annotations}
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


def _refuse_stale(now: JsonObject, wanted: JsonObject) -> None:
    """A manifest that says which version it was made from applies to that one only."""
    version = text(wanted, "metadata", "resourceVersion")
    if version not in ("", text(now, "metadata", "resourceVersion")):
        raise Conflict(
            f'Operation cannot be fulfilled on {plural(str(now["kind"]))} "{text(now, "metadata", "name")}": the object'
            " has been modified; please apply your changes to the latest version and try again"
        )


def refuse_changed_spec(now: JsonObject, wanted: JsonObject) -> None:
    """What the API server lets nobody change."""
    kind, name = str(now["kind"]), text(now, "metadata", "name")
    if kind == "Pod" and now.get("spec") != wanted.get("spec"):
        raise _invalid(f'Pod "{name}" is invalid: spec: Forbidden: pod updates may not change fields of a running pod')
    if kind == "Job" and mapping(now, "spec").get("template") != mapping(wanted, "spec").get("template"):
        raise _invalid(f'Job "{name}" is invalid: spec.template: Invalid value: field is immutable')


def _invalid(message: str) -> BoathookError:
    source = Source(file="", line=None, column=None, path="")
    finding = Finding(id="cluster.immutable", severity=Severity.ERROR, source=source, message=message, remedy=None)
    return ManifestError((finding,), hint="delete it first, or give the new one another name")
