"""Those who listen to what happens to this process's containers."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import AsyncIterator

import anyio

from boathook.runtimes.base import RuntimeEvent


class Subscription(AsyncIterator[RuntimeEvent]):
    """Yields what was told since it was made. Forgotten when nobody holds it any more."""

    def __init__(self) -> None:
        self._events: deque[RuntimeEvent] = deque()
        self._more = anyio.Event()

    def tell(self, event: RuntimeEvent) -> None:
        self._events.append(event)
        self._more.set()

    async def __anext__(self) -> RuntimeEvent:
        while not self._events:
            self._more = anyio.Event()
            await self._more.wait()
        return self._events.popleft()


class Subscriptions:
    def __init__(self) -> None:
        self._all: weakref.WeakSet[Subscription] = weakref.WeakSet()

    def add(self) -> Subscription:
        subscription = Subscription()
        self._all.add(subscription)
        return subscription

    def tell(self, event: RuntimeEvent) -> None:
        for subscription in tuple(self._all):
            subscription.tell(event)
