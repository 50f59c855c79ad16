"""A further process in a container, as its owner sees it."""

from __future__ import annotations

import os
import signal

import anyio

from boathook.model import Stream
from boathook.runtimes.base import Exit, OutputSink
from boathook.runtimes.logs import OutputPipe
from boathook.runtimes.processes import ProcessId, in_session, sleeps_uninterruptibly
from boathook.runtimes.spawner.stat import start_time
from boathook.runtimes.spawner_client import SpawnedProcess

_FROZEN_SECONDS = 1.0
"""How long a killed process may sleep uninterruptibly before we stop waiting for it."""


class Pipes:
    """stdout and stderr of one process."""

    def __init__(self, output: OutputSink) -> None:
        self.stdout = OutputPipe(lambda chunk: output(Stream.STDOUT, chunk))
        self.stderr = OutputPipe(lambda chunk: output(Stream.STDERR, chunk))

    @property
    def descriptors(self) -> tuple[int, int]:
        return self.stdout.write, self.stderr.write

    def close_write(self) -> None:
        self.stdout.close_write()
        self.stderr.close_write()

    def drain(self) -> None:
        self.stdout.drain()
        self.stderr.drain()

    async def ended(self) -> None:
        await self.stdout.ended.wait()
        await self.stderr.ended.wait()


class SpawnedExecution:
    """Implements ``boathook.runtimes.base.Execution``."""

    def __init__(self, process: SpawnedProcess, pipes: Pipes) -> None:
        self._process = process
        self._pipes = pipes

    async def wait(self) -> Exit:
        await self._pipes.ended()
        await self._process.ended.wait()
        status = self._process.status
        return Exit(code=None, signal=None) if status is None else Exit.of_status(status)

    async def kill(self) -> None:
        """What sleeps uninterruptibly cannot be ended; nobody hangs on it, and it ends as soon as it can."""
        with anyio.CancelScope(shield=True):
            if not await end_session(self._process.id):
                self._process.ended.set()
            await self._process.ended.wait()
            self._pipes.drain()

    @property
    def over(self) -> bool:
        return self._process.ended.is_set() and self._pipes.stdout.ended.is_set() and self._pipes.stderr.ended.is_set()

    def release(self) -> None:
        """Nobody listens any more."""
        self._pipes.drain()


async def end_session(process: ProcessId) -> bool:
    """Kill everything in the process's session or group until nothing is left. False when something resists."""
    pause, frozen_since = 0.001, None
    while members := _members(process):
        for pid in members:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        await anyio.sleep(pause)
        pause = min(pause * 2, 0.05)
        now = anyio.current_time()
        if not all(sleeps_uninterruptibly(pid) for pid in _members(process)):
            frozen_since = None
        elif frozen_since is None:
            frozen_since = now
        elif now - frozen_since > _FROZEN_SECONDS:
            return False
    return True


def _members(process: ProcessId) -> tuple[int, ...]:
    """Nothing when the pid has been given to another process since."""
    if start_time(process.pid) not in (0, process.start):
        return ()
    return in_session(process.pid)
