"""Stand-ins for well-known images: one skeleton root, with the host's own shell and utilities shown in it read-only.

The skeleton has the mount points and links that the host's layout needs, and user files of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from boathook.home import Home
from boathook.images.config import with_path
from boathook.images.locking import UNFINISHED, writing
from boathook.images.model import Image, ImageConfig
from boathook.images.reference import InvalidReference, Reference, parse

STAND_INS: Mapping[str, ImageConfig] = {
    "agnhost": ImageConfig(entrypoint=("/agnhost",), command=("pause",)),
    "alpine": ImageConfig(command=("/bin/sh",)),
    "busybox": ImageConfig(command=("sh",)),
}
"""By the last part of the repository, whatever the registry and tag."""

PAUSE_ANSWERS: Mapping[str, int] = {"SIGINT": 1, "SIGTERM": 2}
"""Exit codes of agnhost's pause by signal (kubernetes/test/images/agnhost/pause)."""

SYSTEM_DIRECTORIES = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr")
SYSTEM_SETTINGS = ("etc/alternatives", "etc/ld.so.cache", "etc/ld.so.conf", "etc/ld.so.conf.d")

DIRECTORIES: Mapping[str, int] = {
    "dev": 0o755, "etc": 0o755, "home": 0o755, "media": 0o755, "mnt": 0o755, "opt": 0o755, "proc": 0o755,
    "root": 0o700, "run": 0o755, "srv": 0o755, "sys": 0o755, "tmp": 0o1777, "var": 0o755, "var/cache": 0o755,
    "var/lib": 0o755, "var/log": 0o755, "var/tmp": 0o1777,
}  # fmt: skip

PASSWD = """\
root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/false
bin:x:2:2:bin:/bin:/bin/false
sys:x:3:3:sys:/dev:/bin/false
mail:x:8:8:mail:/var/mail:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
operator:x:37:37:operator:/var:/bin/false
nobody:x:65534:65534:nobody:/home:/bin/false
"""
GROUP = """\
root:x:0:
daemon:x:1:
bin:x:2:
sys:x:3:
adm:x:4:
tty:x:5:
disk:x:6:
mail:x:8:
www-data:x:33:
operator:x:37:
users:x:100:
nobody:x:65534:
nogroup:x:65534:
"""
NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to make: a link, a directory, or a file with its text."""

    path: str
    mode: int
    link: str | None = None
    text: str | None = None


def stand_in(home: Home, reference: str) -> Image | None:
    """The stand-in for a reference; None when there is none for it."""
    name = stand_in_name(reference)
    if name is None:
        return None
    layers = (skeleton(home), _made(home, tuple(_agnhost()))) if name == "agnhost" else (skeleton(home),)
    return Image(
        reference=reference,
        origin="stand-in",
        stand_in=True,
        layers=layers,
        host_system=True,
        config=with_path(STAND_INS[name]),
    )


def stand_in_name(reference: str | Reference) -> str | None:
    """``agnhost``, ``alpine`` or ``busybox``; None for everything else."""
    try:
        name = (parse(reference) if isinstance(reference, str) else reference).name
    except InvalidReference:
        return None
    return name if name in STAND_INS else None


def skeleton(home: Home) -> Path:
    """The directory of the skeleton root, made on first use."""
    return _made(home, tuple(_skeleton()))


def explain_exit(
    reference: str, command: tuple[str, ...], exit_code: int | None, signal_sent: str | None
) -> str | None:
    """What a reader may wonder about: a well-known program's own answer to the signal that it was sent."""
    is_pause = stand_in_name(reference) == "agnhost" and "pause" in command
    if is_pause and PAUSE_ANSWERS.get(signal_sent or "") == exit_code is not None:
        return f"pause answers {signal_sent} with {exit_code}"
    return None


def _skeleton() -> Iterator[Entry]:
    for name, mode in DIRECTORIES.items():
        yield Entry(name, mode)
    for name in SYSTEM_DIRECTORIES:
        host = Path("/", name)
        if host.is_symlink():
            yield Entry(name, 0o777, link=os.readlink(host))
        elif host.is_dir():
            yield Entry(name, 0o755)
    for name in SYSTEM_SETTINGS:
        host = Path("/", name)
        if host.is_dir():
            yield Entry(name, 0o755)
        elif host.exists():
            yield Entry(name, 0o644, text="")
    for name, text in (("passwd", PASSWD), ("group", GROUP), ("nsswitch.conf", NSSWITCH)):
        yield Entry(f"etc/{name}", 0o644, text=text)
    for name in ("hosts", "hostname", "resolv.conf"):
        yield Entry(f"etc/{name}", 0o644, text="")


def _agnhost() -> Iterator[Entry]:
    files = resources.files("boathook.images")
    yield Entry("agnhost", 0o755, text=files.joinpath("agnhost.sh").read_text())
    for name in ("agnhost.py", "localhost.crt", "localhost.key"):
        yield Entry(name, 0o644, text=files.joinpath(name).read_text())


def _made(home: Home, entries: tuple[Entry, ...]) -> Path:
    """A directory with these entries, named after them: another version of them is another directory."""
    described = json.dumps([(entry.path, entry.mode, entry.link, entry.text) for entry in entries])
    parent = home.images / "stand-in"
    directory = parent / hashlib.sha256(described.encode()).hexdigest()[:12]
    if directory.is_dir():
        return directory
    home.images.mkdir(mode=0o755, parents=True, exist_ok=True)
    parent.mkdir(mode=0o755, exist_ok=True)
    with writing(parent):
        if not directory.is_dir():
            fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=parent))
            for entry in entries:
                _make(fresh, entry)
            fresh.chmod(0o755)
            fresh.rename(directory)
    return directory


def _make(root: Path, entry: Entry) -> None:
    path = root / entry.path
    if entry.link is not None:
        path.symlink_to(entry.link)
        return
    if entry.text is not None:
        path.write_text(entry.text)
    else:
        path.mkdir()
    path.chmod(entry.mode)
