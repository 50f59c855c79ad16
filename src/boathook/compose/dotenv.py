"""Reads the text of an environment file. python-dotenv parses it; variables in it are replaced as Compose does."""

from __future__ import annotations

import io
from collections.abc import Mapping

from dotenv.parser import parse_stream

from boathook.compose.interpolate import BadInterpolation, Interpolator


def parse_dotenv(text: str, variables: Mapping[str, str]) -> dict[str, str | None]:
    """Names and values, later ones winning; a name without a value takes that of ``variables``.

    ``$NAME`` is replaced from ``variables`` first, then from what stands above; not inside single quotes.
    """
    result: dict[str, str | None] = {}
    for binding in parse_stream(io.StringIO(text)):
        if binding.key is None:
            continue
        if binding.value is None:
            result[binding.key] = variables.get(binding.key)
            continue
        known = {name: value for name, value in result.items() if value is not None} | dict(variables)
        result[binding.key] = _replaced(binding.value, binding.original.string, known)
    return result


def _replaced(value: str, written: str, known: Mapping[str, str]) -> str:
    if written.partition("=")[2].lstrip().startswith("'"):
        return value
    try:
        return Interpolator(known).value(value)
    except BadInterpolation:
        return value


def environment_of(text: str, written_as: str, variables: Mapping[str, str]) -> dict[str, str | None]:
    """What an ``env_file`` sets; in the format ``raw`` each line is taken as it is."""
    if written_as != "raw":
        return parse_dotenv(text, variables)
    result: dict[str, str | None] = {}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if key.strip() and not key.startswith("#"):
            result[key] = value if separator else variables.get(key)
    return result
