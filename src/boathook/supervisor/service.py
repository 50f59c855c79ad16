"""Serves an owner's socket: each connection asks for one operation and hears its events."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.memory import MemoryObjectSendStream

from boathook.clock import SystemClock
from boathook.cluster.store import mapping, text
from boathook.errors import BoathookError, PlaceError
from boathook.events import EventStream, Listener
from boathook.journal import Context, SqliteObligations
from boathook.model import JsonObject
from boathook.supervisor.host import Host
from boathook.supervisor.images import ImageSettings, image_settings
from boathook.supervisor.operations import RESTS, UNJOURNALLED, find_operation
from boathook.supervisor.wire import Lines, error_message, event_message

QUEUED_MESSAGES = 10_000
"""What a slow client may be behind; then its events are dropped, never the owner's time."""


def owner_socket(pid: int) -> str:
    """The name of the socket of a process that owns containers."""
    return f"owner-{pid}.sock"


@asynccontextmanager
async def serving(host: Host, path: Path) -> AsyncIterator[None]:
    """Serve ``path`` inside the block. Only this user's processes (and root's) are answered."""
    path.unlink(missing_ok=True)  # noqa: ASYNC240  one quick call
    listener = await anyio.create_unix_listener(path, mode=0o600)
    try:
        async with listener, anyio.create_task_group() as tasks:

            async def accept(stream: SocketStream) -> None:
                async with stream:
                    if _is_ours(stream):
                        host.answering += 1
                        try:
                            await _answer(host, stream)
                        finally:
                            host.answering -= 1

            tasks.start_soon(listener.serve, accept)
            yield
            tasks.cancel_scope.cancel()
    finally:
        path.unlink(missing_ok=True)  # noqa: ASYNC240  one quick call


def _is_ours(stream: SocketStream) -> bool:
    """The peer's user, as the kernel knows it."""
    raw = stream.extra(SocketAttribute.raw_socket)
    credentials = raw.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return uid in (0, os.geteuid())


async def _answer(host: Host, stream: SocketStream) -> None:
    lines = Lines(stream)
    request = await lines.receive()
    if request is None:
        return
    sender, receiver = anyio.create_memory_object_stream[JsonObject](QUEUED_MESSAGES)
    scope = anyio.CancelScope()
    # The operation goes on by itself when its client goes away: only an explicit word cancels it.
    host.active += 1
    host.tasks.start_soon(_operate, host, request, sender, scope)
    async with anyio.create_task_group() as tasks:

        async def hear() -> None:
            while (message := await lines.receive()) is not None:
                if message.get("cancel"):
                    scope.cancel()
            tasks.cancel_scope.cancel()

        tasks.start_soon(hear)
        try:
            async for message in receiver:
                await lines.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        tasks.cancel_scope.cancel()


async def _operate(
    host: Host, request: JsonObject, sender: MemoryObjectSendStream[JsonObject], scope: anyio.CancelScope
) -> None:
    def tell(message: JsonObject) -> None:
        try:
            sender.send_nowait(message)
        except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            return

    try:
        with scope:
            await _run(host, request, lambda stamped: tell(event_message(stamped)), tell)
        if scope.cancelled_caught:
            tell(error_message(PlaceError("cancelled")))
    except BoathookError as error:
        tell(error_message(error))
    except ExceptionGroup as group:
        mistakes, bugs = group.split(BoathookError)
        if bugs is not None or mistakes is None:
            tell(error_message(PlaceError(f"the supervisor failed: {group}")))
            raise
        leaf: BaseException = mistakes
        while isinstance(leaf, BaseExceptionGroup):
            leaf = leaf.exceptions[0]
        assert isinstance(leaf, BoathookError)
        tell(error_message(leaf))
    finally:
        sender.close()
        host.active -= 1


async def _run(host: Host, request: JsonObject, listener: Listener, tell: Callable[[JsonObject], None]) -> None:
    name, params = text(request, "operation"), mapping(request, "params")
    operation = find_operation(name)
    image_settings.set(ImageSettings.of(mapping(params, "settings")))
    async with _context(host, name, params, listener) as context:
        tell({"result": await operation(host, params, context)})
        if (rest := RESTS.get(name)) is not None:
            host.active -= 1
            try:
                await rest(host, params, context)
            finally:
                host.active += 1


@asynccontextmanager
async def _context(host: Host, name: str, params: JsonObject, listener: Listener) -> AsyncIterator[Context]:
    """A run of its own in the journal, or a part of the run of whoever asks."""
    if name not in UNJOURNALLED:
        command = text(params, "command") or name.replace(".", " ")
        async with host.run(command=command, title=text(params, "title") or name, listener=listener) as context:
            yield context
        return
    events = EventStream()
    obligations = SqliteObligations(host.journal, host.own_run)
    with events.listening(listener):
        yield Context(events=events, clock=SystemClock(), obligations=obligations)
