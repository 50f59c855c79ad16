"""The client of engines, against a server that says exactly what a test wants it to say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
import pytest

from boathook.errors import PlaceError
from boathook.runtimes.docker.connection import BrokenOff
from boathook.runtimes.docker.http import Http
from boathook.runtimes.docker.logs import log_lines
from boathook.runtimes.docker.streams import HEAD, ProcessStreams

pytestmark = pytest.mark.anyio

SECONDS = 10
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "tcp"}
SWITCHED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
RAW = b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"
"""What an engine answers that switches without having been asked to."""

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def speaking_with(serve: Serve, tmp_path: Path) -> AsyncIterator[Http]:
    """A client of a server that serves each connection so."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    path = tmp_path / "sock"
    server = await asyncio.start_unix_server(connection, path)
    http = Http(str(path), host="test")
    try:
        yield http
    finally:
        await http.close()
        server.close()
        await server.wait_closed()


def saying(*answers: bytes, heard: list[bytes] | None = None) -> Serve:
    """One answer for each head that comes over a connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            if heard is not None:
                heard.append(head)
            writer.write(answer)
            await writer.drain()

    return serve


@asynccontextmanager
async def counted(tmp_path: Path, answer: bytes) -> AsyncIterator[tuple[Http, list[int]]]:
    """A client whose every request is answered so, and how many were said over each of its connections."""
    connections: list[int] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = len(connections)
        connections.append(0)
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                connections[mine] += 1
                writer.write(answer)

    async with speaking_with(serve, tmp_path) as http:
        yield http, connections


async def taken_over(http: Http, *, tty: bool = False) -> ProcessStreams:
    return ProcessStreams((await http.request("POST", "/x", headers=UPGRADE)).take_over(), tty=tty)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (CHUNKED + b"2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nAfter: all\r\n\r\n", b"hello"),
        (b"HTTP/1.1 200 OK\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ],
)  # fmt: skip
async def test_a_body_ends_where_its_head_says(answer: bytes, body: bytes, tmp_path: Path) -> None:
    async with speaking_with(saying(answer), tmp_path) as http:
        got = await http.request("GET", "/x")

        assert await got.read() == body
        assert await got.read() == b""


async def test_a_connection_is_used_again_and_one_that_was_closed_meanwhile_is_not(tmp_path: Path) -> None:
    heard: list[bytes] = []
    once = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
    async with speaking_with(saying(once, once, heard=heard), tmp_path) as http:
        # The server says two things over each connection, and closes it then.
        for _ in range(5):
            answer = await http.request("GET", "/x")
            assert await answer.read() == b"a"

    assert len(heard) == 5
    assert heard[0] == b"GET /x HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        CHUNKED + b"0\r\n\r\n",
    ],
)
async def test_an_answer_without_a_body_frees_its_connection_unread(answer: bytes, tmp_path: Path) -> None:
    async with counted(tmp_path, answer) as (http, connections):
        for _ in range(3):
            await http.request("POST", "/x")

    assert connections == [3]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na and more than was said",
    ],
)
async def test_a_connection_that_is_to_end_is_not_used_again(answer: bytes, tmp_path: Path) -> None:
    async with counted(tmp_path, answer) as (http, connections):
        for _ in range(2):
            assert await (await http.request("POST", "/x")).read() == b"a"

    assert connections == [1, 1]


async def test_an_answer_that_is_not_read_to_its_end_costs_its_connection(tmp_path: Path) -> None:
    async with counted(tmp_path, CHUNKED + b"5\r\nfirst\r\n") as (http, connections):
        for _ in range(2):
            answer = await http.request("GET", "/x")
            assert await answer.readexactly(2) == b"fi"
            answer.close()

    assert connections == [1, 1]


async def test_lines_and_exact_counts_are_read_across_chunks(tmp_path: Path) -> None:
    chunks = b"4\r\none\n\r\n2\r\ntw\r\n6\r\no\nrest\r\n0\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    async with speaking_with(saying(answer, answer), tmp_path) as http:
        lines = await http.request("GET", "/x")
        assert [await lines.readline() for _ in range(4)] == [b"one\n", b"two\n", b"rest", b""]
        exact = await http.request("GET", "/x")
        assert await exact.readexactly(6) == b"one\ntw"
        with pytest.raises(asyncio.IncompleteReadError):
            await exact.readexactly(100)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
)
async def test_a_body_that_breaks_off_is_no_end(answer: bytes, tmp_path: Path) -> None:
    async with speaking_with(saying(answer), tmp_path) as http:
        got = await http.request("GET", "/x")

        with pytest.raises(BrokenOff):
            await got.read()


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"", "broke off"),
        (b"HTTP/1.1 200", "broke off"),
        (b"SSH-2.0-OpenSSH\r\n", 'speaks no HTTP: "SSH-2.0-OpenSSH"'),
        (b"HTTP/1.1 fine\r\n\r\n", "speaks no HTTP: illegal status line"),
        (SWITCHED, "speaks no HTTP: "),
        (b"HTTP/1.1 200 OK\r\nLong: " + b"x" * (1 << 19), "speaks no HTTP: "),
    ],
    ids=["nothing", "cut", "other", "wrong", "unasked", "endless"],
)
async def test_what_is_no_answer_is_an_error(said: bytes, message: str, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        if message != "broke off":
            await reader.read()  # Who speaks something else waits for a word in it.

    async with speaking_with(serve, tmp_path) as http:
        with pytest.raises(OSError, match=message):
            await http.request("POST", "/x", body=b"{}")


async def test_what_http_cannot_say_is_an_error(tmp_path: Path) -> None:
    async with speaking_with(saying(), tmp_path) as http:
        with pytest.raises(OSError, match="HTTP cannot say this"):
            await http.request("GET", "/x", headers={"Bad": "two\r\nlines"})


REFUSAL = b"HTTP/1.1 400 Bad\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad"


async def in_chunks() -> AsyncIterator[bytes]:
    for _ in range(64):
        yield b"x" * 65536


async def endless() -> AsyncIterator[bytes]:
    yield b"first"
    await asyncio.Event().wait()


@pytest.mark.parametrize("leaves", [True, False])
@pytest.mark.parametrize("body", [in_chunks, endless, lambda: b"x" * (1 << 22)], ids=["chunks", "endless", "bytes"])
async def test_a_refusal_is_heard_while_a_body_is_still_being_sent(
    body: Callable[[], AsyncIterator[bytes] | bytes], tmp_path: Path, *, leaves: bool
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REFUSAL)
        await writer.drain()
        if not leaves:
            await asyncio.Event().wait()

    async with speaking_with(refuse, tmp_path) as http:
        with anyio.fail_after(SECONDS):
            answer = await http.request("PUT", "/x", body=body())
            assert (answer.status, await answer.read()) == (400, b"bad")


async def test_a_body_is_sent_to_its_end_although_the_answer_begins_before(tmp_path: Path) -> None:
    got = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"Transfer-Encoding: chunked" in await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED + b"5\r\nbegun\r\n")
        while size := int(await reader.readline(), 16):
            got.extend(await reader.readexactly(size))
            await reader.readexactly(2)
        writer.write(b"4\r\ndone\r\n0\r\n\r\n")

    async with speaking_with(serve, tmp_path) as http:
        answer = await http.request("PUT", "/x", body=in_chunks())
        assert await answer.read() == b"begundone"
    assert len(got) == 64 * 65536


async def test_a_body_that_cannot_be_had_is_its_own_failure(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"first"
        raise PermissionError("not for you")

    async with counted(tmp_path, b"") as (http, _):
        with pytest.raises(PermissionError, match="not for you"):
            await http.request("PUT", "/x", body=broken())


async def test_a_connection_that_was_taken_over_is_its_owners(tmp_path: Path) -> None:
    async with counted(tmp_path, SWITCHED) as (http, connections):
        streams = await taken_over(http)
        other = await taken_over(http)
        await streams.close()
        await http.close()
        assert await other.read() is None
        await other.close()

    assert connections == [1, 1]


@pytest.mark.parametrize("switches", [True, False])
async def test_a_connection_that_is_taken_over_carries_frames(tmp_path: Path, *, switches: bool) -> None:
    async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(SWITCHED if switches else RAW)
        writer.write(HEAD.pack(1, 3) + b"out" + HEAD.pack(2, 3) + b"err")
        await writer.drain()
        said = await reader.read()
        writer.write(HEAD.pack(1, len(said)) + said)
        await writer.drain()

    async with speaking_with(upgrade, tmp_path) as http:
        streams = await taken_over(http)
        frames = [await streams.read(), await streams.read()]
        await streams.write(b"in")
        assert streams.end_input()
        frames += [await streams.read(), await streams.read()]
        await streams.close()

    assert frames == [(1, b"out"), (2, b"err"), (1, b"in"), None]


async def test_a_terminal_has_no_frames(tmp_path: Path) -> None:
    async with speaking_with(saying(SWITCHED + b"all there is"), tmp_path) as http:
        streams = await taken_over(http, tty=True)
        heard = [await streams.read(), await streams.read()]
        await streams.close()

    assert heard == [(1, b"all there is"), None]


async def test_a_frame_is_given_out_as_it_comes_and_its_breaking_off_is_no_end(tmp_path: Path) -> None:
    async with speaking_with(saying(SWITCHED + HEAD.pack(1, 0) + HEAD.pack(2, 5) + b"err"), tmp_path) as http:
        streams = await taken_over(http)
        assert await streams.read() == (2, b"err")
        with pytest.raises(BrokenOff):
            await streams.read()
        await streams.close()


@pytest.mark.parametrize("cut", [HEAD.pack(1, 5)[:3], HEAD.pack(1, 5), HEAD.pack(3, 5) + b"no"])
async def test_frames_end_only_between_two(cut: bytes, tmp_path: Path) -> None:
    async with speaking_with(saying(SWITCHED + cut), tmp_path) as http:
        streams = await taken_over(http)
        with pytest.raises(BrokenOff):
            await streams.read()
        await streams.close()


async def test_the_engines_own_words_in_a_stream_are_a_failure_and_no_output(tmp_path: Path) -> None:
    words = HEAD.pack(3, 7) + b"no log\n"
    async with speaking_with(saying(SWITCHED + words), tmp_path) as http:
        streams = await taken_over(http)
        with pytest.raises(PlaceError, match=r"cannot go on with what a container writes: no log$"):
            await streams.read()
        await streams.close()
    async with speaking_with(saying(RAW + words), tmp_path) as http:
        log = await http.request("GET", "/logs")
        with pytest.raises(PlaceError, match=r"no log$"):
            _ = [line async for line in log_lines(log)]
        log.close()


async def test_what_has_no_frames_is_not_taken_for_some(tmp_path: Path) -> None:
    async with speaking_with(saying(SWITCHED + b"text of a terminal"), tmp_path) as http:
        streams = await taken_over(http)
        with pytest.raises(OSError, match="no frame"):
            await streams.read()
        await streams.close()


async def test_headers_are_found_in_whatever_case(tmp_path: Path) -> None:
    async with speaking_with(
        saying(b"HTTP/1.1 200 OK\r\nAPI-Version: 1.41\r\nContent-Length: 0\r\n\r\n"), tmp_path
    ) as http:
        headers = (await http.request("HEAD", "/_ping")).headers

    assert headers["Api-Version"] == headers.get("api-version") == "1.41"
    assert "API-VERSION" in headers
    assert headers.get("other") == ""
