"""Requests to an API server with plain JSON in and out, and its refusals as Boathook's errors.

Its typed models drop what they do not know (lightkube's too), so no object passes through any.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import httpx2

from boathook.errors import BoathookError, Conflict, ManifestError, NotFound, PlaceError
from boathook.model import Finding, JsonObject, Severity, Source
from boathook.objects import mapping, mappings, text

Query = Mapping[str, str]

STREAMING = httpx2.Timeout(10.0, read=None, pool=None)
"""For what lasts until somebody ends it: a watch, a followed log, an exec."""


LOG_MISSING = re.compile(r"previous terminated container .* not found|is not valid for pod|is waiting to start")
"""What a bad request is about when it asked for a log that is not there."""


class Expired(BoathookError):
    """The API server no longer knows what happened since that version: list again."""


class Api:
    """One API server. Every foreign error that can leave it is mapped here."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, query: Query | None = None) -> JsonObject:
        return await self._send("GET", path, query=query)

    async def post(self, path: str, body: JsonObject, query: Query | None = None) -> JsonObject:
        return await self._send("POST", path, query=query, body=body)

    async def patch(self, path: str, body: JsonObject, media_type: str, query: Query | None = None) -> JsonObject:
        return await self._send("PATCH", path, query=query, body=body, media_type=media_type)

    async def delete(self, path: str, options: JsonObject) -> JsonObject:
        return await self._send("DELETE", path, body=options)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: JsonObject | None = None,
        media_type: str = "application/json",
    ) -> JsonObject:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json"} | ({} if body is None else {"Content-Type": media_type})
        with self.mapped():
            response = await self.client.request(
                method, path, params=dict(query or {}), content=content, headers=headers
            )
        return answer(response)

    @asynccontextmanager
    async def lines(self, path: str, query: Query) -> AsyncIterator[AsyncIterator[bytes]]:
        """The answer's lines as they come, for as long as the server goes on."""
        with self.mapped():
            async with self.client.stream("GET", path, params=dict(query), timeout=STREAMING) as response:
                if response.status_code >= 400:
                    await response.aread()
                    answer(response)
                yield _split(response.aiter_bytes())

    @contextmanager
    def mapped(self) -> Iterator[None]:
        """What the transport raises, as ``PlaceError``."""
        from lightkube.core.exceptions import ConfigError

        server = str(self.client.base_url).rstrip("/")
        try:
            yield
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise PlaceError(
                f'the API server "{server}" cannot be reached: {words(error)}',
                hint="is the cluster up, and is this its context? try: kubectl cluster-info",
            ) from error
        except httpx2.HTTPError as error:
            raise PlaceError(f'the connection to the API server "{server}" broke: {words(error)}') from error
        except ConfigError as error:
            raise PlaceError(f'no credentials for the API server "{server}": {error}') from error


def words(error: Exception) -> str:
    return str(error) or type(error).__name__


async def _split(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    # A client's own notion of lines also breaks at form feeds and the like, which may stand in a log.
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest


def answer(response: httpx2.Response) -> JsonObject:
    """What the server said. Raises what a refusal means."""
    try:
        said = response.json()
    except ValueError:
        said = None
    if response.status_code < 400:
        return said if isinstance(said, dict) else {}
    if not isinstance(said, dict) or said.get("kind") != "Status":
        said = {"message": response.text.strip() or response.reason_phrase}
    raise refusal(said, response.status_code)


def refusal(status: JsonObject, code: int) -> BoathookError:
    """A ``Status`` object as an error: the API's own text, and for an invalid object each of its causes."""
    message, reason = text(status, "message"), text(status, "reason")
    if code == 404:
        return NotFound(message)
    # A field that server-side apply does not know is, oddly, an internal error.
    if code in (400, 422) or message.startswith("failed to create typed patch object"):
        return _invalid(status, message)
    if code == 409 or reason == "TooManyRequests":
        return Conflict(message)
    if code == 410 or reason == "Expired":
        return Expired(message)
    if code == 401:
        return PlaceError(
            f"the API server does not let us in: {message}", hint="log in again: its credentials are wrong or expired"
        )
    if code == 403:
        return PlaceError(message, hint="ask for the permission; try: kubectl auth can-i --list")
    return PlaceError(f"the API server failed: {message}")


def _invalid(status: JsonObject, message: str) -> BoathookError:
    causes = mappings(mapping(status, "details").get("causes"))
    if not causes and LOG_MISSING.search(message):
        return NotFound(message)
    found = [(text(cause, "field"), text(cause, "message")) for cause in causes] or [("", message)]
    return ManifestError(
        tuple(
            Finding(
                id="kubernetes.refused",
                severity=Severity.ERROR,
                source=Source(file="", line=None, column=None, path=path),
                message=why,
                remedy=None,
            )
            for path, why in dict.fromkeys(found)
        )
    )
