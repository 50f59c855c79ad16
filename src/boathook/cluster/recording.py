"""What happens to objects, written down as a cluster does: ``v1`` Event objects, equal ones counted."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime

from boathook.cluster.base import ObjectKey
from boathook.cluster.store import Happening, ObjectStore
from boathook.errors import JournalError
from boathook.events import ClusterEvent, EventStream, Listener, Stamped
from boathook.hooks.handlers import HTTP_FALLBACK
from boathook.model import JsonObject, Target

COMPONENT = "kubelet"
"""Who says it: the local cluster stands in for the kubelet, and for nobody else."""

UNSEEN = frozenset({HTTP_FALLBACK})
"""What a kubelet says, and what its own filter then keeps from the API (``FilterEventRecorder``, as measured)."""


class Recorder:
    """Writes to the store what is told of pods on the streams that it hears."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._heard: dict[int, tuple[int, Callable[[], None]]] = {}
        """By stream: how many pods tell there, and how hearing it is ended."""

    @contextmanager
    def hearing(self, stream: EventStream) -> Iterator[None]:
        """Inside the block. Pods that share a stream are heard once."""
        count, end = self._heard.get(id(stream)) or (0, _listen(stream, self._record))
        self._heard[id(stream)] = (count + 1, end)
        try:
            yield
        finally:
            count, end = self._heard.pop(id(stream))
            if count > 1:
                self._heard[id(stream)] = (count - 1, end)
            else:
                end()

    def _record(self, stamped: Stamped) -> None:
        event = stamped.event
        if not isinstance(event, ClusterEvent) or event.reason in UNSEEN or (about := _about(event.target)) is None:
            return
        key, uid, container = about
        at = stamped.wall.timestamp()
        what = Happening(
            uid=uid,
            field=getattr(event, "field_path", "") or (f"spec.containers{{{container}}}" if container else ""),
            type="Warning" if event.warning else "Normal",
            reason=event.reason,
            message=event.message,
            first=at,
            last=at,
        )
        # A cluster's events are told as well as can be: a full disk keeps nobody from his work.
        with suppress(JournalError):
            self._store.happened(key, what)


def _listen(stream: EventStream, listener: Listener) -> Callable[[], None]:
    kept = ExitStack()
    kept.enter_context(stream.listening(listener))
    return kept.close


def _about(target: Target) -> tuple[ObjectKey, str, str] | None:
    """The pod that a target is or belongs to, its uid, and the container; None for what belongs to no pod."""
    if target.kind == "pod":
        return ObjectKey(kind="Pod", namespace=target.scope, name=target.name), target.instance, ""
    namespace, slash, pod = target.scope.partition("/")
    if target.kind != "container" or not slash:
        return None
    uid = target.instance.split("/", 1)[0]
    return ObjectKey(kind="Pod", namespace=namespace, name=pod), uid, target.name


def event_objects(key: ObjectKey, happenings: Sequence[Happening]) -> list[JsonObject]:
    """As kubectl shows them."""
    return [_event_object(key, one) for one in happenings]


def _event_object(key: ObjectKey, what: Happening) -> JsonObject:
    involved: JsonObject = {"apiVersion": "v1", "kind": key.kind, "name": key.name, "uid": what.uid}
    involved |= {"namespace": key.namespace} if key.namespace else {}
    involved |= {"fieldPath": what.field} if what.field else {}
    # As the recorder names them: the object, and when it happened, in nanoseconds (client-go, tools/events).
    name = f"{key.name}.{int(what.first * 1e9):x}"
    identity = "/".join((what.uid, what.field, what.type, what.reason, what.message))
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": name,
            "namespace": key.namespace or "default",
            "uid": str(uuid.uuid5(uuid.NAMESPACE_OID, identity)),
            "creationTimestamp": _time(what.first),
        },
        "involvedObject": involved,
        "type": what.type,
        "reason": what.reason,
        "message": what.message,
        "count": what.count,
        "firstTimestamp": _time(what.first),
        "lastTimestamp": _time(what.last),
        "eventTime": None,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": "",
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
