"""The questions of probes on the embedded runtime: to real servers and of real programs."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from boathook.home import Home
from boathook.runtimes.base import (
    NetworkMode,
)
from tests.pods.build import a_container, a_pod
from tests.pods.probers import Seen, a_prober
from tests.runtimes.build import a_place
from tests.runtimes.grpc import a_health_server
from tests.runtimes.servers import OK, a_server, always, free_port, redirect


@pytest.mark.anyio
@pytest.mark.runtime
class TestOnTheRuntime:
    """Questions to real servers and of real programs, in the network of the machine."""

    async def told_of(self, home: Home, probe: dict[str, Any], *, seconds: float = 0.8) -> Seen:
        """What a readiness probe says in its first moments."""
        seen = Seen()
        fields: dict[str, Any] = {"readinessProbe": {"timeoutSeconds": 1, **probe}}
        (container,) = a_pod(a_container(**fields)).containers
        async with a_place(home, network=NetworkMode.HOST) as place:
            id = await place.ready()
            prober = a_prober(container, id, place.runtime, seen, started_at=anyio.current_time())
            with anyio.move_on_after(seconds):
                await prober.run()
        return seen

    async def test_a_program_that_succeeds_makes_ready(self, home: Home) -> None:
        seen = await self.told_of(home, {"exec": {"command": ["sh", "-c", "echo fine"]}})

        assert [change for _, change in seen.changes] == ["started=True ready=True"]
        assert seen.told == []

    async def test_a_program_that_fails_is_told_with_its_output(self, home: Home) -> None:
        seen = await self.told_of(home, {"exec": {"command": ["sh", "-c", "echo out; echo err >&2; exit 3"]}})

        assert seen.messages == ["Readiness probe failed: out\nerr\n"]

    async def test_a_missing_program_is_an_unknown_state(self, home: Home) -> None:
        seen = await self.told_of(home, {"exec": {"command": ["/nope"]}})

        assert [message.partition(":")[0] for message in seen.messages] == [
            "Readiness probe errored and resulted in unknown state"
        ]
        assert "/nope" in seen.messages[0]

    async def test_a_program_that_hangs_is_killed(self, home: Home) -> None:
        script = "echo begun; exec sleep 71"
        seen = Seen()
        fields: dict[str, Any] = {"readinessProbe": {"timeoutSeconds": 1, "exec": {"command": ["sh", "-c", script]}}}
        (container,) = a_pod(a_container(**fields)).containers
        async with a_place(home) as place:
            id = await place.ready()
            prober = a_prober(container, id, place.runtime, seen, started_at=anyio.current_time())
            with anyio.move_on_after(2):
                await prober.run()
            _, running, _ = await place.run(id, "sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")

        assert seen.messages == [f'Readiness probe failed: command timed out: "sh -c {script}" timed out after 1s']
        assert "sleep 71" not in running.replace("cat /proc", "")

    async def test_an_answer_over_http_makes_ready(self, home: Home) -> None:
        async with a_server(always(OK)) as server:
            seen = await self.told_of(home, {"httpGet": {"port": server.port, "path": "/healthz?full"}})

        assert [change for _, change in seen.changes] == ["started=True ready=True"]
        head = server.heads[0]
        assert head.startswith("GET /healthz?full HTTP/1.1\r\n")
        assert "User-Agent: kube-probe/1.36\r\n" in head
        assert "Accept: */*\r\n" in head

    async def test_https_is_asked_without_looking_at_the_certificate(self, home: Home) -> None:
        async with a_server(always(OK), tls=True) as server:
            seen = await self.told_of(home, {"httpGet": {"port": server.port, "scheme": "HTTPS"}})

        assert [change for _, change in seen.changes] == ["started=True ready=True"]

    async def test_a_redirect_to_another_host_is_a_warning(self, home: Home) -> None:
        async with a_server(always(redirect("http://example.invalid/"))) as server:
            seen = await self.told_of(home, {"httpGet": {"port": server.port}})

        assert [(reason, message) for _, reason, message in seen.told] == [
            ("ProbeWarning", "Readiness probe warning: Probe terminated redirects, Response body: ")
        ]
        assert [change for _, change in seen.changes] == ["started=True ready=True"]

    async def test_a_refused_connection_is_told_in_the_kubelets_words(self, home: Home) -> None:
        port = free_port()

        over_http = await self.told_of(home, {"httpGet": {"port": port, "path": "/r"}})
        over_tcp = await self.told_of(home, {"tcpSocket": {"port": port}})

        refused = f"dial tcp 127.0.0.1:{port}: connect: connection refused"
        assert over_http.messages == [f'Readiness probe failed: Get "http://127.0.0.1:{port}/r": {refused}']
        assert over_tcp.messages == [f"Readiness probe failed: {refused}"]

    async def test_a_server_that_never_answers_has_failed_in_time(self, home: Home) -> None:
        async with a_server(lambda head: None) as server:
            seen = await self.told_of(home, {"httpGet": {"port": server.port}}, seconds=1.5)

        exceeded = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        assert seen.messages == [f'Readiness probe failed: Get "http://127.0.0.1:{server.port}/": {exceeded}']

    async def test_a_connection_that_opens_is_all_that_tcp_asks(self, home: Home) -> None:
        async with a_server(lambda head: None) as server:
            seen = await self.told_of(home, {"tcpSocket": {"port": server.port}})

        assert [change for _, change in seen.changes] == ["started=True ready=True"]

    @pytest.mark.parametrize(
        ("service", "told"),
        [
            ("", []),
            ("down", ['Readiness probe failed: service unhealthy (responded with "NOT_SERVING")']),
            ("nobody", ["Readiness probe failed: error: health rpc probe failed: rpc error: code = NotFound desc = "]),
        ],
    )
    async def test_a_grpc_service_says_whether_it_serves(self, home: Home, service: str, told: list[str]) -> None:
        async with a_health_server({"": 1, "down": 2}) as port:
            seen = await self.told_of(home, {"grpc": {"port": port, "service": service}})

        assert seen.messages == told
        assert [change for _, change in seen.changes] == ([] if told else ["started=True ready=True"])

    async def test_a_grpc_server_without_health_checks_has_failed(self, home: Home) -> None:
        async with a_health_server(None) as port:
            seen = await self.told_of(home, {"grpc": {"port": port}})

        what = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
        assert [message.startswith(f"Readiness probe failed: error: {what}: ") for message in seen.messages] == [True]

    async def test_a_grpc_server_that_is_not_there_is_waited_for_until_the_time_is_over(self, home: Home) -> None:
        port = free_port()

        seen = await self.told_of(home, {"grpc": {"port": port}}, seconds=1.5)

        late = f'timeout: failed to connect service "127.0.0.1:{port}" within 1s: context deadline exceeded'
        assert seen.messages == [f"Readiness probe failed: {late}"]
