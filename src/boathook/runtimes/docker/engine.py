"""What is said to an engine, and its failures in our own errors. The only module that knows the client library."""

from __future__ import annotations

import errno
import json
import os
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from boathook.errors import BoathookError, Conflict, MissingExtra, NotFound, NotRunning, PlaceError
from boathook.runtimes.docker.endpoint import Endpoint, Tls

if TYPE_CHECKING:
    import aiodocker
    import aiohttp
    from aiodocker.execs import Exec
    from aiodocker.stream import Stream as ExecStream

_UNREACHED = 900
"""The status that the client library gives to a connection that failed."""

_NOT_THERE = (
    "start it (Docker: systemctl start docker; Podman: systemctl start podman.socket), "
    "or say where it is with DOCKER_HOST or docker context use"
)
_NOT_ALLOWED = "join the group that its socket belongs to (usermod --append --groups docker USER), or run as root"

_NOT_RUNNING = ("is not running", "container state improper", "can only kill running", "is paused")
"""What Docker says with 409 and Podman with 409 or 500 (measured with 20.10 and 4.3)."""


class Refused(PlaceError):
    """The engine answered, and it was no."""


class Engine:
    """One connection pool to one engine. Open it in the loop that uses it, and close it there."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.podman = False
        self.architecture = ""
        self._docker: aiodocker.Docker | None = None

    async def open(self) -> None:
        """Raises ``MissingExtra``, and ``PlaceError`` with the remedy when nobody answers."""
        try:
            import aiodocker
        except ImportError as error:
            raise MissingExtra(
                "a container engine needs the client library aiodocker, which is not installed",
                hint="pip install 'boathook[docker]'",
            ) from error
        version = self.endpoint.api_version
        self._docker = aiodocker.Docker(
            url="unix://localhost" if self.endpoint.local else _url(self.endpoint),
            connector=self._connector(),
            api_version=f"v{version.removeprefix('v')}" if version else "auto",
        )
        try:
            found = await self.call("GET", "version")
        except BaseException:
            await self.close()
            raise
        self.podman = any("Podman" in str(part.get("Name")) for part in found.get("Components") or ())
        self.architecture = str(found.get("Arch") or "")

    async def close(self) -> None:
        docker, self._docker = self._docker, None
        if docker is not None:
            await docker.close()
            # A connector that is given to it is not its own.
            await docker.connector.close()

    async def call(self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None) -> Any:
        """Say it and return the answer: JSON data, or text. Bytes in ``body`` are sent as a tar archive."""
        headers = {"Content-Type": "application/x-tar"} if isinstance(body, bytes) else None
        with self._failures():
            return await self._client._query_json(path, method, params=_query(query), data=body, headers=headers)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Say it and read the answer as it comes, without a limit of time."""
        with self._failures():
            response = await self._client._do_query(
                path, method, params=_query(query), headers=headers, data=body, timeout=None
            )
        try:
            with self._failures():
                yield response.content
        finally:
            response.close()

    async def told(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> AsyncIterator[dict[str, Any]]:
        """What the engine tells line by line. Raises ``Refused`` with the failure that it tells of."""
        async with self.stream(method, path, query=query, headers=headers, body=body) as content:
            while line := await content.readline():
                said = json.loads(line)
                if "error" in said or "errorDetail" in said:
                    detail = said.get("errorDetail") or {}
                    raise Refused(str(detail.get("message") or said.get("error")))
                yield said

    async def archive(self, container: str, path: str) -> bytes:
        """A file or directory of a container as a tar archive. Raises ``NotFound``."""
        async with self.stream("GET", f"containers/{container}/archive", query={"path": path}) as content:
            return await content.read()

    async def new_exec(self, container: str, body: Mapping[str, Any]) -> Exec:
        from aiodocker.execs import Exec

        made = await self.call("POST", f"containers/{container}/exec", body=dict(body))
        return Exec(self._client, made["Id"], tty=False)

    async def start_exec(self, execution: Exec) -> ExecStream:
        """Its output, from now on."""
        stream = execution.start(detach=False)
        with self._failures():
            await stream._init()
        return stream

    async def read_exec(self, stream: ExecStream) -> tuple[int, bytes] | None:
        """Which stream, and what came on it; None at the end."""
        with self._failures():
            message = await stream.read_out()
        return None if message is None else (message.stream, message.data)

    @property
    def _client(self) -> aiodocker.Docker:
        if self._docker is None:
            raise PlaceError("the engine is not open")
        return self._docker

    def _connector(self) -> aiohttp.BaseConnector:
        """Without a limit of connections: each container that is waited for holds one."""
        import aiohttp

        if self.endpoint.local:
            return aiohttp.UnixConnector(self.endpoint.socket, limit=0)
        if self.endpoint.tls is None:
            return aiohttp.TCPConnector(limit=0)
        return aiohttp.TCPConnector(limit=0, ssl=_ssl(self.endpoint.tls))

    @contextmanager
    def _failures(self) -> Iterator[None]:
        import aiohttp
        from aiodocker.exceptions import DockerError

        try:
            yield
        except DockerError as error:
            raise self._failure(error.status, str(error.message)) from error
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError) as error:
            raise self._unreached("the connection broke off") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._unreached(str(error) or type(error).__name__) from error

    def _failure(self, status: int, message: str) -> BoathookError:
        if status == _UNREACHED:
            return self._unreached(message)
        if any(word in message for word in _NOT_RUNNING):
            return NotRunning(message)
        if status == 404:
            return NotFound(message)
        if status == 409:
            return Conflict(message)
        return Refused(message)

    def _unreached(self, why: str) -> PlaceError:
        endpoint, reason = self.endpoint, _reason(why)
        hint = _NOT_ALLOWED if reason == os.strerror(errno.EACCES) else _NOT_THERE
        return PlaceError(
            f"the engine at {endpoint.address} ({endpoint.found_by}) cannot be reached: {reason}", hint=hint
        )


def _reason(why: str) -> str:
    """Out of ``Cannot connect to … [Cannot connect to unix socket … [No such file or directory]]`` the core."""
    return why.rpartition("[")[2].rstrip("]") if "[" in why else why


def _url(endpoint: Endpoint) -> str:
    scheme = "http" if endpoint.tls is None else "https"
    return f"{scheme}://{endpoint.address.removeprefix('tcp://')}"


def _ssl(tls: Tls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(tls.authority) if tls.authority else None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def _query(query: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Filters and the like are JSON in the query; switches are 0 and 1."""
    if query is None:
        return None
    return {
        name: json.dumps(value) if isinstance(value, dict | list) else _word(value) for name, value in query.items()
    }


def _word(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
