"""The gRPC health check (grpc.health.v1): one call over HTTP/2, and the few bytes of protobuf that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

import anyio

from boathook.errors import RequestFailed
from boathook.runtimes.base import Response

if TYPE_CHECKING:
    from h2.connection import H2Connection
    from h2.events import Event

    from boathook.runtimes.connections import Wire

_CALL = "/grpc.health.v1.Health/Check"
_AGENT = "kube-probe/1.36"
_CODES = (
    "OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
    "PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented",
    "Internal", "Unavailable", "DataLoss", "Unauthenticated",
)  # fmt: skip
"""gRPC's status codes by number, in Go's spelling."""


async def check(wire: Wire, authority: str, service: str) -> Response:
    """Ask, and give the serving status. Raises ``RequestFailed`` with ``rpc error: code = … desc = …``."""
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.exceptions import ProtocolError

    connection = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
    call = _Call()
    try:
        connection.initiate_connection()
        _ask(connection, authority, service)
        await wire.send(connection.data_to_send())
        while not call.over:
            for event in connection.receive_data(await wire.receive()):
                call.hear(event, connection)
            await wire.send(connection.data_to_send())
    except anyio.EndOfStream:
        raise _rpc_error("Unavailable", "connection error: error reading server preface: EOF") from None
    except (ProtocolError, UnicodeDecodeError) as error:
        raise _rpc_error("Unavailable", f"connection error: {error}") from error
    return call.answer()


def _ask(connection: H2Connection, authority: str, service: str) -> None:
    stream = connection.get_next_available_stream_id()
    headers = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", _CALL),
        (":authority", authority),
        ("content-type", "application/grpc"),
        ("user-agent", _AGENT),
        ("te", "trailers"),
    ]
    connection.send_headers(stream, headers)
    connection.send_data(stream, framed(check_request(service)), end_stream=True)


class _Call:
    """What has been heard of the one call."""

    def __init__(self) -> None:
        self.over = False
        self._headers: dict[str, str] = {}
        self._data = b""
        self._failure: RequestFailed | None = None

    def hear(self, event: Event, connection: H2Connection) -> None:
        from h2 import events

        match event:
            case events.ResponseReceived() | events.TrailersReceived():
                self._headers.update(event.headers or ())  # type: ignore[arg-type]  # they are decoded
            case events.DataReceived(data=data, stream_id=stream, flow_controlled_length=length):
                self._data += data or b""
                connection.acknowledge_received_data(length or 0, stream or 0)
            case events.StreamEnded():
                self.over = True
            case events.StreamReset() | events.ConnectionTerminated():
                self.over = True
                self._failure = _rpc_error("Unavailable", "the server ended the call")
            case _:
                pass

    def answer(self) -> Response:
        if self._failure is not None and "grpc-status" not in self._headers:
            raise self._failure
        if self._headers.get(":status") != "200":
            raise _rpc_error("Unknown", f"unexpected HTTP status code received from server: {self._headers[':status']}")
        code = self._headers.get("grpc-status", "2")
        if code != "0":
            name = _CODES[int(code)] if code.isdigit() and int(code) < len(_CODES) else f"Code({code})"
            raise _rpc_error(name, unquote(self._headers.get("grpc-message", "")))
        return Response(status=serving_status(self._data), body=self._data[5:])


def _rpc_error(code: str, text: str) -> RequestFailed:
    return RequestFailed(f"rpc error: code = {code} desc = {text}")


def check_request(service: str) -> bytes:
    """``HealthCheckRequest``: field 1 is the service's name; an empty one is left out, as protobuf does."""
    name = service.encode()
    return b"\x0a" + _varint(len(name)) + name if name else b""


def framed(message: bytes) -> bytes:
    """A message as gRPC sends it: not compressed, with its length."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def serving_status(data: bytes) -> int:
    """Field 1 of the ``HealthCheckResponse`` in the first frame; 0 (UNKNOWN) where it says nothing."""
    if data[:1] not in (b"\0", b""):
        raise _rpc_error("Internal", "grpc: the answer is compressed, which was not asked for")
    message = data[5 : 5 + int.from_bytes(data[1:5], "big")]
    return message[1] & 0x7F if message[:1] == b"\x08" and len(message) > 1 else 0


def _varint(number: int) -> bytes:
    result = b""
    while number > 0x7F:
        result += bytes((number & 0x7F | 0x80,))
        number >>= 7
    return result + bytes((number,))
