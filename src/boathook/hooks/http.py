"""HTTP as a kubelet speaks it: how a configured request is sent, and which redirects are followed.

The rules are those of Kubernetes' pkg/probe/http (RedirectChecker) and of Go's net/http under it, since the texts of
failures come from there. What an answer means is the caller's: any one is success for a hook, not for a probe.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import quote, urljoin, urlsplit

from boathook.errors import RequestFailed
from boathook.model import HttpGet
from boathook.runtimes.base import HttpRequest, Response

KUBERNETES = "1.36"
"""Whose kubelet we name ourselves after."""
HOOK_AGENT = f"kube-lifecycle/{KUBERNETES}"
PROBE_AGENT = f"kube-probe/{KUBERNETES}"

MOST_REDIRECTS = 10
OWN_ADDRESS = "127.0.0.1"
"""A container's address as its pod has it here."""

Ask: TypeAlias = Callable[[HttpRequest], Awaitable[Response]]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_OWN_OF_GO = frozenset({"host", "user-agent", "content-length", "transfer-encoding", "trailer"})
"""Headers that Go's client writes itself; configured ones are dropped, but for the first two, which are taken over."""
_IN_PATH = "!$&'()*+,/:;=@-._~[]"
_IN_QUERY = _IN_PATH + '%?"<>^`{|}\\'
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL in parts."""

    secure: bool
    host: str
    """Empty: the container's own address."""
    port: int
    path: str
    named_port: bool = True
    """The port stands in the URL, as it does in every one but some of those that servers redirect to."""

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        host = self.host or OWN_ADDRESS
        bracketed = f"[{host}]" if ":" in host else host
        return f"{bracketed}:{self.port}" if self.named_port else bracketed


def port_number(port: int | str) -> int:
    """The number of a port. Raises ``RequestFailed``: a name that the container does not declare is only found here."""
    try:
        number = int(port) if not isinstance(port, str) or port.isdigit() else None
    except ValueError:
        number = None
    if number is None:
        raise RequestFailed(f'strconv.Atoi: parsing "{port}": invalid syntax')
    if not 0 < number < 65536:
        raise RequestFailed(f"invalid port number: {number}")
    return number


def address_of(handler: HttpGet) -> Address:
    """Where a handler's request goes to."""
    return Address(
        secure=handler.scheme == "HTTPS", host=handler.host, port=port_number(handler.port), path=_target(handler.path)
    )


def sent_headers(configured: tuple[tuple[str, str], ...], *, agent: str, gzip: bool) -> tuple[tuple[str, str], ...]:
    """All headers but ``Host``: the configured ones, repeated or not, and the defaults that they leave.

    An empty ``Accept`` or ``User-Agent`` is one that is not sent. ``gzip``: Go's transport asks for it by itself.
    """
    names = {name.lower() for name, _ in configured}
    chosen = next((value for name, value in configured if name.lower() == "user-agent"), agent)
    headers = [("User-Agent", chosen)] if chosen else []
    accepted = [value for name, value in configured if name.lower() == "accept"]
    for name, value in configured:
        if name.lower() in _OWN_OF_GO or (name.lower() == "accept" and not accepted[0]):
            continue
        headers.append((_canonical(name), value.strip(" \t")))
    if not accepted:
        headers.append(("Accept", "*/*"))
    if gzip and not names & {"accept-encoding", "range"}:
        headers.append(("Accept-Encoding", "gzip"))
    return tuple(headers)


def host_header(configured: tuple[tuple[str, str], ...]) -> str:
    """The configured one; empty: none, and it is the address."""
    return next((value for name, value in configured if name.lower() == "host"), "")


async def get(
    address: Address, headers: tuple[tuple[str, str], ...], ask: Ask, *, host: str = "", any_answer: bool = False
) -> Response:
    """The last answer: redirects are followed while the host stays the same. Raises ``RequestFailed`` with the URL."""
    start, asked, sent = address.host, 0, headers
    said_host = host or address.authority
    while True:
        request = HttpRequest(
            secure=address.secure,
            host=address.host,
            port=address.port,
            path=address.path,
            headers=(("Host", said_host), *sent),
            any_answer=any_answer,
        )
        try:
            response = await ask(request)
            following = _redirected(address, response)
            asked += 1
            if following is None or following.host != start:
                return response
            if asked == MOST_REDIRECTS:
                raise RequestFailed(f"stopped after {MOST_REDIRECTS} redirects")
        except RequestFailed as error:
            raise RequestFailed(f'Get "{address}": {error}') from error
        said_host = host if host and _is_relative(response) else following.authority
        sent = _with_referer(headers, address, following)
        address = following


async def get_as_hook(handler: HttpGet, ask: Ask, fell_back: Callable[[str], None]) -> Response:
    """A hook's whole exchange, with its one retry when a plain server answers to HTTPS (kubelet/lifecycle)."""
    from boathook.runtimes.requests import HTTP_FROM_HTTPS

    address = address_of(handler)
    headers = sent_headers(handler.headers, agent=HOOK_AGENT, gzip=True)
    host = host_header(handler.headers)
    try:
        return await get(address, headers, ask, host=host, any_answer=True)
    except RequestFailed as first:
        if not address.secure or HTTP_FROM_HTTPS not in str(first):
            raise
        plain = tuple(header for header in headers if header[0].lower() != "authorization")
        try:
            response = await get(replace(address, secure=False), plain, ask, host=host, any_answer=True)
        except RequestFailed:
            raise first from None
        fell_back(address.authority)
        return response


def _redirected(address: Address, response: Response) -> Address | None:
    """Where an answer sends to; None when it does not. The container's own address stays that."""
    location = _location(response)
    if response.status not in _REDIRECTS or not location:
        return None
    joined = urlsplit(urljoin(str(address), location))
    try:
        port, hostname = joined.port, joined.hostname or ""
    except ValueError as error:
        raise RequestFailed(f'failed to parse Location header "{location}": {error}') from error
    if joined.scheme not in ("http", "https"):
        return Address(secure=False, host=f"{joined.scheme}:", port=0, path="/")
    secure = joined.scheme == "https"
    own = not address.host and hostname == OWN_ADDRESS
    return Address(
        secure=secure,
        host="" if own else hostname,
        port=port if port is not None else (443 if secure else 80),
        path=_target((joined.path or "/") + (f"?{joined.query}" if joined.query else "")),
        named_port=port is not None,
    )


def _location(response: Response) -> str:
    return next((value for name, value in response.headers if name.lower() == "location"), "")


def _is_relative(response: Response) -> bool:
    return not urlsplit(_location(response)).scheme


def _with_referer(
    headers: tuple[tuple[str, str], ...], last: Address, following: Address
) -> tuple[tuple[str, str], ...]:
    """Go names the page before, but never a secure one to a plain one (refererForURL); a configured one stays."""
    if (last.secure and not following.secure) or any(name == "Referer" for name, _ in headers):
        return headers
    return (*headers, ("Referer", str(last)))


def _target(path: str) -> str:
    """What stands in the request line. A path that is no URL is taken literally (pkg/probe/http: formatURL)."""
    try:
        parts = urlsplit(path)
    except ValueError:
        parts = None
    if parts is None or _BAD_ESCAPE.search(parts.path):
        return quote(path if path.startswith("/") else f"/{path}", safe=_IN_PATH)
    before = parts.path if parts.path.startswith("/") else f"/{parts.path}"
    return quote(before, safe=_IN_PATH + "%") + (f"?{quote(parts.query, safe=_IN_QUERY)}" if parts.query else "")


def _canonical(name: str) -> str:
    """``x-my-header`` as Go sends it: ``X-My-Header``."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
