"""Serves an owner's socket: each connection asks for one operation and hears its events."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio.abc import SocketStream
from anyio.streams.memory import MemoryObjectSendStream

from boathook.clock import SystemClock
from boathook.errors import BoathookError, PlaceError, mistake_in
from boathook.events import EventStream, Listener
from boathook.journal import Context, SqliteObligations
from boathook.model import JsonObject
from boathook.objects import mapping, text
from boathook.supervisor import sockets
from boathook.supervisor.host import Host
from boathook.supervisor.images import ImageSettings, image_settings
from boathook.supervisor.operations import (
    BROUGHT_DOWN_BY,
    FORGOTTEN_BY,
    RESTS,
    UNJOURNALLED,
    WHILE_ENDING,
    find_operation,
)
from boathook.supervisor.sockets import owner_socket
from boathook.supervisor.wire import ACCEPTED, Lines, error_message, event_message, is_ours

__all__ = ["owner_socket", "serving"]

log = logging.getLogger(__name__)

QUEUED_MESSAGES = 10_000
"""What a slow client may be behind; then its events are dropped, never the owner's time."""

LAST_WORD_SECONDS = 1.0
"""How long clients may take to hear the end of what they have asked for, once the process is done."""


@asynccontextmanager
async def serving(host: Host, path: Path) -> AsyncIterator[None]:
    """Serve ``path`` inside the block. Only this user's processes (and root's) are answered."""
    listener = await sockets.listen(path)
    try:
        async with listener, anyio.create_task_group() as tasks:

            async def accept(stream: SocketStream) -> None:
                async with stream:
                    if is_ours(stream):
                        host.answering += 1
                        try:
                            await _answer(host, stream)
                        finally:
                            host.answering -= 1

            tasks.start_soon(listener.serve, accept)
            yield
            host.ending = True
            with anyio.move_on_after(LAST_WORD_SECONDS):
                await host.until_answered()
            tasks.cancel_scope.cancel()
    finally:
        sockets.remove(path)


async def _answer(host: Host, stream: SocketStream) -> None:
    lines, request = Lines(stream), None
    # Whoever talks nonsense is not answered.
    with suppress(PlaceError):
        request = await lines.receive()
    if request is None or (host.ending and text(request, "operation") not in WHILE_ENDING):
        return
    sender, receiver = anyio.create_memory_object_stream[JsonObject](QUEUED_MESSAGES)
    scope = anyio.CancelScope()
    # The operation goes on by itself when its client goes away: only an explicit word cancels it.
    host.active += 1
    sender.send_nowait(ACCEPTED)
    host.tasks.start_soon(_operate, host, request, sender, scope)
    async with anyio.create_task_group() as tasks:

        async def hear() -> None:
            with suppress(PlaceError):
                while (message := await lines.receive()) is not None:
                    if message.get("cancel"):
                        scope.cancel()
            tasks.cancel_scope.cancel()

        tasks.start_soon(hear)
        with receiver:
            try:
                async for message in receiver:
                    await lines.send(message)
            except anyio.BrokenResourceError:
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
    except Exception as error:  # noqa: BLE001  a request must not end what others have here
        tell(error_message(_mistake(error)))
    finally:
        sender.close()
        host.active -= 1


def _mistake(error: Exception) -> BoathookError:
    """What the client is told. A bug is logged."""
    if (mistake := mistake_in(error)) is not None:
        return mistake
    log.error("a request failed unexpectedly", exc_info=error)
    return PlaceError(f"process {os.getpid()} failed unexpectedly: {type(error).__name__}: {error}")


async def _run(host: Host, request: JsonObject, listener: Listener, tell: Callable[[JsonObject], None]) -> None:
    name, params = text(request, "operation"), mapping(request, "params")
    operation = find_operation(name)
    image_settings.set(ImageSettings.of(mapping(params, "settings")))
    if name in BROUGHT_DOWN_BY:
        host.brought_up[BROUGHT_DOWN_BY[name], text(params, "title")] = params
    async with _context(host, name, params, listener) as context:
        tell({"result": await operation(host, params, context)})
        if name in FORGOTTEN_BY and not params.get("services"):
            host.brought_up.pop((FORGOTTEN_BY[name], text(params, "title")), None)
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
