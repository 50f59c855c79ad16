"""Lines over a socket: whole, in order, and quiet when they are given up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import UNIXSocketStream

from boathook.errors import BoathookError, Conflict, ManifestError, NotFound, OperationFailed, PlaceError
from boathook.model import Finding, Severity, Source
from boathook.supervisor.wire import Lines, error_message, error_of

pytestmark = pytest.mark.anyio


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


async def lines_of(raw: socket.socket) -> Lines:
    return Lines(await UNIXSocketStream.from_socket(raw))


async def test_lines_arrive_whole_however_they_were_cut(pair: tuple[socket.socket, socket.socket]) -> None:
    lines = await lines_of(pair[0])
    pair[1].sendall(b'{"a":1}\n{"b":')

    assert await lines.receive() == {"a": 1}
    pair[1].sendall(b"2}\n")
    assert await lines.receive() == {"b": 2}
    pair[1].close()
    assert await lines.receive() is None


async def test_more_than_a_socket_holds_is_sent_while_the_other_side_reads(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    ours = await lines_of(pair[0])
    pair[1].setblocking(False)
    theirs = await lines_of(pair[1])
    text = "x" * 2_000_000
    found: list[Any] = []

    async def receive() -> None:
        found.append(await theirs.receive())

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(receive)
        await ours.send({"text": text})

    assert found == [{"text": text}]


@pytest.mark.parametrize("said", [b"no json\n", b"[1]\n"])
async def test_nonsense_is_refused(pair: tuple[socket.socket, socket.socket], said: bytes) -> None:
    lines = await lines_of(pair[0])
    pair[1].sendall(said)

    with pytest.raises(PlaceError, match="the other process sent something that is no"):
        await lines.receive()


async def test_sending_to_a_side_that_has_gone_is_told_or_does_not_matter(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    lines = await lines_of(pair[0])
    pair[1].close()

    await lines.say_if_heard({"cancel": True})
    with pytest.raises(anyio.BrokenResourceError):
        await lines.send({})


async def test_giving_up_in_the_moment_in_which_something_arrives_is_quiet(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
    lines = await lines_of(pair[0])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lines.receive)
        await anyio.wait_all_tasks_blocked()
        # The loop sees it with its next look, and the cancellation comes right before what it saw is handled.
        pair[1].sendall(b'{"late":1}\n')
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()

    assert told == []
    assert await lines.receive() == {"late": 1}


FINDING = Finding(
    id="pods.x",
    severity=Severity.ERROR,
    source=Source(file="pod.yaml", line=3, column=5, path="spec"),
    message="wrong",
    remedy="mend it",
)


@pytest.mark.parametrize(
    "error",
    [
        NotFound('pods "x" not found'),
        Conflict("held", hint="wait"),
        ManifestError((FINDING,), hint="look"),
        OperationFailed("failed"),
    ],
)
async def test_an_error_is_the_same_at_the_other_side(error: BoathookError) -> None:
    found = error_of(error_message(error))

    assert type(found) is type(error)
    assert (str(found), found.hint) == (str(error), error.hint)
    assert getattr(found, "problems", ()) == getattr(error, "problems", ())
