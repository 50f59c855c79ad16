"""Which process acts on an object, in the store's own column: a command that ends with its pods, or the supervisor."""

from __future__ import annotations

from dataclasses import dataclass

from boathook.cluster.base import key_of
from boathook.cluster.store import ObjectStore
from boathook.model import JsonObject, JsonValue
from boathook.objects import mapping, text
from boathook.runtimes.processes import ProcessId, this_process

FOREGROUND = "command"
SUPERVISOR = "supervisor"

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
        if owner.kind == FOREGROUND or text(stored.body, "metadata", "deletionTimestamp"):
            store.remove(key)
            said.append(f"removed {key}, whose owner (process {owner.process.pid}) is dead")
        else:
            marked = store.update(key, orphaned, owner="")
            # What was over before its owner died is left as it is, and there is nothing to say of it.
            if mapping(marked, "status") != mapping(stored.body, "status"):
                said.append(f"{key} ended with its owner (process {owner.process.pid})")
    return tuple(said)


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
    containers = status.get("containerStatuses")
    ended: JsonValue = (
        [_ended(one) for one in containers if isinstance(one, dict)] if isinstance(containers, list) else []
    )
    changes: JsonObject = {
        "phase": "Failed",
        "reason": OWNER_DIED,
        "message": _MESSAGE,
        "containerStatuses": ended,
    }
    return obj | {"status": status | changes}


_MESSAGE = "the process that ran it has ended, and its containers with it"


def _ended(status: JsonObject) -> JsonObject:
    if "terminated" in mapping(status, "state"):
        return status
    terminated: JsonObject = {"exitCode": 137, "reason": OWNER_DIED, "message": _MESSAGE}
    return status | {"ready": False, "started": False, "state": {"terminated": terminated}}
