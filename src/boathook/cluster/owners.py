"""Which process acts on an object, in the store's own column: a command that ends with its pods, or the supervisor."""

from __future__ import annotations

from dataclasses import dataclass

from boathook.cluster.base import key_of
from boathook.cluster.deletion import finalizers_of, is_being_deleted
from boathook.cluster.store import ObjectStore, uid_of
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping, mappings, text
from boathook.runtimes.processes import ProcessId, this_process

FOREGROUND = "command"
SUPERVISOR = "supervisor"

MOST_RECORDS = 50
"""How many pods are remembered that have ended and that no process keeps any more."""

OWNER_DIED = "OwnerDied"
"""Reason of a pod whose owner was killed: its containers died with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectOwner:
    """A process and what it is."""

    kind: str
    process: ProcessId

    def __str__(self) -> str:
        return f"{self.kind}:{self.process.pid}:{self.process.start}:{self.process.boot}"


def this_owner(kind: str) -> str:
    """How this process signs the objects that it acts on."""
    return str(ObjectOwner(kind=kind, process=this_process()))


def parse_owner(written: str) -> ObjectOwner | None:
    """None: nobody."""
    if not written:
        return None
    kind, pid, start, boot = written.split(":", 3)
    return ObjectOwner(kind=kind, process=ProcessId(pid=int(pid), start=int(start), boot=boot))


def is_alive(written: str) -> bool:
    owner = parse_owner(written)
    return owner is not None and owner.process.alive


def settle_orphans(store: ObjectStore) -> tuple[str, ...]:
    """Pods and Jobs whose owner is dead: a command's own are removed, a supervisor's are marked failed.

    Returns a sentence for each.
    """
    said = []
    for stored in store.list():
        owner = parse_owner(stored.owner)
        if owner is None or owner.process.alive:
            continue
        key = key_of(stored.body, default_namespace="default")
        if owner.kind == FOREGROUND or (is_being_deleted(stored.body) and not finalizers_of(stored.body)):
            store.remove(key)
            said.append(f"removed {key}, whose owner (process {owner.process.pid}) is dead")
        else:
            marked = store.update(key, orphaned, owner="")
            # What was over before its owner died is left as it is, and there is nothing to say of it.
            if mapping(marked, "status") != mapping(stored.body, "status"):
                said.append(f"{key} ended with its owner (process {owner.process.pid})")
    _forget_oldest(store)
    return tuple(said)


def _forget_oldest(store: ObjectStore) -> None:
    """Of pods that have ended and that nobody keeps but their record, the newest stay. A Job's pods go with it."""
    records = [stored.body for stored in store.list("Pod") if not stored.owner and _is_record(stored.body)]
    records.sort(key=lambda obj: int(text(obj, "metadata", "resourceVersion") or 0))
    for obj in records[:-MOST_RECORDS]:
        store.remove(key_of(obj, default_namespace="default"), uid=uid_of(obj))


def _is_record(pod: JsonObject) -> bool:
    is_kept = finalizers_of(pod) or mapping(pod, "metadata").get("ownerReferences")
    return not is_kept and text(pod, "status", "phase") in ("Succeeded", "Failed")


def orphaned(obj: JsonObject) -> JsonObject:
    """The object as it is after its owner died: failed, its containers gone with an unknown status."""
    status = mapping(obj, "status")
    if obj["kind"] == "Job":
        conditions = status.get("conditions")
        if conditions:
            return obj
        failed: JsonValue = [{"type": "Failed", "status": "True", "reason": OWNER_DIED, "message": _MESSAGE}]
        return obj | {"status": status | {"active": 0, "conditions": failed}}
    if text(status, "phase") in ("Succeeded", "Failed"):
        return obj
    changes: JsonObject = {"phase": "Failed", "reason": OWNER_DIED, "message": _MESSAGE}
    for field in ("initContainerStatuses", "containerStatuses"):
        changes[field] = [_ended(one) for one in mappings(status.get(field))]
    return obj | {"status": status | changes}


_MESSAGE = "the process that ran it has ended, and its containers with it"


def _ended(status: JsonObject) -> JsonObject:
    if "terminated" in mapping(status, "state"):
        return status
    terminated: JsonObject = {"exitCode": 137, "reason": OWNER_DIED, "message": _MESSAGE}
    return status | {"ready": False, "started": False, "state": {"terminated": terminated}}
