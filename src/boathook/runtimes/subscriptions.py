"""Those who listen to what happens to this process's containers."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Subscription(AsyncIterator[T]):
    """Yields what was told since it was made. Forgotten when nobody holds it any more."""

    def __init__(self) -> None:
        self._events: deque[T] = deque()
        self._more = anyio.Event()

    def tell(self, event: T) -> None:
        self._events.append(event)
        self._more.set()

    async def __anext__(self) -> T:
        while not self._events:
            self._more = anyio.Event()
            await self._more.wait()
        return self._events.popleft()


class Subscriptions(Generic[T]):
    def __init__(self) -> None:
        self._all: weakref.WeakSet[Subscription[T]] = weakref.WeakSet()

    def add(self) -> Subscription[T]:
        subscription: Subscription[T] = Subscription()
        self._all.add(subscription)
        return subscription

    def tell(self, event: T) -> None:
        for subscription in tuple(self._all):
            subscription.tell(event)
