"""One request over a connection, and its failures in the words of a kubelet."""

from __future__ import annotations

import socket
import struct

import anyio
import pytest

from boathook.errors import RequestFailed
from boathook.runtimes.base import GrpcHealthCheck, HttpRequest, Response, TcpConnect
from boathook.runtimes.connections import LOOPBACK, from_machine
from boathook.runtimes.requests import HTTP_FROM_HTTPS, LONGEST_BODY, perform
from tests.runtimes.grpc import a_health_server
from tests.runtimes.servers import OK, a_server, always, free_port

pytestmark = pytest.mark.anyio


def a_get(port: int, path: str = "/", *, secure: bool = False, any_answer: bool = False, **headers: str) -> HttpRequest:
    said = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return HttpRequest(secure=secure, host=LOOPBACK, port=port, path=path, headers=said, any_answer=any_answer)


async def asked(request: HttpRequest | TcpConnect | GrpcHealthCheck) -> Response:
    with anyio.fail_after(10):
        return await perform(request, from_machine)


async def failure(request: HttpRequest | TcpConnect | GrpcHealthCheck) -> str:
    with pytest.raises(RequestFailed) as caught:
        await asked(request)
    return str(caught.value)


async def test_a_get_gives_status_headers_and_body() -> None:
    answer = b"HTTP/1.1 503 Busy\r\nX-One: 1\r\nX-One: 2\r\nContent-Length: 4\r\n\r\nbusy"
    async with a_server(always(answer)) as server:
        response = await asked(a_get(server.port, "/a?b=c"))

    assert response == Response(
        status=503, headers=(("X-One", "1"), ("X-One", "2"), ("Content-Length", "4")), body=b"busy"
    )
    assert server.heads == [f"GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"]


async def test_headers_are_sent_as_they_are_with_the_given_host() -> None:
    async with a_server(always(OK)) as server:
        await asked(a_get(server.port, Host="example.com", X_Two="b"))

    assert server.heads == ["GET / HTTP/1.1\r\nHost: example.com\r\nX-Two: b\r\n\r\n"]


async def test_no_certificate_is_refused() -> None:
    async with a_server(always(OK), tls=True) as server:
        response = await asked(a_get(server.port, secure=True))

    assert (response.status, response.body) == (200, b"hello")


async def test_a_refused_connection_is_told_as_go_does() -> None:
    port = free_port()

    told = [await failure(a_get(port)), await failure(TcpConnect(host=LOOPBACK, port=port))]

    assert told == [f"dial tcp 127.0.0.1:{port}: connect: connection refused"] * 2


async def test_an_unknown_host_is_told_as_go_does() -> None:
    said = await failure(HttpRequest(secure=False, host="nowhere.invalid", port=80, path="/", headers=()))

    assert said == "dial tcp: lookup nowhere.invalid: no such host"


async def test_a_connection_that_opens_is_all_that_tcp_asks() -> None:
    async with a_server(always(OK)) as server:
        response = await asked(TcpConnect(host=LOOPBACK, port=server.port))
        with anyio.fail_after(5):
            await server.closed.wait()

    assert response == Response(status=0)


async def test_a_server_that_closes_without_an_answer_gives_eof() -> None:
    async with a_server(always(b"")) as server:
        assert await failure(a_get(server.port)) == "EOF"


async def test_an_answer_that_breaks_off_in_its_head_is_unexpected() -> None:
    async with a_server(always(b"HTTP/1.1 20")) as server:
        assert await failure(a_get(server.port)) == "unexpected EOF"


async def test_an_answer_that_is_no_http_is_told_with_its_first_line() -> None:
    async with a_server(always(b"220 mail.example.com ESMTP\r\n")) as server:
        said = await failure(a_get(server.port))

    assert said == (
        'net/http: HTTP/1.x transport connection broken: malformed HTTP response "220 mail.example.com ESMTP"'
    )


async def test_a_reset_connection_is_told_with_both_ends() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]

        async def reset() -> None:
            connection, _ = await anyio.to_thread.run_sync(listener.accept)
            await anyio.to_thread.run_sync(connection.recv, 1024)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(reset)
            said = await failure(a_get(port))

    assert said.startswith("read tcp 127.0.0.1:")
    assert said.endswith(f"->127.0.0.1:{port}: read: connection reset by peer")


async def test_plain_http_on_a_port_for_https_is_told_by_its_status_line() -> None:
    async with a_server(always(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")) as server:
        assert await failure(a_get(server.port, secure=True)) == HTTP_FROM_HTTPS


async def test_anything_else_on_a_port_for_https_is_no_handshake() -> None:
    async with a_server(always(b"<html>Bad request</html>")) as server:
        said = await failure(a_get(server.port, secure=True))

    assert said == "tls: first record does not look like a TLS handshake"


async def test_only_the_beginning_of_a_body_is_read() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 20_000
    async with a_server(always(answer)) as server:
        response = await asked(a_get(server.port))

    assert response.body == b"x" * LONGEST_BODY


async def test_a_body_that_breaks_off_matters_only_to_who_looks_at_it() -> None:
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal"
    async with a_server(always(broken)) as server:
        said = await failure(a_get(server.port))
        response = await asked(a_get(server.port, any_answer=True))

    assert said == "unexpected EOF"
    assert response.status == 200


async def test_what_is_said_before_the_answer_is_passed_over() -> None:
    async with a_server(always(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)) as server:
        assert (await asked(a_get(server.port))).status == 200


async def test_a_cancelled_request_closes_its_connection() -> None:
    async with a_server(lambda head: None) as server:
        with anyio.move_on_after(0.2) as patience:
            await perform(a_get(server.port), from_machine)
        with anyio.fail_after(5):
            await server.closed.wait()

    assert patience.cancelled_caught
    assert server.open == 0


@pytest.mark.parametrize(("service", "status"), [("", 1), ("up", 1), ("down", 2), ("x" * 200, 1)])
async def test_a_grpc_health_check_gives_the_serving_status(service: str, status: int) -> None:
    async with a_health_server({"": 1, "up": 1, "down": 2, "x" * 200: 1}) as port:
        response = await asked(GrpcHealthCheck(host=LOOPBACK, port=port, service=service))

    assert response.status == status


async def test_an_unknown_service_is_a_grpc_error() -> None:
    async with a_health_server({"": 1}) as port:
        said = await failure(GrpcHealthCheck(host=LOOPBACK, port=port, service="nobody"))

    assert said == "rpc error: code = NotFound desc = "


async def test_a_server_without_health_checks_is_told_as_unimplemented() -> None:
    async with a_health_server(None) as port:
        said = await failure(GrpcHealthCheck(host=LOOPBACK, port=port, service=""))

    assert said.startswith("rpc error: code = Unimplemented desc = ")


async def test_a_server_that_speaks_no_http2_fails_a_grpc_check() -> None:
    async with a_server(always(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        said = await failure(GrpcHealthCheck(host=LOOPBACK, port=server.port, service=""))

    assert said.startswith("rpc error: code = Unavailable desc = connection error: ")
