"""Requests to containers of the embedded runtime: each is asked in its own network, from outside of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest

from boathook.errors import NotFound, NotRunning, RequestFailed
from boathook.home import Home
from boathook.runtimes.base import ContainerId, GrpcHealthCheck, HttpRequest, NetworkMode, Response, TcpConnect
from boathook.runtimes.connections import LOOPBACK
from tests.runtimes.build import Place, a_place, left_in
from tests.runtimes.servers import OK, a_server, always, free_port
from tests.runtimes.test_owners import an_owner

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/hang":
            sys.stdout.write("hangs\\n"); sys.stdout.flush()
            self.rfile.read(1)
            sys.stdout.write("gone\\n"); sys.stdout.flush()
            return
        body = f"{self.path} from {self.client_address[0]}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments): pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
server = Server(("127.0.0.1", PORT), Handler)
sys.stdout.write("up\\n"); sys.stdout.flush()
server.serve_forever()
"""


def server(port: int) -> str:
    return f"exec /usr/bin/python3 -c '{SERVER.replace('PORT', str(port))}'"


def a_get(path: str = "/", *, host: str = "", port: int = 8080) -> HttpRequest:
    return HttpRequest(secure=False, host=host, port=port, path=path, headers=())


@pytest.fixture
async def place(home: Home) -> AsyncIterator[Place]:
    async with a_place(home) as place:
        yield place


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_container_is_asked_in_its_own_network(place: Place) -> None:
    container = await place.ready(server(8080))

    response = await place.runtime.request(container, a_get("/a?b"))

    assert (response.status, response.body) == (200, b"/a?b from 127.0.0.1")


async def test_a_port_of_the_machine_is_not_the_containers(place: Place) -> None:
    container = await place.ready()
    async with a_server(always(OK)) as outside:
        with pytest.raises(RequestFailed, match="connect: connection refused"):
            await place.runtime.request(container, a_get(port=outside.port))

        response = await place.runtime.request(container, a_get(host=LOOPBACK, port=outside.port))

    assert response.status == 200


async def test_containers_of_one_sandbox_share_its_network(place: Place) -> None:
    await place.ready(server(8080), name="server")
    other = await place.ready()

    assert (await place.runtime.request(other, a_get())).status == 200


async def test_a_connection_is_opened_and_closed(place: Place) -> None:
    container = await place.ready(server(8080))

    assert await place.runtime.request(container, TcpConnect(host="", port=8080)) == Response(status=0)
    for request in (TcpConnect(host="", port=81), GrpcHealthCheck(host="", port=81, service="")):
        with pytest.raises(RequestFailed) as caught:
            await place.runtime.request(container, request)
        assert str(caught.value) == "dial tcp 127.0.0.1:81: connect: connection refused"


async def test_with_the_machines_network_a_container_is_asked_there(home: Home) -> None:
    port = free_port()
    async with a_place(home, network=NetworkMode.HOST) as place:
        container = await place.ready(server(port))

        assert (await place.runtime.request(container, a_get(port=port))).status == 200


async def test_another_process_may_ask(home: Home) -> None:
    async with a_place(home) as place:
        with an_owner(home, server(8080)) as owner:
            response = await place.runtime.request(owner.container, a_get("/other"))

            assert response.body == b"/other from 127.0.0.1"


async def test_two_hundred_requests_at_once_are_answered_and_leave_nothing(place: Place) -> None:
    container = await place.ready(server(8080))
    await place.runtime.request(container, a_get())
    before, answered = descriptors(), list[bytes]()

    async def ask(number: int) -> None:
        answered.append((await place.runtime.request(container, a_get(f"/{number}"))).body)

    async with anyio.create_task_group() as tasks:
        for number in range(200):
            tasks.start_soon(ask, number)

    assert sorted(answered) == sorted(f"/{number} from 127.0.0.1".encode() for number in range(200))
    assert descriptors() == before


async def test_a_cancelled_request_is_closed_for_the_server_too(place: Place) -> None:
    container = await place.ready(server(8080))
    await place.runtime.request(container, a_get())
    before = descriptors()

    with anyio.move_on_after(0.5) as patience:
        await place.runtime.request(container, a_get("/hang"))

    assert patience.cancelled_caught
    with anyio.fail_after(10):
        async for line in place.runtime.logs(container, follow=True):
            if line.text == "gone":
                break
    assert descriptors() == before


async def test_requests_that_are_cancelled_at_any_moment_leave_no_descriptor(place: Place) -> None:
    container = await place.ready(server(8080))
    await place.runtime.request(container, a_get())
    before = descriptors()

    for step in range(40):
        with anyio.move_on_after(step * 0.0003):
            await place.runtime.request(container, a_get())

    assert descriptors() == before


async def test_a_container_that_ends_breaks_its_request_off(place: Place) -> None:
    container = await place.ready(server(8080))
    told: list[str] = []

    async def ask() -> None:
        with pytest.raises(RequestFailed) as caught:
            await place.runtime.request(container, a_get("/hang"))
        told.append(str(caught.value))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        async for line in place.runtime.logs(container, follow=True):
            if line.text == "hangs":
                break
        await place.runtime.signal(container, "SIGKILL")

    assert told[0] == "EOF" or told[0].endswith("read: connection reset by peer")


async def test_a_container_that_has_ended_refuses_as_its_network_still_stands(place: Place) -> None:
    container = await place.started("exit 0")
    await place.runtime.wait(container)

    with pytest.raises(RequestFailed, match=r"dial tcp 127\.0\.0\.1:8080: connect: connection refused"):
        await place.runtime.request(container, a_get())


async def test_what_is_not_there_cannot_be_asked(home: Home, place: Place) -> None:
    with pytest.raises(NotFound):
        await place.runtime.request(ContainerId("nobody"), a_get())

    with an_owner(home) as owner:
        pass
    with pytest.raises((NotRunning, NotFound)):
        await place.runtime.request(owner.container, a_get())

    assert place.sandbox in left_in(home)
