"""An API server that says what a test wants: for servers that are not to be had, and for broken connections."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.buffered import BufferedByteReceiveStream
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Request

from boathook.model import JsonObject, JsonValue

CORE: JsonObject = {
    "resources": [
        {"name": "pods", "kind": "Pod", "namespaced": True},
        {"name": "pods/exec", "kind": "PodExecOptions", "namespaced": True},
    ]
}
PODS = "/api/v1/namespaces/default/pods"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; ``lines`` are sent as they stand, as a watch or a log."""

    status: int = 200
    body: JsonValue = None
    lines: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class FakeApi:
    """``answers``: for a path, one after another; the last is given again and again."""

    url: str
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    protocol: str = "v5.channel.k8s.io"
    frames: Sequence[tuple[int, bytes]] = ()
    """What an exec says: channel and data; then the connection ends."""
    asked: list[Asked] = field(default_factory=list)

    def kubeconfig(self, directory: Path) -> Path:
        file = directory / "kubeconfig"
        config = {
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "me", "user": {"token": "secret"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "me"}}],
            "current-context": "fake",
        }
        file.write_text(json.dumps(config), encoding="utf-8")
        return file

    def queries(self, path: str) -> list[dict[str, str]]:
        return [dict(asked.query) for asked in self.asked if asked.path == path]

    async def serve(self, stream: ByteStream) -> None:
        async with stream:
            reader = BufferedByteReceiveStream(stream)
            while True:
                try:
                    head = await reader.receive_until(b"\r\n\r\n", 65536)
                except (anyio.EndOfStream, anyio.IncompleteRead, anyio.BrokenResourceError):
                    return
                asked = await self._read(head, reader)
                self.asked.append(asked)
                if asked.headers.get("upgrade") == "websocket":
                    await self._exec(stream, head)
                    return
                await stream.send(self._answer(asked))

    async def _read(self, head: bytes, reader: BufferedByteReceiveStream) -> Asked:
        first, *rest = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        length = int(headers.get("content-length", "0"))
        parts = urlsplit(target)
        return Asked(
            method=method,
            path=parts.path,
            query=tuple(parse_qsl(parts.query)),
            headers=headers,
            body=await reader.receive_exactly(length) if length else b"",
        )

    def _answer(self, asked: Asked) -> bytes:
        queue = self.answers.get(asked.path) or [Answer(status=404, body={"kind": "Status", "message": "not there"})]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        content = b"".join(answer.lines) or json.dumps(answer.body).encode()
        head = (
            f"HTTP/1.1 {answer.status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content

    async def _exec(self, stream: ByteStream, head: bytes) -> None:
        connection = WSConnection(ConnectionType.SERVER)
        connection.receive_data(head + b"\r\n\r\n")
        request = next(event for event in connection.events() if isinstance(event, Request))
        chosen = self.protocol if self.protocol in request.subprotocols else None
        await stream.send(connection.send(AcceptConnection(subprotocol=chosen)))
        for channel, data in self.frames:
            await stream.send(connection.send(BytesMessage(data=bytes((channel,)) + data)))
        await stream.send(connection.send(CloseConnection(code=1000)))


@asynccontextmanager
async def fake_api() -> AsyncIterator[FakeApi]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listener, anyio.create_task_group() as tasks:
        port = listener.extra(SocketAttribute.local_port)
        fake = FakeApi(url=f"http://127.0.0.1:{port}")
        fake.answers["/version"] = [Answer(body={"gitVersion": "v1.20.2"})]
        fake.answers["/api/v1"] = [Answer(body=CORE)]
        tasks.start_soon(listener.serve, fake.serve)
        yield fake
        tasks.cancel_scope.cancel()
