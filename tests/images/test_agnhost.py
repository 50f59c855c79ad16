"""The stand-in for agnhost: its servers answer, log and end as the real program does."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

import anyio
import pytest

from boathook.errors import RequestFailed
from boathook.home import Home
from boathook.images import ImageResolver
from boathook.runtimes.base import (
    ContainerId,
    ContainerSpec,
    ExecSpec,
    HttpRequest,
    NetworkMode,
    PullPolicy,
    Response,
    SandboxSpec,
)
from boathook.runtimes.bubblewrap import BubblewrapRuntime

pytestmark = [pytest.mark.anyio, pytest.mark.runtime]

STAND_IN = "agnhost:2.53"
REAL = "agnhost:real"
TGKILL = {"x86_64": 234, "aarch64": 131}
"""The system call that sends a signal to one thread, by machine."""
TLS = ("--tls-cert-file=/localhost.crt", "--tls-private-key-file=/localhost.key")
PATHS = (
    "/",
    "/nowhere",
    "/clientip",
    "/header?key=x-one",
    "/header",
    "/echo?msg=hi",
    "/echo?msg=hi&code=503",
    "/echo?msg=hi&code=abc",
    "/healthz",
    "/readyz",
    "/hostname",
    "/redirect?location=/echo&code=307",
    "/redirect?location=/echo",
    "/shell?cmd=echo%20out;%20exit%203",
    "/shell?cmd=true",
)


class Server:
    """One sub-command in a container of its own."""

    def __init__(self, runtime: BubblewrapRuntime, container: ContainerId) -> None:
        self.runtime = runtime
        self.container = container

    async def get(self, path: str, *, port: int = 8080, secure: bool = False) -> Response:
        headers = (("X-One", "1"), ("User-Agent", "test"))
        request = HttpRequest(secure=secure, host="", port=port, path=path, headers=headers)
        return await self.runtime.request(self.container, request)

    async def answers(self, path: str, *, port: int = 8080) -> Response:
        """As ``get``, once it listens."""
        with anyio.fail_after(20):
            while True:
                try:
                    response = await self.get(path, port=port)
                except RequestFailed:
                    await anyio.sleep(0.05)
                    continue
                if response.status != 412:
                    return response
                await anyio.sleep(0.05)

    async def ended_by(self, signal: str) -> int | None:
        await self.runtime.signal(self.container, signal)
        with anyio.fail_after(10):
            return (await self.runtime.wait(self.container)).code

    async def log(self) -> list[str]:
        """Without klog's date and process, and without what no two runs have alike."""
        lines = [line.text async for line in self.runtime.logs(self.container)]
        return [_alike(re.sub(r"^I\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ ", "", line)) for line in lines]


def _alike(text: str) -> str:
    text = re.sub(r"NOW: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ \+0000 UTC m=\+[\d.]+", "NOW: then", text)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:port", text)


@asynccontextmanager
async def serving(
    home: Home, image: str, *command: str, environment: tuple[tuple[str, str], ...] = ()
) -> AsyncIterator[Server]:
    async with BubblewrapRuntime(home, images=ImageResolver(home, {}, offline=True)) as runtime:
        found = await runtime.resolve_image(image, PullPolicy.IF_NOT_PRESENT)
        network = SandboxSpec(name="t", hostname="t", network=NetworkMode.POD, labels={})
        spec = ContainerSpec(
            name="c",
            labels={},
            sandbox=await runtime.create_sandbox(network),
            image=found,
            command=(*found.config.entrypoint, *command),
            environment=(*found.config.environment, *environment),
            working_dir="/",
            user="",
        )
        container = await runtime.create(spec)
        await runtime.start(container)
        yield Server(runtime, container)


async def test_netexec_logs_what_it_is_asked_and_ends_well(home: Home) -> None:
    async with serving(home, STAND_IN, "netexec") as server:
        await server.answers("/readyz")
        response = await server.get("/echo?msg=prestop")
        code = await server.ended_by("SIGTERM")
        log = await server.log()

    assert (response.status, response.body, code) == (200, b"prestop", 0)
    assert log[0] == "log.go:244] Started HTTP server on port 8080"
    assert "log.go:244] GET /echo?msg=prestop&code=" in log


async def test_netexec_ends_with_the_code_that_it_is_told(home: Home) -> None:
    async with serving(home, STAND_IN, "netexec", "--udp-port=-1") as server:
        await server.answers("/echo")
        with contextlib.suppress(RequestFailed):  # It is gone as soon as it has heard it.
            await server.get("/exit?code=7")
        with anyio.fail_after(10):
            assert (await server.runtime.wait(server.container)).code == 7


async def test_netexec_is_not_ready_while_its_end_is_delayed(home: Home) -> None:
    async with serving(home, STAND_IN, "netexec", "--delay-shutdown=60") as server:
        await server.answers("/readyz")
        await server.runtime.signal(server.container, "SIGTERM")
        with anyio.fail_after(10):
            while (response := await server.get("/readyz")).status == 200:  # noqa: ASYNC110  asked again and again
                await anyio.sleep(0.05)

    assert (response.status, response.body) == (503, b"shutting down")


