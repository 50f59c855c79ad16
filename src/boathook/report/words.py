"""How facts are put into words: durations, commands, users. Pure."""

from __future__ import annotations

import shlex
from datetime import timedelta

from boathook.model import Exec, Handler, HttpGet, Manifest, RunContainer, Sleep, TcpSocket

COMMAND_WIDTH = 96
"""Longer command lines are shortened in a timeline; ``show`` and the journal have the whole."""


def duration(value: timedelta) -> str:
    """``10.0s``, ``0.04s``, ``2m05s``: as exact as a reader needs."""
    seconds = value.total_seconds()
    if seconds < 0.0995:
        return f"{seconds:.3f}s"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{rest:02d}s"


def span(value: timedelta) -> str:
    """A limit or a rest, in whole seconds where it is whole: ``60s``, ``1.5s``."""
    seconds = value.total_seconds()
    return f"{seconds:.0f}s" if abs(seconds - round(seconds)) < 0.05 else f"{seconds:.1f}s"


def command(argv: tuple[str, ...], *, width: int | None = COMMAND_WIDTH) -> str:
    """A command line as a shell would read it, on one line."""
    text = " ".join(_word(word) for word in argv)
    if width is not None and len(text) > width:
        text = text[: width - 1] + "…"
    return text


def handler(handler: Handler, *, width: int | None = COMMAND_WIDTH) -> str:
    """What a hook does: ``sh -c true``, ``GET http://localhost:8080/stop``, ``sleep 5s``."""
    match handler:
        case Exec():
            return command(handler.command, width=width)
        case RunContainer():
            return command(handler.command or (handler.image or "",), width=width)
        case HttpGet():
            return f"GET {handler.scheme.lower()}://{handler.host or 'localhost'}:{handler.port}{handler.path}"
        case TcpSocket():
            return f"connect to {handler.host or 'localhost'}:{handler.port}"
        case Sleep():
            return f"sleep {span(handler.duration)}"
        case Manifest():
            return f"{handler.kind} {handler.namespace}/{handler.name}"


def _word(word: str) -> str:
    if "'" in word and '"' not in word and not set(word) & set("$`\\!"):
        return f'"{word}"'.replace("\n", "\\n")
    return shlex.quote(word).replace("\n", "\\n")


def user(resolved: str) -> str:
    """``uid 1000``, ``uid 1000 gid 5``, ``root``."""
    uid, _, gid = resolved.partition(":")
    if uid == "0" or uid == "root":
        return "root"
    if not uid.isdigit():
        return f"user {resolved}"
    return f"uid {uid}" if gid in ("", uid, "0") else f"uid {uid} gid {gid}"


def image(reference: str, *, stand_in: bool) -> str:
    """The image's short name, and whether it is a stand-in."""
    name = reference.rsplit("/", 1)[-1].partition("@")[0].partition(":")[0]
    return f"{name} (stand-in)" if stand_in else name


def size(size_bytes: int) -> str:
    """``812 B``, ``1.2 MiB``."""
    if size_bytes < 1024:
        return f"{size_bytes} B"
    value = size_bytes / 1024
    for unit in ("KiB", "MiB"):
        if value < 1024:
            return f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def plural(count: int, noun: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r"}
_ESCAPES |= {"\t": "\\t", "\v": "\\v"}


def go_quoted(text: str) -> str:
    """The text as Go's ``%q`` writes it."""
    return '"' + "".join(_ESCAPES.get(character) or _printable(character) for character in text) + '"'


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    number = ord(character)
    if number < 0x80:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
