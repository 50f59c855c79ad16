"""An event loop in a thread of its own, which tests that know of no loop talk to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from typing import TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal

T = TypeVar("T")


class Loop:
    """Runs coroutines in its thread. An interrupt of a waiting test cancels what it waits for."""

    def __init__(self, portal: BlockingPortal) -> None:
        self._portal = portal

    def call(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        """Run it there and wait for its result."""
        __tracebackhide__ = True
        future = self._portal.start_task_soon(function, *args)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def entering(self, manager: AbstractAsyncContextManager[T]) -> AbstractContextManager[T]:
        """The same context manager for a test, entered and left in the loop's thread."""
        return self._portal.wrap_async_context_manager(manager)


@contextmanager
def a_loop() -> Iterator[Loop]:
    """A loop that runs while inside the block; what still runs in it then is cancelled."""
    with start_blocking_portal("asyncio", name="boathook-testing") as portal:
        try:
            yield Loop(portal)
        finally:
            portal.call(portal.stop, True)
