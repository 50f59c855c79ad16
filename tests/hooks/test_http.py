"""HTTP hooks as a kubelet runs them: what is sent, what is followed, and what counts as a failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import anyio
import pytest

from boathook.clock import SystemClock
from boathook.errors import RequestFailed
from boathook.events import ClusterEvent, Event, EventStream
from boathook.hooks import run_hook
from boathook.hooks.http import PROBE_AGENT, address_of, get, sent_headers
from boathook.model import HookResult, HttpGet, Outcome, TcpSocket
from boathook.runtimes.base import HttpRequest, Request, Response
from boathook.runtimes.connections import LOOPBACK, from_machine
from boathook.runtimes.requests import perform
from tests.hooks.build import TARGET, a_hook, kill_after
from tests.runtimes.servers import OK, a_server, always, free_port, redirect

pytestmark = pytest.mark.anyio


def a_get(
    port: int | str, path: str = "/", *, scheme: str = "HTTP", headers: tuple[tuple[str, str], ...] = ()
) -> HttpGet:
    return HttpGet(scheme=scheme, host=LOOPBACK, port=port, path=path, headers=headers)


@dataclass(slots=True)
class Machine:
    """Reaches what this machine reaches, as the embedded runtime does for a host that is named."""

    async def request(self, request: Request, *, label: str) -> Response:
        return await perform(request, from_machine)


async def ran(handler: HttpGet | TcpSocket, *, seconds: float = 10) -> tuple[HookResult, list[Event]]:
    events, heard = EventStream(clock=SystemClock()), list[Event]()
    with events.listening(lambda stamped: heard.append(stamped.event)):
        result = await run_hook(
            a_hook(handler), TARGET, Machine(), deadline=kill_after(seconds), events=events, clock=SystemClock()
        )
    return result, heard


@pytest.mark.behaviour("pods:22")
async def test_a_request_has_the_headers_of_a_kubelet() -> None:
    async with a_server(always(OK)) as server:
        result, _ = await ran(a_get(server.port, "/echo?msg=prestop&x=a%20b"))

    assert result.outcome is Outcome.SUCCEEDED
    assert server.heads == [
        "GET /echo?msg=prestop&x=a%20b HTTP/1.1\r\n"
        f"Host: 127.0.0.1:{server.port}\r\n"
        "User-Agent: kube-lifecycle/1.36\r\n"
        "Accept: */*\r\n"
        "Accept-Encoding: gzip\r\n\r\n"
    ]


@pytest.mark.behaviour("pods:22")
async def test_configured_headers_repeat_and_win_over_the_defaults() -> None:
    headers = (("X-Twice", "1"), ("Host", "example.com"), ("x-twice", "2"), ("User-Agent", "mine"), ("Accept", ""))
    async with a_server(always(OK)) as server:
        await ran(a_get(server.port, headers=headers))

    assert server.heads == [
        "GET / HTTP/1.1\r\n"
        "Host: example.com\r\n"
        "User-Agent: mine\r\n"
        "X-Twice: 1\r\n"
        "X-Twice: 2\r\n"
        "Accept-Encoding: gzip\r\n\r\n"
    ]


@pytest.mark.behaviour("pods:22")
@pytest.mark.parametrize("status", [200, 404, 500, 302])
async def test_any_answer_is_a_success(status: int) -> None:
    async with a_server(always(f"HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n".encode())) as server:
        result, _ = await ran(a_get(server.port))

    assert (result.outcome, result.reason) == (Outcome.SUCCEEDED, None)


@pytest.mark.behaviour("pods:22")
async def test_a_refused_connection_is_a_failure_with_the_address() -> None:
    port = free_port()
    result, _ = await ran(a_get(port, "/x"))

    assert result.outcome is Outcome.FAILED
    assert result.reason == (f'Get "http://127.0.0.1:{port}/x": dial tcp 127.0.0.1:{port}: connect: connection refused')


@pytest.mark.behaviour("pods:22")
async def test_a_request_has_no_limit_of_time_but_its_hooks_deadline() -> None:
    async with a_server(lambda head: None) as server:
        result, _ = await ran(a_get(server.port), seconds=0.3)
        with anyio.fail_after(5):
            await server.closed.wait()

    assert result.outcome is Outcome.TIMED_OUT


@pytest.mark.behaviour("pods:22")
async def test_https_takes_any_certificate() -> None:
    async with a_server(always(OK), tls=True) as server:
        result, heard = await ran(a_get(server.port, scheme="HTTPS"))

    assert result.outcome is Outcome.SUCCEEDED
    assert not [event for event in heard if isinstance(event, ClusterEvent)]


def refuses_tls(head: str) -> bytes:
    return OK if head.startswith("GET ") else b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.behaviour("pods:22")
async def test_https_on_a_plain_port_is_tried_again_without_credentials_and_told() -> None:
    async with a_server(refuses_tls) as server:
        handler = a_get(server.port, scheme="HTTPS", headers=(("Authorization", "Bearer x"), ("X-Kept", "1")))
        result, heard = await ran(handler)

    told = [event for event in heard if isinstance(event, ClusterEvent)]
    text = f"request to HTTPS lifecycle hook 127.0.0.1:{server.port} got HTTP response, retry with HTTP succeeded"
    assert result.outcome is Outcome.SUCCEEDED
    assert told == [ClusterEvent(target=TARGET, warning=True, reason="LifecycleHTTPFallback", message=text)]
    assert "Authorization" not in server.heads[1]
    assert "X-Kept: 1" in server.heads[1]


@pytest.mark.behaviour("pods:22")
async def test_a_plain_server_without_a_status_line_gets_no_second_try() -> None:
    async with a_server(always(b"<html>what?</html>")) as server:
        result, _ = await ran(a_get(server.port, scheme="HTTPS"))

    assert result.outcome is Outcome.FAILED
    assert len(server.heads) == 1


@pytest.mark.behaviour("pods:22")
async def test_when_the_second_try_fails_the_first_error_is_told() -> None:
    async with a_server(lambda head: b"" if head.startswith("GET ") else b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        result, _ = await ran(a_get(server.port, scheme="HTTPS"))

    assert result.reason == (f'Get "https://127.0.0.1:{server.port}/": http: server gave HTTP response to HTTPS client')


@pytest.mark.behaviour("pods:22")
async def test_a_redirect_on_the_same_host_is_followed_to_another_port_too() -> None:
    async with (
        a_server(always(OK)) as second,
        a_server(always(redirect(f"http://127.0.0.1:{second.port}/there?x=1"))) as first,
    ):
        result, _ = await ran(a_get(first.port, "/here", headers=(("X-Kept", "1"),)))

    assert result.outcome is Outcome.SUCCEEDED
    assert second.heads[0].startswith(f"GET /there?x=1 HTTP/1.1\r\nHost: 127.0.0.1:{second.port}\r\n")
    assert "X-Kept: 1\r\n" in second.heads[0]
    assert f"Referer: http://127.0.0.1:{first.port}/here\r\n" in second.heads[0]


@pytest.mark.behaviour("pods:22")
async def test_a_relative_redirect_keeps_the_configured_host() -> None:
    def answer(head: str) -> bytes:
        return redirect("two?y") if head.startswith("GET /a/one ") else OK

    async with a_server(answer) as server:
        await ran(a_get(server.port, "/a/one", headers=(("Host", "example.com"),)))

    assert [head.split("\r\n")[:2] for head in server.heads] == [
        ["GET /a/one HTTP/1.1", "Host: example.com"],
        ["GET /a/two?y HTTP/1.1", "Host: example.com"],
    ]


@pytest.mark.behaviour("pods:22")
@pytest.mark.parametrize("location", ["http://localhost:{}/", "http://example.com/", "ftp://127.0.0.1/"])
async def test_a_redirect_to_another_host_is_a_success_that_is_not_followed(location: str) -> None:
    async with a_server(lambda head: redirect(location.format(server.port))) as server:
        result, _ = await ran(a_get(server.port))

    assert result.outcome is Outcome.SUCCEEDED
    assert len(server.heads) == 1


@pytest.mark.behaviour("pods:22")
async def test_a_circle_of_redirects_ends_after_ten() -> None:
    async with a_server(always(redirect("/again"))) as server:
        result, _ = await ran(a_get(server.port))

    assert result.reason == f'Get "http://127.0.0.1:{server.port}/again": stopped after 10 redirects'
    assert len(server.heads) == 10


@pytest.mark.behaviour("pods:23")
@pytest.mark.parametrize(
    ("port", "reason"),
    [
        ("web", 'strconv.Atoi: parsing "web": invalid syntax'),
        ("70000", "invalid port number: 70000"),
        (0, "invalid port number: 0"),
    ],
)
async def test_a_port_that_is_none_fails_when_the_hook_is_run(port: int | str, reason: str) -> None:
    result, _ = await ran(a_get(port))

    assert (result.outcome, result.reason) == (Outcome.FAILED, reason)


@pytest.mark.behaviour("pods:23")
async def test_a_port_may_be_a_number_in_a_string() -> None:
    async with a_server(always(OK)) as server:
        result, _ = await ran(a_get(str(server.port)))

    assert result.outcome is Outcome.SUCCEEDED


@pytest.mark.behaviour("pods:24")
async def test_a_tcp_hook_fails_even_where_a_connection_would_open() -> None:
    async with a_server(always(OK)) as server:
        result, _ = await ran(TcpSocket(host=LOOPBACK, port=server.port))

    assert (result.outcome, result.reason) == (Outcome.FAILED, "Cannot run handler: invalid handler")
    assert server.heads == []


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("", "/"),
        ("echo", "/echo"),
        ("/a b?c=d", "/a%20b?c=d"),
        ("/a%20b", "/a%20b"),
        ("/%zz?x", "/%25zz%3Fx"),
        ("http://other/x?y", "/x?y"),
        ("/ü#top", "/%C3%BC"),
    ],
)
def test_a_path_is_sent_as_go_would_send_it(path: str, sent: str) -> None:
    assert address_of(a_get(80, path)).path == sent


def asker(*answers: Response) -> tuple[list[HttpRequest], Callable[[HttpRequest], object]]:
    asked: list[HttpRequest] = []

    async def ask(request: HttpRequest) -> Response:
        asked.append(request)
        return answers[len(asked) - 1]

    return asked, ask


async def test_a_containers_own_address_stays_its_own_through_redirects() -> None:
    asked, ask = asker(Response(status=307, headers=(("Location", "https://127.0.0.1/x"),)), Response(status=200))
    handler = HttpGet(scheme="HTTP", host="", port=8080, path="/", headers=())

    await get(address_of(handler), sent_headers((), agent=PROBE_AGENT, gzip=False), ask)  # type: ignore[arg-type]

    assert [(each.secure, each.host, each.port, each.path) for each in asked] == [
        (False, "", 8080, "/"),
        (True, "", 443, "/x"),
    ]
    assert asked[0].headers == (("Host", "127.0.0.1:8080"), ("User-Agent", "kube-probe/1.36"), ("Accept", "*/*"))
    assert asked[1].headers[0] == ("Host", "127.0.0.1")


async def test_a_location_that_is_no_address_is_a_failure() -> None:
    _, ask = asker(Response(status=302, headers=(("Location", "http://127.0.0.1:x/"),)))

    with pytest.raises(RequestFailed, match="failed to parse Location header"):
        await get(address_of(a_get(80)), (), ask)  # type: ignore[arg-type]
