"""What a value of a merged file may be, and how ``config`` shows it. Pure.

A shape looks at one value, adds what is wrong with it to the problems, and gives the normal form.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from boathook.compose.reading import shellwords, shortforms
from boathook.compose.reading.problems import Problems
from boathook.compose.reading.tree import Node, plain
from boathook.compose.reading.values import FALSE, TRUE, found, scalar
from boathook.documents.document import Path
from boathook.durations import format_go_duration, parse_compose_duration
from boathook.model import JsonObject, JsonValue

Shape: TypeAlias = Callable[[Node, Path, Problems], JsonValue]
Text: TypeAlias = Callable[[str], JsonValue]

SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?", re.IGNORECASE)
MAX_BYTES = 2**63 - 1
POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


@dataclass(frozen=True, slots=True)
class Kept:
    """Shown even when it is empty, false or zero."""

    shape: Shape


def anything(node: Node, path: Path, problems: Problems) -> JsonValue:
    return plain(node)


def _wrong(node: Node, path: Path, problems: Problems, expected: str) -> JsonValue:
    message = f"found {found(plain(node))}, expected {expected}"
    problems.error("wrong-type", node.place.source(path), message)
    return None


def text(node: Node, path: Path, problems: Problems) -> JsonValue:
    return node.value if isinstance(node.value, str) else _wrong(node, path, problems, "a string")


def digits(node: Node, path: Path, problems: Problems) -> JsonValue:
    """Text, or a number that means its digits."""
    if isinstance(node.value, dict | list | bool) or node.value is None:
        return _wrong(node, path, problems, "a string")
    return scalar(node.value)


def user(node: Node, path: Path, problems: Problems) -> JsonValue:
    """A name or number of a user. An integer means the text of its digits: a wanted difference (spec 1.1)."""
    if isinstance(node.value, dict | list | bool) or node.value is None:
        return _wrong(node, path, problems, 'a user such as "root", "1001" or "1001:1001"')
    return scalar(node.value)


def boolean(node: Node, path: Path, problems: Problems) -> JsonValue:
    if isinstance(node.value, str) and node.value.lower() in TRUE | FALSE:
        return node.value.lower() in TRUE
    return node.value if isinstance(node.value, bool) else _wrong(node, path, problems, "true or false")


def number(node: Node, path: Path, problems: Problems) -> JsonValue:
    """A number, which may stand as text."""
    try:
        if isinstance(node.value, str | int | float) and not isinstance(node.value, bool):
            value = float(node.value)
            return int(value) if value.is_integer() else value
    except (ValueError, OverflowError):
        pass
    return _wrong(node, path, problems, "a number")


def integer(node: Node, path: Path, problems: Problems) -> JsonValue:
    if isinstance(node.value, str | int) and not isinstance(node.value, bool):
        try:
            return int(node.value)
        except ValueError:
            pass
    return _wrong(node, path, problems, "a whole number")


def file_mode(node: Node, path: Path, problems: Problems) -> JsonValue:
    """A file's mode as four octal digits; text is taken to be octal."""
    value = node.value
    try:
        if isinstance(value, str | int) and not isinstance(value, bool):
            return f"{int(value, 8) if isinstance(value, str) else value:04o}"
    except ValueError:
        pass
    return _wrong(node, path, problems, "a mode such as 0440")


def read(reader: Text, *, expected: str) -> Shape:
    """Text (or a number) that ``reader`` understands; its ``ValueError`` says why not."""

    def shape(node: Node, path: Path, problems: Problems) -> JsonValue:
        if isinstance(node.value, dict | list | bool) or node.value is None:
            return _wrong(node, path, problems, expected)
        try:
            return reader(scalar(node.value))
        except ValueError as error:
            problems.error("wrong-value", node.place.source(path), str(error) or f"expected {expected}")
            return None

    return shape


def size_bytes(written: str) -> int:
    """``64m``, ``1gb``, ``1.5k`` as bytes. Raises ``ValueError``."""
    size = SIZE.fullmatch(written)
    found = float(size[1]) * 1024 ** POWERS[size[2].lower()] if size is not None else math.inf
    if found > MAX_BYTES:
        raise ValueError(f'found "{written}", expected a size such as 64m or 1gb')
    return int(found)


def _bytes(written: str) -> str:
    return written if written.startswith("-") and written[1:].isdigit() else str(size_bytes(written))


def _duration(written: str) -> str:
    try:
        return format_go_duration(parse_compose_duration(written))
    except ValueError as error:
        raise ValueError(f"{error}; expected one such as 30s or 1m30s") from error


size = read(_bytes, expected="a size such as 64m")
duration = read(_duration, expected="a duration such as 1m30s")


def one_of(*allowed: str, also: str = "") -> Shape:
    """One of these words, or what the pattern ``also`` matches."""
    pattern = re.compile(also) if also else None

    def shape(node: Node, path: Path, problems: Problems) -> JsonValue:
        value = node.value
        if value in allowed or (pattern and isinstance(value, str) and pattern.fullmatch(value)):
            return plain(node)
        return _wrong(node, path, problems, " or ".join(f'"{one}"' for one in allowed))

    return shape


