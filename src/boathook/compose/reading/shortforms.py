"""The short forms of volumes, ports, devices and their kin, read into the long ones. Pure.

A ``ValueError`` says what is wrong with the text.
"""

from __future__ import annotations

from boathook.model import JsonObject

PROPAGATIONS = frozenset({"rprivate", "private", "rshared", "shared", "rslave", "slave"})
CONSISTENCIES = frozenset({"cached", "delegated", "consistent"})
PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
MAX_PORT = 65535


def volume(text: str) -> JsonObject:
    """``[SOURCE:]TARGET[:MODE]``."""
    source, separator, rest = text.partition(":")
    if not separator:
        if not text:
            raise ValueError('found "", expected "SOURCE:TARGET" or a mapping')
        return {"type": "volume", "target": text, "volume": {}}
    target, _, mode = rest.partition(":")
    if not source or not target:
        raise ValueError(f'found "{text}", expected "SOURCE:TARGET" or "SOURCE:TARGET:ro"')
    modes = [one for one in mode.split(",") if one]
    for one in modes:
        if one not in {"rw", "ro", "z", "Z", "nocopy", *PROPAGATIONS, *CONSISTENCIES}:
            raise ValueError(f'found the mode "{one}" in "{text}", expected "ro" or "rw"')
    is_bind = source.startswith((".", "/", "~"))
    result: JsonObject = {"type": "bind" if is_bind else "volume", "source": source, "target": target}
    if "ro" in modes:
        result["read_only"] = True
    result["bind" if is_bind else "volume"] = _bind_options(modes) if is_bind else _volume_options(modes)
    return result


def _bind_options(modes: list[str]) -> JsonObject:
    options: JsonObject = {"create_host_path": True}
    for one in modes:
        if one in PROPAGATIONS:
            options["propagation"] = one
        elif one in ("z", "Z"):
            options["selinux"] = one
    return options


def _volume_options(modes: list[str]) -> JsonObject:
    return {"nocopy": True} if "nocopy" in modes else {}


def ports(text: str) -> list[JsonObject]:
    """``[[IP:]PUBLISHED:]TARGET[/PROTOCOL]``, where each may be a range."""
    address, published, target, protocol = _port_parts(text)
    first, last = range_of(target, text)
    if protocol not in PROTOCOLS:
        raise ValueError(f'invalid protocol "{protocol}" in "{text}", expected tcp, udp or sctp')
    base: JsonObject = {"mode": "ingress"}
    if address:
        base["host_ip"] = address
    if not published:
        return [{**base, "target": one, "protocol": protocol} for one in range(first, last + 1)]
    low, high = range_of(published, text)
    if first == last:
        shown = f"{low}-{high}" if low != high else str(low)
        return [{**base, "target": first, "published": shown, "protocol": protocol}]
    if high - low != last - first:
        raise ValueError(f'"{text}" publishes {high - low + 1} ports as {last - first + 1}')
    pairs = zip(range(first, last + 1), range(low, high + 1), strict=True)
    return [{**base, "target": one, "published": str(other), "protocol": protocol} for one, other in pairs]


def _port_parts(text: str) -> tuple[str, str, str, str]:
    rest, slash, protocol = text.partition("/")
    before, _, target = rest.rpartition(":")
    if before.startswith("[") or before.count(":") > 1:
        address, _, published = before.rpartition(":")
    else:
        address, _, published = before.rpartition(":") if ":" in before else ("", "", before)
    address = address.removeprefix("[").removesuffix("]")
    if address:
        from ipaddress import ip_address  # slow to load, and most ports have no address

        try:
            ip_address(address)
        except ValueError as error:
            raise ValueError(f'invalid address "{address}" in "{text}"') from error
    return address, published, target, protocol.lower() if slash else "tcp"


def range_of(written: str, text: str) -> tuple[int, int]:
    """``8000`` or ``8000-8010``, a part of ``text``."""
    low, dash, high = written.partition("-")
    first, last = port(low, text), port(high, text) if dash else port(low, text)
    if last < first:
        raise ValueError(f'invalid range "{written}" in "{text}"')
    return first, last


def port(written: str, text: str) -> int:
    """One port number."""
    if not (written.isascii() and written.isdigit() and int(written) <= MAX_PORT):
        raise ValueError(f'invalid port "{written}" in "{text}", expected a number up to {MAX_PORT}')
    return int(written)


def device(text: str) -> JsonObject:
    """``SOURCE[:TARGET[:PERMISSIONS]]``."""
    parts = text.split(":")
    if len(parts) > 3 or not parts[0]:
        raise ValueError(f'found "{text}", expected "SOURCE:TARGET:PERMISSIONS"')
    source, target, permissions = [*parts, "", ""][:3]
    return {"source": source, "target": target or source, "permissions": permissions or "rwm"}


def pairs(items: list[str], separators: str = "=") -> dict[str, str | None]:
    """``KEY=VALUE`` and ``KEY``; of a repeated key the last wins."""
    result: dict[str, str | None] = {}
    for item in items:
        found = next((one for one in item if one in separators), "")
        key, _, value = item.partition(found) if found else (item, "", "")
        result[key] = value if found else None
    return result


def hosts(items: list[str]) -> list[tuple[str, str]]:
    """``HOST=ADDRESS`` or ``HOST:ADDRESS``, an address in brackets without them."""
    result = []
    for item in items:
        name, separator, address = item.partition("=") if "=" in item else item.partition(":")
        if not separator or not name or not address:
            raise ValueError(f'found "{item}", expected "HOST=ADDRESS"')
        result.append((name, address.removeprefix("[").removesuffix("]")))
    return result
