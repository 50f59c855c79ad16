"""The one supervisor per ``$BOATHOOK_HOME``: what must outlive a command lives here; gone when it has nothing to do."""

from __future__ import annotations

import fcntl
import os
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import anyio
from anyio.abc import TaskStatus

from boathook.clock import SystemClock
from boathook.cluster.local import LocalCluster
from boathook.cluster.owners import SUPERVISOR, settle_orphans, this_owner
from boathook.cluster.store import ObjectStore
from boathook.events import EventStream
from boathook.home import Home
from boathook.journal import Context, Journal, SqliteObligations
from boathook.runtimes.bubblewrap import BubblewrapRuntime
from boathook.supervisor.client import LOCK, SOCKET
from boathook.supervisor.ending import bring_down_all
from boathook.supervisor.host import Host
from boathook.supervisor.images import OwnersImages
from boathook.supervisor.service import serving

LINGER_SECONDS = 3.0
"""How long it stays with nothing to do: the next command of a script then finds it up."""

ENDED_LINGER_SECONDS = 600.0
"""How long pods that have ended by themselves keep it: their logs can be read so long."""

LOOK_SECONDS = 0.5

LAST_WORD_SECONDS = 5.0
"""How long clients may take to hear what became of their requests when it ends."""


async def supervise(home: Home, ready: int | None) -> int:
    """Run until there is nothing left to do, or SIGTERM. ``ready`` is a descriptor that is told when it listens."""
    with _only_one(home) as held:
        if not held:
            _tell(ready, "taken\n")
            return 0
        async with Journal.open(home) as journal, anyio.create_task_group() as tasks:
            run = await journal.begin(command="supervisor", title="supervisor")
            events = EventStream()
            context = Context(events=events, clock=SystemClock(), obligations=SqliteObligations(journal, run.id))
            store = ObjectStore.open(home.objects, clock=context.clock, uids=lambda: str(uuid.uuid4()))
            try:
                settle_orphans(store)
                async with (
                    BubblewrapRuntime(home, images=OwnersImages(home)) as runtime,
                    LocalCluster(store, runtime, context, owner=this_owner(SUPERVISOR)) as cluster,
                ):
                    host = Host(
                        home=home,
                        runtime=runtime,
                        journal=journal,
                        tasks=tasks,
                        events=events,
                        own_run=run.id,
                        cluster=cluster,
                    )
                    with events.listening(run.listener):
                        async with serving(host, home.socket(SOCKET)):
                            await _until_over(host, ready)
                        journal.finish(run)
                        tasks.cancel_scope.cancel()
            finally:
                store.close()
    return 0


async def _until_over(host: Host, ready: int | None) -> None:
    """Until there is nothing left to do, or a signal: then everything is stopped gracefully; the second ends it now.

    It is ready only when it hears signals: one that comes right then must not kill it.
    """
    told, graceful = anyio.Event(), anyio.CancelScope()

    async def hear(*, task_status: TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            task_status.started()
            async for _ in signals:
                if told.is_set():
                    graceful.cancel()
                told.set()

    async with anyio.create_task_group() as hearing:
        await hearing.start(hear)
        _tell(ready, "ready\n")
        await _until_idle_or(told, host)
        # Nothing is awaited between the last look and this: what comes from now on is for the next supervisor.
        host.ending = True
        with graceful:
            await bring_down_all(host, "the supervisor was told to end")
            with anyio.move_on_after(LAST_WORD_SECONDS):
                await host.until_answered()
        hearing.cancel_scope.cancel()


async def _until_idle_or(told: anyio.Event, host: Host) -> None:
    idle_since = anyio.current_time()
    lock = host.home.locks / LOCK
    while not told.is_set() and anyio.current_time() - idle_since < _linger(host):
        with anyio.move_on_after(LOOK_SECONDS):
            await told.wait()
        if _has_work(host):
            idle_since = anyio.current_time()
        if not os.path.exists(lock):  # noqa: ASYNC240  one stat
            # Somebody has removed the state directory: nobody can reach what runs here any more.
            return


def _linger(host: Host) -> float:
    return ENDED_LINGER_SECONDS if host.the_cluster().ended else LINGER_SECONDS


def _has_work(host: Host) -> bool:
    cluster, runtime = host.the_cluster(), host.runtime
    if host.active or cluster.busy:
        return True
    return isinstance(runtime, BubblewrapRuntime) and bool(runtime.owned - cluster.ended)


@contextmanager
def _only_one(home: Home) -> Iterator[bool]:
    """Hold the lock that says who is the supervisor; False: another one lives."""
    path = home.locks / LOCK
    home.locks.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield True


def _tell(ready: int | None, word: str) -> None:
    if ready is not None:
        # Whoever started it may have been killed meanwhile: somebody else will ask.
        with suppress(BrokenPipeError):
            os.write(ready, word.encode())
        os.close(ready)
