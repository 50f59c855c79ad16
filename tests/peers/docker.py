"""A Docker Engine of the tests' own: started by hand with its own state, socket and bridge, and ended with them."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kubernetes.image_archive import layer

IMAGE = "boathook.test/busybox:1"
"""A root of busybox alone, with a user ``nobody`` (65534:65534)."""

NETWORKS = "base=10.208.0.0/12,size=26"
"""Where those come from that projects make: the engine's own choice is used up by a handful of engines side by side."""

_UP_SECONDS = 60
_TLS_FILES = (("cacert", "ca"), ("cert", "cert"), ("key", "key"))


@dataclass(frozen=True, slots=True)
class TestEngine:
    """Where it listens, and the docker CLI for it."""

    __test__ = False

    state: Path
    port: int

    @property
    def address(self) -> str:
        return f"unix://{self.state}/sock"

    @property
    def by_tls(self) -> dict[str, str]:
        """What a client is to have in its environment to take it for an engine elsewhere."""
        return {
            "DOCKER_HOST": f"tcp://127.0.0.1:{self.port}",
            "DOCKER_TLS_VERIFY": "1",
            "DOCKER_CERT_PATH": str(self.state / "tls"),
        }

    @property
    def log(self) -> Path:
        return self.state / "log"

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
        self.docker("import", *given, "-", name, stdin=layer("busybox"))


def refusal() -> str | None:
    """Why no engine can be started here; None when one can."""
    if os.geteuid() != 0:
        return "a Docker Engine is started by root only"
    missing = [name for name in ("dockerd", "docker", "ip", "busybox", "openssl") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is missing: apt-get install docker.io iproute2 busybox-static openssl"
    return None


def skip(reason: str) -> None:
    """In CI nothing is left out."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@contextmanager
def a_docker_engine() -> Iterator[TestEngine]:
    """A running engine that has ``IMAGE``; the test is skipped with the reason where none can be started."""
    if why := refusal():
        skip(why)
    with (
        tempfile.TemporaryDirectory(prefix="boathook-dockerd-", ignore_cleanup_errors=True) as name,
        a_bridge() as (link, _),
    ):
        state = Path(name)
        engine = TestEngine(state, _free_port())
        _make_certificate(state / "tls")
        command = [
            "dockerd", "--host", engine.address, "--host", engine.by_tls["DOCKER_HOST"], "--tlsverify",
            *(f"--tls{which}={state}/tls/{file}.pem" for which, file in _TLS_FILES),
            "--data-root", f"{state}/data", "--exec-root", f"{state}/exec", "--pidfile", f"{state}/pid",
            "--bridge", link, "--default-address-pool", NETWORKS,
            "--iptables=false", "--ip-forward=false", "--ip-masq=false", "--oom-score-adjust", "0",
        ]  # fmt: skip
        with engine.log.open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as daemon:
            try:
                wait_until_up(state / "sock", daemon, engine.log)
                engine.import_image(IMAGE)
                yield engine
            finally:
                _remove_everything(engine)
                daemon.terminate()
                try:
                    daemon.wait(timeout=60)
                except subprocess.TimeoutExpired:
                    daemon.kill()
                    daemon.wait()
                unmount_below(state)


def _remove_everything(engine: TestEngine) -> None:
    """A network's bridge outlives its engine. One that does not answer any more is left as it is."""
    with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
        if containers := engine.docker("ps", "--all", "--quiet").split():
            engine.docker("rm", "--force", *containers)
        engine.docker("network", "prune", "--force")


def _make_certificate(directory: Path) -> None:
    """One certificate is everybody's: the authority's, the engine's and its client's."""
    directory.mkdir()
    key, certificate = directory / "key.pem", directory / "cert.pem"
    _run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=boathook.test", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", str(key), "-out", str(certificate),
    )  # fmt: skip
    shutil.copy(certificate, directory / "ca.pem")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def a_bridge() -> Iterator[tuple[str, str]]:
    """The name of a bridge, and its network, whose addresses nothing else here has."""
    name = f"bh{os.getpid()}-{secrets.token_hex(2)}"
    taken = _run("ip", "-o", "-4", "addr", "show")
    used = [ipaddress.IPv4Network(word, strict=False) for word in taken.split() if "/" in word]
    # Processes that look at the same moment begin at different networks.
    all_networks = list(ipaddress.IPv4Network("10.189.0.0/16").subnets(new_prefix=24))
    begin = 2 * os.getpid() % len(all_networks)
    network = next(
        one for one in (*all_networks[begin:], *all_networks[:begin]) if not any(one.overlaps(other) for other in used)
    )
    _run("ip", "link", "add", name, "type", "bridge")
    try:
        _run("ip", "addr", "add", f"{network[1]}/24", "dev", name)
        _run("ip", "link", "set", name, "up")
        yield name, str(network)
    finally:
        _run("ip", "link", "delete", name)


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def wait_until_up(path: Path, daemon: subprocess.Popen[bytes], log: Path) -> None:
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
    skip(f"the engine did not come up: {log.read_text()[-1000:]}")


def unmount_below(state: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((one for one in mounts if one.startswith(f"{state}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False)
