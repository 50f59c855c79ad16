"""Reading objects of the store, for every ``Cluster`` that keeps them there: here and from another process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from boathook.cluster.base import ObjectKey
from boathook.cluster.conditions import EVICTED, with_condition, with_times
from boathook.cluster.recording import event_objects
from boathook.cluster.store import ObjectStore, uid_of
from boathook.errors import NotFound
from boathook.model import JsonObject
from boathook.objects import mapping

T = TypeVar("T")

ACTIVE_KINDS = frozenset({"Pod", "Job"})
"""Kinds that a process acts on, so that somebody has to own them."""

USED_KINDS = ACTIVE_KINDS | {"ConfigMap", "Secret", "PersistentVolume", "PersistentVolumeClaim", "Namespace"}
"""Kinds whose objects mean something here. All others are stored and inert."""


class StoredObjects:
    """The reading half of a ``Cluster``."""

    def __init__(self, store: ObjectStore) -> None:
        self.store = store

    def is_inert(self, kind: str) -> bool:
        return kind not in USED_KINDS

    async def get(self, key: ObjectKey) -> JsonObject:
        return self.store.get(key)

    async def list_all(self) -> Sequence[JsonObject]:
        return [stored.body for stored in self.store.list()]

    async def object_events(self, key: ObjectKey) -> list[JsonObject]:
        return event_objects(key, self.store.happenings(key))

    async def list(
        self, kind: str, *, namespace: str | None = None, labels: dict[str, str] | None = None
    ) -> list[JsonObject]:
        found = (stored.body for stored in self.store.list(kind, namespace))
        return [obj for obj in found if has_labels(obj, labels or {})]

    def _write_status(self, key: ObjectKey, uid: str, status: JsonObject, now: datetime) -> None:
        """What its controller says of an object; nothing when that is gone, or is another one by now."""

        def change(obj: JsonObject) -> JsonObject:
            if uid_of(obj) != uid:
                return obj
            return obj | {"status": with_times(status, obj, now) if key.kind == "Pod" else status}

        with suppress(NotFound):
            self.store.update(key, change)

    def _mark_evicted(self, pod: ObjectKey, now: datetime) -> None:
        """Before it is deleted. Raises ``NotFound``."""
        self.store.update(pod, lambda obj: with_condition(obj, EVICTED, now))

    async def wait_until(self, key: ObjectKey, condition: Callable[[JsonObject | None], T | None]) -> T:
        last: JsonObject | None = None
        while True:
            seen = self.store.version(key)
            found = self.store.find(key)
            body = None if found is None else found.body
            for state in self._states_since(key, last, body):
                result = condition(state)
                if result is not None:
                    return result
            last = body
            await self.store.changed(seen)

    def _states_since(
        self, key: ObjectKey, last: JsonObject | None, now: JsonObject | None
    ) -> tuple[JsonObject | None, ...]:
        """What a watcher is shown. One who looks too late still sees the last state of what is gone, as on an API."""
        if last is not None and (now is None or uid_of(now) != uid_of(last)):
            final = self.store.last_state(key, uid_of(last))
            if final is not None and final != last:
                return (final, now)
        return (now,)


def has_labels(obj: JsonObject, labels: dict[str, str]) -> bool:
    have = mapping(obj, "metadata", "labels")
    return all(have.get(name) == value for name, value in labels.items())
