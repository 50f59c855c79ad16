"""How objects are marked that are being deleted, and what still keeps them. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from boathook.model import JsonObject
from boathook.objects import mapping, text

_TIME = "%Y-%m-%dT%H:%M:%SZ"


def is_being_deleted(obj: JsonObject) -> bool:
    return bool(text(obj, "metadata", "deletionTimestamp"))


def finalizers_of(obj: JsonObject) -> list[str]:
    """While it has any, an object stays where it is."""
    listed = mapping(obj, "metadata").get("finalizers")
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def is_forced(obj: JsonObject) -> bool:
    """Deleted without waiting for what it stands for."""
    return is_being_deleted(obj) and mapping(obj, "metadata").get("deletionGracePeriodSeconds") == 0


def marked(obj: JsonObject, now: datetime, grace: timedelta) -> JsonObject:
    """As an API server marks a pod that is being deleted. The grace period only shrinks.

    Less than a second is shown as one, as long as the pod is waited for; ``marked_at_once`` shows none.
    """
    metadata = mapping(obj, "metadata")
    seconds = max(int(grace.total_seconds()), 1)
    before = metadata.get("deletionGracePeriodSeconds")
    if isinstance(before, int):
        seconds = min(seconds, before)
    marks: JsonObject = {
        "deletionTimestamp": metadata.get("deletionTimestamp") or now.strftime(_TIME),
        "deletionGracePeriodSeconds": seconds,
    }
    return obj | {"metadata": metadata | marks}


def marked_at_once(obj: JsonObject, now: datetime) -> JsonObject:
    """Marked where nothing is waited for, and only finalizers keep it."""
    metadata = mapping(obj, "metadata")
    marks: JsonObject = {
        "deletionTimestamp": metadata.get("deletionTimestamp") or now.strftime(_TIME),
        "deletionGracePeriodSeconds": 0,
    }
    return obj | {"metadata": metadata | marks}


def marked_claim(claim: JsonObject, now: datetime) -> JsonObject:
    marks: JsonObject = {"deletionTimestamp": now.strftime(_TIME)}
    return claim | {"metadata": marks | mapping(claim, "metadata")}
