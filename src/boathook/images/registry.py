"""A registry, spoken to over the distribution API (OCI distribution specification): one repository's content.

TLS is verified, but for registries on loopback, which may also speak plain HTTP, as engines have it.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from boathook import __version__
from boathook.errors import NotFound, RegistryFailure, UsageError
from boathook.images.challenge import Challenge, parse_challenges
from boathook.images.credentials import Credentials
from boathook.images.lookup import look_up
from boathook.images.manifest import ACCEPTED, algorithm_of, check_digest, digest_of
from boathook.images.reference import DEFAULT_REGISTRY, Reference

if TYPE_CHECKING:
    import httpx2

DEFAULT_ENDPOINT = "registry-1.docker.io"
"""Where the default registry answers."""
CONNECT_SECONDS = 4.0
READ_SECONDS = 30.0
MOST_BYTES = 8 * 1024 * 1024
"""No manifest, configuration or token is larger."""
CLIENT = "boathook"


class Registry:
    """One repository of a registry. Made by ``open_registry``."""

    def __init__(self, client: httpx2.AsyncClient, reference: Reference, credentials: Credentials | None) -> None:
        self._client = client
        self._repository = reference.repository
        self._name = reference.registry
        self._credentials = credentials
        self._authorization = ""
        self._bases = _bases(reference.registry)

    async def manifest(self, wanted: str) -> tuple[bytes, str, str]:
        """A manifest or an index by tag or digest: its content, media type and digest, which has been checked."""
        what = f'image "{self._name}/{self._repository}"'
        path = f"/v2/{self._repository}/manifests/{wanted}"
        async with self._get(path, {"Accept": ", ".join(ACCEPTED)}) as response:
            if response.status_code == 404:
                raise NotFound(f"{what}: registry {self._name} has no {_tag_or_digest(wanted)}{await _said(response)}")
            await self._check(response, what)
            content = await _bounded(response)
            digest = wanted if ":" in wanted else response.headers.get("Docker-Content-Digest") or digest_of(content)
            algorithm_of(digest, what)
            check_digest(content, digest, what)
            return content, response.headers.get("Content-Type", ""), digest

    @asynccontextmanager
    async def blob(self, digest: str, offset: int = 0) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """Where a blob's content begins that comes now, and the content: a registry may not begin at ``offset``."""
        path = f"/v2/{self._repository}/blobs/{digest}"
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        async with self._get(path, headers) as response:
            what = f'blob "{digest}" of "{self._name}/{self._repository}"'
            if response.status_code == 404:
                raise NotFound(f"{what}: registry {self._name} does not have it")
            if response.status_code == 416:
                yield 0, _nothing()
                return
            await self._check(response, what)
            yield _begin(response, offset), response.aiter_raw()

    @asynccontextmanager
    async def _get(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[httpx2.Response]:
        """A response whose body has not been read. Says who we are when it is asked, once."""
        for attempt in (1, 2):
            sent = dict(headers) | ({"Authorization": self._authorization} if self._authorization else {})
            response = await self._send(path, sent)
            try:
                if response.status_code != 401 or attempt == 2:
                    yield response
                    return
                challenges = parse_challenges(", ".join(response.headers.get_list("WWW-Authenticate")))
            finally:
                await response.aclose()
            self._authorization = await self._authorized(challenges)

    async def _send(self, path: str, headers: Mapping[str, str]) -> httpx2.Response:
        """To the first base that answers; the others are then forgotten."""
        failures: list[str] = []
        for base in self._bases:
            request = self._client.build_request("GET", base + path, headers=dict(headers))
            try:
                response = await self._sent(request)
            except RegistryFailure as failure:
                failures.append(str(failure))
                continue
            self._bases = (base,)
            return response
        raise _unreachable(self._name, self._bases, "; ".join(dict.fromkeys(failures)))

    async def _sent(self, request: httpx2.Request) -> httpx2.Response:
        import httpx2

        try:
            response = await self._client.send(request, stream=True)
        except httpx2.TransportError as error:
            raise RegistryFailure(_in_words(error), unreachable=True) from error
        except httpx2.HTTPError as error:
            raise RegistryFailure(str(error) or type(error).__name__) from error
        downgraded = request.url.scheme == "https" and response.url.scheme != "https"
        if downgraded:
            await response.aclose()
            raise RegistryFailure(f"it leads on to {response.url.host} without TLS")
        return response

    async def _authorized(self, challenges: tuple[Challenge, ...]) -> str:
        """The Authorization that the challenges ask for. Raises ``RegistryFailure`` where there is none to give."""
        for challenge in challenges:
            if challenge.scheme == "bearer" and "realm" in challenge.parameters:
                return await self._token(challenge.parameters)
            if challenge.scheme == "basic" and self._credentials is not None and self._credentials.basic:
                return self._credentials.basic
        raise _denied(self._name, self._repository, self._credentials, "")

    async def _token(self, asked: Mapping[str, str]) -> str:
        """From the token server that the registry names (distribution, docs/spec/auth/token.md and oauth.md)."""
        import httpx2

        known = self._credentials or Credentials()
        if known.registry_token:
            return f"Bearer {known.registry_token}"
        realm = asked["realm"]
        self._check_realm(realm)
        about = {"service": asked.get("service", ""), "scope": f"repository:{self._repository}:pull"}
        if known.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": known.identity_token, "client_id": CLIENT}
            request = self._client.build_request("POST", realm, data=form | about)
        else:
            headers = {"Authorization": known.basic} if known.basic else {}
            # The address may have a query of its own, which ``params`` would take the place of.
            address = httpx2.URL(realm).copy_merge_params(about)
            request = self._client.build_request("GET", address, headers=headers)
        try:
            response = await self._sent(request)
        except RegistryFailure as failure:
            raise RegistryFailure(
                f"registry {self._name} asks for a token of {realm}, which cannot be reached: {failure}",
                unreachable=failure.unreachable,
            ) from failure
        try:
            if response.status_code in (400, 401, 403):
                raise _denied(self._name, self._repository, self._credentials, await _said(response))
            if response.status_code != 200:
                raise RegistryFailure(
                    f"registry {self._name}: its token server {realm} answered {response.status_code}"
                )
            return f"Bearer {_token_of(await _bounded(response), realm)}"
        finally:
            await response.aclose()

    def _check_realm(self, realm: str) -> None:
        """A password goes over TLS, or to loopback."""
        import httpx2

        try:
            url = httpx2.URL(realm)
        except httpx2.InvalidURL as error:
            raise RegistryFailure(f'registry {self._name}: its token server "{realm}" is no address') from error
        if url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.host)):
            raise RegistryFailure(f'registry {self._name} is refused: it asks for a token of "{realm}", without TLS')

    async def _check(self, response: httpx2.Response, what: str) -> None:
        if response.status_code in (401, 403):
            raise _denied(self._name, self._repository, self._credentials, await _said(response))
        if response.status_code not in (200, 206):
            answer = f"answered {response.status_code}{await _said(response)}"
            raise RegistryFailure(f"{what}: registry {self._name} {answer}", unreachable=response.status_code >= 500)