def matching(pattern: str) -> Shape:
    """Text of this form."""

    def shape(node: Node, path: Path, problems: Problems) -> JsonValue:
        if not isinstance(node.value, str) or not re.fullmatch(pattern, node.value):
            return _wrong(node, path, problems, f"text that matches {pattern}")
        return node.value

    return shape


def items(shape: Shape, *, expected: str = "a list") -> Shape:
    """A list."""

    def listed(node: Node, path: Path, problems: Problems) -> JsonValue:
        if node.value is None:
            return []
        if not isinstance(node.value, list):
            return _wrong(node, path, problems, expected)
        return [shape(one, (*path, at), problems) for at, one in enumerate(node.value)]

    return listed


def mapping(shape: Shape, *, nullable: bool = False) -> Shape:
    """A mapping with any keys; ``x-`` ones are taken as they are."""

    def mapped(node: Node, path: Path, problems: Problems) -> JsonValue:
        if node.value is None:
            return {}
        if not isinstance(node.value, dict):
            return _wrong(node, path, problems, "a mapping")
        return {
            key: None if one.value is None and nullable else shape(one, (*path, key), problems)
            for key, one in node.value.items()
        }

    return mapped


def pairs(empty: str | None = "") -> Shape:
    """Names and scalars; ``empty`` is what stands for a name without a value."""

    def shape(node: Node, path: Path, problems: Problems) -> JsonValue:
        if node.value is None:
            return {}
        if not isinstance(node.value, dict):
            return _wrong(node, path, problems, 'a mapping or a list of "KEY=VALUE"')
        result: JsonObject = {}
        for key, one in sorted(node.value.items()):
            if not key or key != key.strip():
                message = f'found the key "{key}", expected one that is not empty and has no blank at its ends'
                problems.error("wrong-value", one.key.source((*path, key)), message)
            if isinstance(one.value, dict | list):
                _wrong(one, (*path, key), problems, "a string, a number, a boolean or nothing")
            else:
                result[key] = empty if one.value is None else scalar(one.value)
        return result

    return shape


def command(node: Node, path: Path, problems: Problems) -> JsonValue:
    if node.value is None:
        return None
    if isinstance(node.value, list):
        return items(text)(node, path, problems)
    if not isinstance(node.value, str):
        return _wrong(node, path, problems, "a string or a list of strings")
    try:
        words = shellwords.split(node.value)
    except shellwords.BadCommand as error:
        problems.error("command-line", node.place.source(path), f"invalid command line string: {error}")
        return None
    warn_of_dropped(words, node, path, problems)
    return list(words.words)


def warn_of_dropped(words: shellwords.Words, node: Node, path: Path, problems: Problems) -> None:
    if words.dropped:
        problems.warn(
            "dropped-words",
            node.place.source(path),
            f'"{words.dropped}" is dropped: a command string is split into words, no shell reads it',
            remedy='use ["sh", "-c", "…"] for a shell\'s syntax',
        )


def hosts(node: Node, path: Path, problems: Problems) -> JsonValue:
    """``extra_hosts``: each line ``HOST=ADDRESS``, sorted."""
    written = [str(one.value) for one in node.items()]
    try:
        return [*sorted({f"{name}={address}" for name, address in shortforms.hosts(written)})]
    except ValueError as error:
        problems.error("wrong-value", node.place.source(path), str(error))
        return None


def short_or(reader: Callable[[str], object], shape: Shape) -> Shape:
    """A long form, or what is left of a short form that could not be read: said why."""

    def checked(node: Node, path: Path, problems: Problems) -> JsonValue:
        if isinstance(node.value, str | int | float):
            try:
                reader(scalar(node.value))
            except ValueError as error:
                problems.error("wrong-value", node.place.source(path), str(error))
                return None
        return shape(node, path, problems)

    return checked


def either(first: type, shape: Shape, other: Shape) -> Shape:
    """``shape`` for values of one type, ``other`` for the rest."""
    return lambda node, path, problems: (shape if isinstance(node.value, first) else other)(node, path, problems)


def fields(known: Mapping[str, Shape | Kept], *, required: Collection[str] = ()) -> Shape:
    """A mapping with these keys and ``x-`` ones; what is empty is left out, in the order of ``known``."""

    def shape(node: Node, path: Path, problems: Problems) -> JsonValue:
        if not isinstance(node.value, dict):
            return _wrong(node, path, problems, "a mapping")
        for key in required:
            if key not in node.value:
                problems.error("missing-field", node.place.source((*path, key)), "required field is missing")
        written = node.value
        result: JsonObject = {}
        for key, one in known.items():
            if key in written:
                _put(result, key, one, written[key], path, problems)
        for key, value in written.items():
            if key in known:
                continue
            if key.startswith("x-"):
                result[key] = plain(value)
            else:
                _unknown(value, (*path, key), problems)
        return result

    return shape


def _put(result: JsonObject, key: str, one: Shape | Kept, node: Node, path: Path, problems: Problems) -> None:
    kept = isinstance(one, Kept)
    shape = one.shape if isinstance(one, Kept) else one
    if node.value is None:
        return
    value = shape(node, (*path, key), problems)
    if value is not None and (kept or value not in ("", False, 0, [], {})):
        result[key] = value


def _unknown(node: Node, path: Path, problems: Problems) -> None:
    from boathook.documents.document import path_text

    problems.error("unknown-field", node.key.source(path), f'unknown field "{path_text(path)}"')
