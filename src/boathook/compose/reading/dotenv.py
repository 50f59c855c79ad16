"""Reads the text of an environment file. python-dotenv parses it; variables in it are replaced as Compose does."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from boathook.compose.reading.interpolate import BadInterpolation, Interpolator
from boathook.errors import UsageError

if TYPE_CHECKING:
    from dotenv.parser import Binding

COLON_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*:[ \t]*(.*)", re.DOTALL)
"""``KEY: VALUE``, which Compose takes for ``KEY=VALUE``."""


def parse_dotenv(text: str, variables: Mapping[str, str], *, file: str = ".env") -> dict[str, str | None]:
    """Names and values, later ones winning; a name without a value takes that of ``variables``.

    ``$NAME`` is replaced from ``variables`` first, then from what stands above; not inside single quotes. Raises
    ``UsageError`` for a line that says nothing.
    """
    result: dict[str, str | None] = {}
    for binding in _bindings(text, file):
        assert binding.key is not None
        if binding.value is None:
            result[binding.key] = variables.get(binding.key)
            continue
        known = {name: value for name, value in result.items() if value is not None} | dict(variables)
        result[binding.key] = _replaced(binding.value, binding.original.string, known)
    return result


def _bindings(text: str, file: str) -> Iterator[Binding]:
    if not text:
        return
    from dotenv.parser import parse_stream  # slow to load, and most projects have no such file

    for binding in parse_stream(io.StringIO(text)):
        if binding.key is not None:
            yield binding
        elif binding.error:
            written = binding.original.string.strip()
            colon = COLON_LINE.fullmatch(written)
            again = tuple(parse_stream(io.StringIO(f"{colon[1]}={colon[2]}"))) if colon else ()
            if len(again) != 1 or again[0].key is None:
                first = written.partition("\n")[0]
                raise UsageError(f'{file}:{binding.original.line}: found "{first}", expected NAME=VALUE')
            yield again[0]


def _replaced(value: str, written: str, known: Mapping[str, str]) -> str:
    begin = written.partition("=")[2].lstrip()
    if begin.startswith("'"):
        return value
    if begin.startswith('"'):
        value = value.replace("\\$", "$$")
    try:
        return Interpolator(known).value(value)
    except BadInterpolation:
        return value


def environment_of(text: str, written_as: str, variables: Mapping[str, str], *, file: str) -> dict[str, str]:
    """What an ``env_file`` sets, without the names that have no value; ``raw`` takes each line as it is."""
    result: dict[str, str | None] = {}
    if written_as != "raw":
        result = parse_dotenv(text, variables, file=file)
        return {key: value for key, value in result.items() if value is not None}
    for line in text.splitlines():
        key, separator, value = line.partition("=")
        if key.strip() and not key.startswith("#"):
            result[key] = value if separator else variables.get(key)
    return {key: value for key, value in result.items() if value is not None}