@asynccontextmanager
async def open_registry(reference: Reference, credentials: Credentials | None) -> AsyncIterator[Registry]:
    """The registry of a reference, found by name before anything is sent to it. Raises ``RegistryFailure``."""
    import httpx2

    host, port = split_host(endpoint(reference.registry))
    loopback = is_loopback(host)
    if not loopback and (failure := await look_up(host, port or 443, CONNECT_SECONDS)) is not None:
        raise _unreachable(reference.registry, _bases(reference.registry), failure)
    client = httpx2.AsyncClient(
        timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=True,
        verify=not loopback,
        trust_env=not loopback,
        headers={"User-Agent": f"{CLIENT}/{__version__}"},
    )
    async with client:
        yield Registry(client, reference, credentials)


def endpoint(registry: str) -> str:
    return DEFAULT_ENDPOINT if registry == DEFAULT_REGISTRY else registry


def split_host(registry: str) -> tuple[str, int | None]:
    """``localhost``, 5000 of ``localhost:5000``."""
    host, colon, port = registry.rpartition(":")
    if colon and port.isdigit() and (not host.startswith("[") or host.endswith("]")):
        return host.strip("[]"), int(port)
    return registry.strip("[]"), None


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _bases(registry: str) -> tuple[str, ...]:
    name = endpoint(registry)
    secure = f"https://{name}"
    return (secure, f"http://{name}") if is_loopback(split_host(name)[0]) else (secure,)


def _unreachable(registry: str, bases: tuple[str, ...], why: str) -> RegistryFailure:
    tried = ", ".join(f"{base}/v2/" for base in bases)
    return RegistryFailure(f"registry {registry} cannot be reached: tried {tried}: {why}", unreachable=True)


def _in_words(error: Exception) -> str:
    """A transport's failure in words: the system's own where there are any."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "it does not speak TLS"
        if isinstance(cause, OSError) and cause.errno:
            return (os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)).lower()
        cause = cause.__cause__ or cause.__context__
    name = type(error).__name__
    return "no answer in time" if "Timeout" in name else str(error) or name


def _denied(registry: str, repository: str, credentials: Credentials | None, said: str) -> RegistryFailure:
    """A registry that does not tell what is not there denies it as well."""
    who = f'as "{credentials.username}"' if credentials and credentials.username else "anonymously"
    who = "with a token" if credentials and not credentials.username else who
    return RegistryFailure(
        f"registry {registry} denies access to {repository} ({who}){said}",
        hint=f"the repository may not exist, or may need credentials: docker login {registry}",
    )


def _tag_or_digest(wanted: str) -> str:
    return f"digest {wanted}" if ":" in wanted else f'tag "{wanted}" of it'


def _begin(response: httpx2.Response, offset: int) -> int:
    """A part is told by 206 and its Content-Range; 200 means all of it."""
    if response.status_code != 206:
        return 0
    begins = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    if begins != str(offset):
        raise RegistryFailure(f"a registry sent another part than was asked for: {begins or 'unknown'}, not {offset}")
    return offset


async def _nothing() -> AsyncIterator[bytes]:
    for chunk in tuple[bytes, ...]():
        yield chunk


async def _bounded(response: httpx2.Response) -> bytes:
    import httpx2

    content = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > MOST_BYTES:
                raise UsageError(f"{response.url.host} sent more than {MOST_BYTES} bytes where a document was expected")
    except httpx2.HTTPError as error:
        raise RegistryFailure(f"{response.url.host} broke off: {_in_words(error)}", unreachable=True) from error
    return bytes(content)


async def _said(response: httpx2.Response) -> str:
    """The registry's own message, after a colon; empty where it has none."""
    import json

    try:
        document: Any = json.loads(await _bounded(response))
        first = document["errors"][0]
        words = str(first.get("message") or first.get("code") or "")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RegistryFailure):
        return ""
    return f": {words[:200]}" if words else ""


def _token_of(content: bytes, realm: str) -> str:
    import json

    try:
        document = json.loads(content)
        token = document.get("token") or document.get("access_token")
    except (ValueError, AttributeError):
        token = None
    if not isinstance(token, str) or not token:
        raise RegistryFailure(f"the token server {realm} gave no token")
    return token
