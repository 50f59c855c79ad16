"""What a registry asks for when it answers 401: the WWW-Authenticate header (RFC 9110, 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

SCHEME = re.compile(r"\s*,?\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?=\s|,|$)")
PARAMETER = re.compile(r"""\s*,?\s*([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One way to say who we are. ``scheme`` is in lower case: ``bearer``, ``basic``."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """All challenges of a header, in order; what is malformed ends the list."""
    found: list[Challenge] = []
    position = 0
    while position < len(header):
        scheme = SCHEME.match(header, position)
        if scheme is None:
            break
        position = scheme.end()
        parameters: dict[str, str] = {}
        while (parameter := PARAMETER.match(header, position)) is not None:
            quoted, plain = parameter.group(2), parameter.group(3)
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters[parameter.group(1).lower()] = value
            position = parameter.end()
        found.append(Challenge(scheme=scheme.group(1).lower(), parameters=parameters))
    return tuple(found)