def is_at_rest(thread: int) -> bool:
    """It sleeps, and not just while it waits for its turn in the interpreter."""
    stat = Path(f"/proc/{thread}/task/{thread}/stat")
    return all(stat.read_text().rpartition(") ")[2].startswith("S") for _ in range(1000))


def test_a_signal_that_comes_to_another_thread_ends_netexec_too() -> None:
    """The kernel may give it to any thread; the one that waits for it must hear of it all the same."""
    program = resources.files("boathook.images").joinpath("agnhost.py")
    command = [sys.executable, "-u", str(program), "netexec", "--http-port=0", "--udp-port=-1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        assert server.stdout is not None
        try:
            assert b"Started HTTP server" in server.stdout.readline()
            while len(threads := os.listdir(f"/proc/{server.pid}/task")) < 2 or not is_at_rest(server.pid):
                assert server.poll() is None
            other = max(int(thread) for thread in threads)
            assert ctypes.CDLL(None).syscall(TGKILL[os.uname().machine], server.pid, other, signal.SIGTERM) == 0

            assert server.wait(timeout=10) == 0
        finally:
            server.kill()


async def test_netexec_speaks_tls_with_the_images_own_certificate(home: Home) -> None:
    async with serving(home, STAND_IN, "netexec", "--http-port=9090", "--udp-port=-1", *TLS) as server:
        with anyio.fail_after(20):
            while not await server.log():  # noqa: ASYNC110  it cannot be asked before
                await anyio.sleep(0.05)
        response = await server.get("/echo?msg=x", port=9090, secure=True)

    assert (response.status, response.body) == (200, b"x")


async def test_what_is_no_http_gets_a_status_line(home: Home) -> None:
    async with serving(home, STAND_IN, "netexec") as server:
        await server.answers("/readyz")
        with pytest.raises(RequestFailed, match="http: server gave HTTP response to HTTPS client"):
            await server.get("/", secure=True)


async def test_nettest_counts_who_has_written(home: Home) -> None:
    post = "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/write', b'{\"Source\": \"prestop\"}')"
    async with serving(home, STAND_IN, "nettest") as server:
        await server.answers("/status")
        command = ("/usr/bin/python3", "-c", post)
        await (await server.runtime.exec(server.container, ExecSpec(command=command), lambda *_: None)).wait()
        read = await server.get("/read")
        with pytest.raises(RequestFailed):
            await server.get("/quit")
        ended = await server.runtime.wait(server.container)

    assert b'"prestop": 1' in read.body
    assert ended.code == 0


async def test_liveness_and_porter_answer_and_end_as_go_programs_do(home: Home) -> None:
    async with serving(home, STAND_IN, "liveness") as server:
        assert (await server.answers("/healthz")).body == b"ok"
        assert await server.ended_by("SIGTERM") == 2
    async with serving(home, STAND_IN, "porter", environment=(("SERVE_PORT_81", "foo"),)) as server:
        assert (await server.answers("/", port=81)).body == b"foo"


@pytest.fixture
def both(home: Home) -> Home:
    """A home with the real program in its store, beside the stand-in."""
    testbed = os.environ.get("BOATHOOK_TESTBED")
    if not testbed:
        pytest.skip("BOATHOOK_TESTBED is not set")
    archive = home.path / "agnhost.tar"
    subprocess.run([Path(testbed, "kubernetes"), "archive", "agnhost", archive], check=True, capture_output=True)
    subprocess.run(
        [sys.executable, "-m", "boathook", "image", "import", str(archive), REAL], check=True, capture_output=True
    )
    return home


@pytest.mark.peer
@pytest.mark.slow
async def test_netexec_answers_logs_and_ends_as_the_real_one(both: Home) -> None:
    seen = []
    for image in (STAND_IN, REAL):
        async with serving(both, image, "netexec") as server:
            await server.answers("/readyz")
            answers = []
            for path in PATHS:
                response = await server.get(path)
                kept = {name: value for name, value in response.headers if name in ("Content-Type", "Location")}
                answers.append((path, response.status, kept, _alike(response.body.decode())))
            code = await server.ended_by("SIGTERM")
            log = [line for line in await server.log() if "/readyz" not in line]
            seen.append((answers, sorted(log[:2]), log[2:], code))

    assert seen[0] == seen[1]


@pytest.mark.peer
@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "signal"), [("pause", "SIGTERM"), ("pause", "SIGINT"), ("liveness", "SIGTERM"), ("netexec", "SIGTERM")]
)
async def test_signals_end_it_as_the_real_one(both: Home, command: str, signal: str) -> None:
    codes = []
    for image in (STAND_IN, REAL):
        async with serving(both, image, command) as server:
            if command == "pause":
                with anyio.fail_after(10):
                    while len(await server.log()) < 2:  # noqa: ASYNC110  it writes two lines
                        await anyio.sleep(0.05)
            else:
                await server.answers("/healthz")
            codes.append((await server.ended_by(signal), await server.log() if command == "pause" else None))

    assert codes[0] == codes[1]
