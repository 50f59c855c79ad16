"""What is said to an engine, and its failures in our own errors."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boathook.errors import BoathookError, Conflict, NotFound, NotRunning, PlaceError
from boathook.runtimes.docker.connection import BrokenOff
from boathook.runtimes.docker.endpoint import Endpoint, Tls
from boathook.runtimes.docker.http import Answer, Http
from boathook.runtimes.docker.streams import ProcessStreams

if TYPE_CHECKING:
    import ssl

_OLDEST_VERSION = "1.24"
"""Of the API, where an engine does not say which it speaks (Docker 1.12)."""

_JSON = "application/json"
_IN_PATHS = "/:@!$&'()*+,;=~"
"""Besides letters and digits what stands in paths as it is: names of images have slashes and colons."""

_NOT_THERE = (
    "start it (Docker: systemctl start docker; Podman: systemctl start podman.socket), "
    "or say where it is with DOCKER_HOST or docker context use"
)
_NOT_ALLOWED = "join the group that its socket belongs to (usermod --append --groups docker USER), or run as root"

_NOT_RUNNING = ("is not running", "container state improper", "can only kill running", "is paused")
"""What Docker says with 409 and Podman with 409 or 500 (measured with 20.10 and 4.3)."""


_PODMANS_CONFLICT = "that name is already in use"
"""Comes with status 500."""


class Refused(PlaceError):
    """The engine answered, and it was no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """A process that the engine has been told of, to be started."""

    id: str
    tty: bool


