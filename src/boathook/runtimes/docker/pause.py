"""The program that holds a sandbox, and the image that it comes in: made here, so that no registry is asked.

It is written in the machine's own words because nothing else can be counted on in an engine. With no argument it
waits for ever; its engine ends it with SIGKILL. With a number N it sends SIGKILL to the process group N and ends.
"""

from __future__ import annotations

import io
import struct
import tarfile

from boathook.errors import NotFound, UnsupportedHere
from boathook.runtimes.docker.engine import Engine

PROGRAM = "/pause"
VERSION = 1

_CODES = {
    # cmp argc, 1; ja kill; wait: pause(); jmp wait; kill: N from decimal; kill(-N, 9); exit(-outcome)
    "amd64": (
        62,
        "488b04244883f8017709b8220000000f05ebf7488b74241031ff0fb60684c0740c6bff0a8d7c07d048ffc6ebed48f7df"
        "be09000000b83e0000000f0589c7f7dfb83c0000000f05",
    ),
    # The same, with ppoll(NULL, 0, NULL, NULL, 0) for pause().
    "arm64": (
        183,
        "e00340f91f0400f128010054000080d2010080d2020080d2030080d2040080d2280980d2010000d4f9ffff17e10b40f9"
        "000080d2430180d2221440388200003442c000510008039bfcffff17e00300cb210180d2281080d2010000d4e00300cb"
        "a80b80d2010000d4",
    ),
}
"""By architecture: the number of the machine (elf.h), and the code."""

_BASE = 0x400000
_HEADER, _SEGMENT = 64, 56


def program(architecture: str) -> bytes:
    """A static ELF file of one segment. Raises ``UnsupportedHere`` for an architecture that it is not written for."""
    if architecture not in _CODES:
        known = " and ".join(sorted(_CODES))
        raise UnsupportedHere(f'the engine runs on "{architecture}": pods need {known}', hint="use --on local")
    machine, code = _CODES[architecture]
    text = bytes.fromhex(code)
    start = _HEADER + _SEGMENT
    identity = b"\x7fELF" + bytes((2, 1, 1)) + bytes(9)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH", identity, 2, machine, 1, _BASE + start, _HEADER, 0, 0, _HEADER, _SEGMENT, 1, 0, 0, 0
    )
    size = start + len(text)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return header + segment + text


def archive(architecture: str, path: str = PROGRAM) -> bytes:
    """A tar archive with the program in it, to lie at ``path``."""
    content = program(architecture)
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def image_name(architecture: str) -> str:
    return f"localhost/boathook/pause:{VERSION}-{architecture}"


async def ensure_image(engine: Engine) -> str:
    """The name of the image, which the engine has from now on."""
    name = image_name(await engine.learn_architecture())
    try:
        await engine.call("GET", f"images/{name}/json")
    except NotFound:
        query = {"fromSrc": "-", "repo": name, "changes": f'ENTRYPOINT ["{PROGRAM}"]'}
        async for _ in engine.told("POST", "images/create", query=query, body=archive(engine.architecture)):
            pass
    return name
