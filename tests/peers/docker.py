"""A Docker Engine of the tests' own: started by hand with its own state, socket and bridge, and ended with them."""

from __future__ import annotations

import io
import ipaddress
import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

IMAGE = "boathook.test/busybox:1"
"""A root of busybox alone, with a user ``app`` (1000:1000)."""

_UP_SECONDS = 60
_USERS = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/home/app:/bin/sh\n"
_GROUPS = "root:x:0:\napp:x:1000:\nextra:x:2000:\n"
_DIRECTORIES = ("bin", "dev", "etc", "home/app", "proc", "root", "sys", "tmp", "var")


@dataclass(frozen=True, slots=True)
class TestEngine:
    """Where it listens, and the docker CLI for it."""

    __test__ = False

    address: str
    log: Path

    def docker(self, *arguments: str, stdin: bytes | None = None) -> str:
        """What the CLI printed."""
        done = subprocess.run(
            ["docker", *arguments],
            env=os.environ | {"DOCKER_HOST": self.address},
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def import_image(self, name: str, *changes: str) -> None:
        """``changes``: instructions of a Dockerfile, as ``USER app``."""
        given = [word for change in ('ENV PATH="/bin"', *changes) for word in ("--change", change)]
        self.docker("import", *given, "-", name, stdin=busybox_root())


def refusal() -> str | None:
    """Why no engine can be started here; None when one can."""
    if os.geteuid() != 0:
        return "a Docker Engine is started by root only"
    missing = [name for name in ("dockerd", "docker", "ip", "busybox") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is missing: apt-get install docker.io iproute2 busybox-static"
    return None


def skip(reason: str) -> None:
    """In CI nothing is left out."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@contextmanager
def a_docker_engine() -> Iterator[TestEngine]:
    """A running engine that has ``IMAGE``; the test is skipped with the reason where none can be started."""
    if why := refusal():
        skip(why)
    with tempfile.TemporaryDirectory(prefix="boathook-dockerd-", ignore_cleanup_errors=True) as name, _bridge() as link:
        state = Path(name)
        engine = TestEngine(f"unix://{state}/sock", state / "log")
        command = [
            "dockerd", "--host", engine.address, "--data-root", f"{state}/data", "--exec-root", f"{state}/exec",
            "--pidfile", f"{state}/pid", "--bridge", link, "--iptables=false", "--ip-forward=false", "--ip-masq=false",
            "--oom-score-adjust", "0",
        ]  # fmt: skip
        with engine.log.open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as daemon:
            try:
                _wait_until_up(state / "sock", daemon, engine.log)
                engine.import_image(IMAGE)
                yield engine
            finally:
                daemon.terminate()
                try:
                    daemon.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    daemon.kill()
        _unmount_below(state)


def busybox_root() -> bytes:
    """A tar archive of a root file system."""
    program = shutil.which("busybox")
    assert program is not None
    applets = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for directory in _DIRECTORIES:
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if directory == "tmp" else 0o755
            tar.addfile(entry)
        _add(tar, "bin/busybox", Path(program).read_bytes(), 0o755)
        _add(tar, "etc/passwd", _USERS.encode(), 0o644)
        _add(tar, "etc/group", _GROUPS.encode(), 0o644)
        for applet in applets:
            if applet != "busybox":
                entry = tarfile.TarInfo(f"bin/{applet}")
                entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(entry)
    return file.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


@contextmanager
def _bridge() -> Iterator[str]:
    """A bridge whose addresses nothing else here has."""
    name = f"bhd{os.getpid()}"
    taken = _run("ip", "-o", "-4", "addr", "show")
    used = [ipaddress.ip_network(word, strict=False) for word in taken.split() if "/" in word]
    network = next(
        one
        for one in ipaddress.ip_network("10.189.0.0/16").subnets(new_prefix=24)
        if not any(one.overlaps(other) for other in used)
    )
    _run("ip", "link", "add", name, "type", "bridge")
    try:
        _run("ip", "addr", "add", f"{network[1]}/24", "dev", name)
        _run("ip", "link", "set", name, "up")
        yield name
    finally:
        _run("ip", "link", "delete", name)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _wait_until_up(path: Path, daemon: subprocess.Popen[bytes], log: Path) -> None:
    """The engine's socket answers only when it is ready; it appears when its file is there."""
    for _ in range(_UP_SECONDS * 10):
        if daemon.poll() is not None:
            break
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(path))
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                if b" 200 " in connection.recv(64):
                    return
            except OSError:
                pass
        subprocess.run(["sleep", "0.1"], check=True)
    skip(f"dockerd did not come up: {log.read_text()[-1000:]}")


def _unmount_below(state: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((one for one in mounts if one.startswith(f"{state}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False)


def names(lines: str) -> Sequence[str]:
    """Each line of a CLI's list."""
    return lines.split()