class Engine:
    """One connection pool to one engine. Open it in the loop that uses it, and close it there."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.podman = False
        self.api = (0, 0)
        """The version of its API that is spoken."""
        self.architecture = ""
        """Empty until it has been asked for (``learn_architecture``)."""
        self._http: Http | None = None
        self._version = ""

    async def open(self) -> None:
        """Raises ``PlaceError`` with the remedy when nobody answers."""
        endpoint = self.endpoint
        if endpoint.local:
            self._http = Http(endpoint.socket, host="localhost")
        else:
            address = endpoint.address.removeprefix("tcp://")
            self._http = Http(address, host=address, tls=_ssl(endpoint.tls) if endpoint.tls else None)
        try:
            await self._greet()
        except BaseException:
            await self.close()
            raise

    async def _greet(self) -> None:
        """A ping tells what is needed of every command; Docker's whole version costs it the start of two programs."""
        answer = await self._ask("GET", "/_ping")
        await answer.read()
        said = answer.headers
        self.podman = "Libpod-API-Version" in said
        self._version = (self.endpoint.api_version or said.get("API-Version") or _OLDEST_VERSION).removeprefix("v")
        major, _, minor = self._version.partition(".")
        self.api = (int(major), int(minor))

    async def learn_architecture(self) -> str:
        """Of the machine that the engine runs on."""
        if not self.architecture:
            self.architecture = str((await self.call("GET", "version")).get("Arch") or "")
        return self.architecture

    async def close(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.close()

    async def call(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """Say it and return the answer: JSON data, or text. Bytes in ``body`` are sent as a tar archive."""
        headers, given = {}, body
        if isinstance(body, bytes):
            headers = {"Content-Type": "application/x-tar"}
        elif body is not None:
            headers, given = {"Content-Type": "application/json"}, json.dumps(body).encode()
        with self._failures():
            answer = await self._ask(method, self._path(path, query), headers=headers, body=given)
            text = await answer.read()
        return json.loads(text) if text and answer.headers.get("Content-Type").startswith(_JSON) else text.decode()

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | AsyncIterable[bytes] | None = None,
    ) -> AsyncIterator[Answer]:
        """Say it and read the answer as it comes, without a limit of time. A body may be sent as it comes, too."""
        with self._failures():
            answer = await self._ask(method, self._path(path, query), headers=headers, body=body)
        try:
            with self._failures():
                yield answer
        finally:
            answer.close()

    async def told(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | AsyncIterable[bytes] | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """What the engine tells line by line. Raises ``Refused`` with the failure that it tells of."""
        async with self.stream(method, path, query=query, headers=headers, body=body) as content:
            async for line in lines_of(content):
                said = json.loads(line)
                if "error" in said or "errorDetail" in said:
                    detail = said.get("errorDetail") or {}
                    raise Refused(str(detail.get("message") or said.get("error")))
                yield said

    async def archive(self, container: str, path: str) -> bytes:
        """A file or directory of a container as a tar archive. Raises ``NotFound``."""
        async with self.stream("GET", f"containers/{container}/archive", query={"path": path}) as content:
            return await content.read()

    async def head(self, path: str, *, query: Mapping[str, Any] | None = None) -> Mapping[str, str]:
        """What the engine says of it, in headers."""
        with self._failures():
            return (await self._ask("HEAD", self._path(path, query))).headers

    async def new_exec(self, container: str, body: Mapping[str, Any]) -> Exec:
        made = await self.call("POST", f"containers/{container}/exec", body=dict(body))
        return Exec(id=str(made["Id"]), tty=bool(body.get("Tty")))

    async def start_exec(self, execution: Exec) -> ProcessStreams:
        """Its streams, from now on."""
        body = json.dumps({"Detach": False, "Tty": execution.tty}).encode()
        return await self._taken_over(f"exec/{execution.id}/start", None, body, tty=execution.tty)

    async def attach(self, container: str, *, stdin: bool, tty: bool) -> ProcessStreams:
        """The streams of a container's main process, from now on. ``tty``: it has a terminal."""
        query = {"stream": True, "stdin": stdin, "stdout": True, "stderr": True}
        return await self._taken_over(f"containers/{container}/attach", query, None, tty=tty)

    async def _taken_over(
        self, path: str, query: Mapping[str, Any] | None, body: bytes | None, *, tty: bool
    ) -> ProcessStreams:
        """A request whose connection is the process's from then on."""
        headers = {"Content-Type": "application/json", "Connection": "Upgrade", "Upgrade": "tcp"}
        with self._failures():
            answer = await self._ask("POST", self._path(path, query), headers=headers, body=body)
            return ProcessStreams(answer.take_over(), tty=tty)

    async def read_exec(self, stream: ProcessStreams) -> tuple[int, bytes] | None:
        """Which stream, and what came on it; None at the end."""
        with self._failures():
            return await stream.read()

    async def write_exec(self, stream: ProcessStreams, chunk: bytes) -> None:
        with self._failures():
            await stream.write(chunk)

    def end_input(self, stream: ProcessStreams) -> bool:
        """Let the program see the end of its standard input. False: this connection knows no such thing (TLS)."""
        return stream.end_input()

    def _path(self, path: str, query: Mapping[str, Any] | None) -> str:
        from urllib.parse import quote, urlencode

        plain, _, given = path.partition("?")
        asked = "&".join(part for part in (given, urlencode(_query(query))) if part)
        return f"/v{self._version}/{quote(plain, safe=_IN_PATHS)}{'?' if asked else ''}{asked}"

    async def _ask(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | AsyncIterable[bytes] | None = None,
    ) -> Answer:
        """The answer, if it is none of refusal. Raises what that means."""
        if self._http is None:
            raise PlaceError("the engine is not open")
        with self._failures():
            answer = await self._http.request(method, target, headers=headers, body=body)
            if answer.status < 400:
                return answer
            text = ""
            with suppress(BrokenOff):  # By who was still being told something: its status says enough.
                text = (await answer.read()).decode(errors="replace")
        raise self._failure(answer.status, _message(text, answer))

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise self._unreached(_reason(error)) from error

    def _failure(self, status: int, message: str) -> BoathookError:
        if any(word in message for word in _NOT_RUNNING):
            return NotRunning(message)
        if status == 404:
            return NotFound(message)
        if status == 409 or _PODMANS_CONFLICT in message:
            return Conflict(message)
        return Refused(message)

    def _unreached(self, why: str) -> PlaceError:
        endpoint = self.endpoint
        hint = _NOT_ALLOWED if why == os.strerror(errno.EACCES) else _NOT_THERE
        return PlaceError(f"the engine at {endpoint.address} ({endpoint.found_by}) cannot be reached: {why}", hint=hint)


async def lines_of(content: Answer) -> AsyncIterator[bytes]:
    """However long they are: an engine tells of a build's whole output line in one of its own."""
    rest = bytearray()
    async for chunk in content.iter_any():
        rest += chunk
        if b"\n" in chunk:
            *whole, last = rest.split(b"\n")
            rest = bytearray(last)
            for line in whole:
                if line.strip():
                    yield bytes(line)
    if rest.strip():
        yield bytes(rest)


def _reason(error: OSError) -> str:
    """The system's own word, where it is the system's error: the event loop adds to it which call it was."""
    if error.errno and isinstance(error, ConnectionError | FileNotFoundError | PermissionError | TimeoutError):
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__


def _message(text: str, answer: Answer) -> str:
    """Docker and Podman give their reason in JSON; what stands before them may not."""
    if answer.headers.get("Content-Type").startswith(_JSON):
        with suppress(ValueError, KeyError, TypeError):
            return str(json.loads(text)["message"])
    return text.strip() or f"the engine answered with status {answer.status}"


def _ssl(tls: Tls) -> ssl.SSLContext:
    import ssl

    context = ssl.create_default_context(cafile=str(tls.authority) if tls.authority else None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def _query(query: Mapping[str, Any] | None) -> dict[str, str]:
    """Filters and the like are JSON in the query; switches are 0 and 1."""
    return {
        name: json.dumps(value) if isinstance(value, dict | list) else _word(value)
        for name, value in (query or {}).items()
    }


def _word(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
