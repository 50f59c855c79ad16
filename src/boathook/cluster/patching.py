"""What a JSON merge patch makes of a stored object, and what of it the API server refuses. Pure."""

from __future__ import annotations

import copy

from boathook.cluster.deletion import finalizers_of, is_being_deleted
from boathook.cluster.merging import invalid, refuse_changed_spec, refuse_stale
from boathook.errors import ManifestError
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping, text

KEPT_METADATA = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
"""What the server alone writes: a patch that names them changes nothing of them."""


def merge_patch(value: JsonValue, patch: JsonValue) -> JsonValue:
    """RFC 7386: mappings are merged, null removes, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(value) if isinstance(value, dict) else {}
    for field, change in patch.items():
        if change is None:
            result.pop(field, None)
        else:
            result[field] = merge_patch(result.get(field), change)
    return result


def patched(now: JsonObject, patch: JsonObject, *, inert: bool) -> JsonObject:
    """The object as the patch leaves it. Raises ``ManifestError`` and, for one of another version, ``Conflict``.

    The status of what is acted on is not for a patch to say: it stands apart, as a subresource.
    """
    refuse_stale(now, patch)
    merged = merge_patch(now, patch)
    assert isinstance(merged, dict)
    _refuse_another(now, merged)
    if not inert:
        merged.pop("status", None)
        merged |= {"status": now["status"]} if "status" in now else {}
    before, metadata = mapping(now, "metadata"), dict(mapping(merged, "metadata"))
    for field in KEPT_METADATA:
        metadata.pop(field, None)
    metadata |= {field: before[field] for field in KEPT_METADATA if field in before}
    if metadata.get("finalizers") == []:
        del metadata["finalizers"]
    generation = before.get("generation")
    if isinstance(generation, int) and merged.get("spec") != now.get("spec"):
        metadata["generation"] = generation + 1
    merged["metadata"] = metadata
    _refuse_new_finalizers(now, merged)
    refuse_changed_spec(now, merged)
    return merged


def _refuse_another(now: JsonObject, merged: JsonObject) -> None:
    """A patch cannot make another object of it."""
    for path in (("kind",), ("apiVersion",), ("metadata", "name"), ("metadata", "namespace")):
        before, after = text(now, *path), text(merged, *path)
        if before != after:
            field = ".".join(path)
            raise _refused(now, f'{field}: Invalid value: "{after}": field is immutable')


def _refuse_new_finalizers(now: JsonObject, merged: JsonObject) -> None:
    """As ``ValidateObjectMetaAccessorUpdate`` says it: what is being deleted can only be let go."""
    new = [one for one in finalizers_of(merged) if one not in finalizers_of(now)]
    if new and is_being_deleted(now):
        named = ", ".join(f'"{one}"' for one in new)
        raise _refused(
            now,
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, "
            f"found new finalizers []string{{{named}}}",
        )


def _refused(obj: JsonObject, problem: str) -> ManifestError:
    return invalid(f'{obj["kind"]} "{text(obj, "metadata", "name")}" is invalid: {problem}')
