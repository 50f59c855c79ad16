"""Messages between an owner and its spawner: marshalled, with a length before it, and file descriptors beside it.

Both ends are the same interpreter, which alone makes ``marshal`` fit; it needs no import that forks would carry along.

Descriptors arrive in the order in which they were sent, never later than the message that they belong to; a message
says how many are its own with ``"descriptors"``.
"""

from __future__ import annotations

import array
import marshal
import socket
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, TypeAlias

    Message: TypeAlias = dict[str, Any]

_LENGTH = struct.Struct("!I")
_CHUNK = 1 << 16
_MOST_DESCRIPTORS = 64


def encode(message: Message) -> bytes:
    body = marshal.dumps(message)
    return _LENGTH.pack(len(body)) + body


def ancillary(descriptors: Sequence[int]) -> list[tuple[int, int, array.array[int]]]:
    """What ``sendmsg`` takes to pass descriptors on."""
    if not descriptors:
        return []
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]


class Inbox:
    """Takes what a socket received and yields the complete messages in it."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.descriptors: list[int] = []
        """Received and not yet taken; whoever reads a message takes its own from the front."""

    def receive(self, connection: socket.socket) -> bool:
        """Read once. False at the end of the stream. Raises ``BlockingIOError`` when nothing is there."""
        data, extra, _, _ = connection.recvmsg(
            _CHUNK, socket.CMSG_SPACE(_MOST_DESCRIPTORS * 4), socket.MSG_CMSG_CLOEXEC
        )
        for level, kind, payload in extra:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                received = array.array("i")
                received.frombytes(payload[: len(payload) - len(payload) % received.itemsize])
                self.descriptors.extend(received)
        self._buffer += data
        return bool(data)

    def messages(self) -> Iterator[Message]:
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            yield marshal.loads(body)

    def take(self, count: int) -> list[int]:
        taken, self.descriptors = self.descriptors[:count], self.descriptors[count:]
        return taken
