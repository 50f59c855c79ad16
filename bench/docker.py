"""A Docker Engine of the benchmark's own: started by hand, own state, own socket, ended afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.floor import MAIN
from bench.measure import command

IMAGE = "boathook-bench:1"


def install_packages(*names: str) -> None:
    """Debian packages, as root."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for argv in (["apt-get", "update", "-qq"], ["apt-get", "install", "-yqq", "--no-install-recommends", *names]):
        subprocess.run(argv, env=environment, check=True, capture_output=True)


def install() -> None:
    """Debian's docker.io, where it is missing."""
    if not (shutil.which("dockerd") and Path("/usr/bin/docker").exists()):
        install_packages("docker.io")


@contextlib.contextmanager
def engine(rootfs: Path) -> Iterator[Engine]:
    """A running engine that has the root file system as an image."""
    install()
    with tempfile.TemporaryDirectory(prefix="boathook-bench-docker-") as name:
        state = Path(name)
        socket = state / "docker.sock"
        with (state / "log").open("w") as log:
            daemon = subprocess.Popen(
                [
                    "dockerd", "-H", f"unix://{socket}", "--data-root", str(state / "data"),
                    "--exec-root", str(state / "exec"), "--pidfile", str(state / "pid"),
                    "--bridge", "none", "--iptables=false", "--ip-masq=false",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            found = Engine(f"unix://{socket}")
            found.wait_until_up(state / "log", daemon)
            found.load(rootfs, state)
            yield found
        finally:
            daemon.terminate()
            daemon.wait(timeout=60)


class Engine:
    """The docker CLI against this engine."""

    def __init__(self, host: str) -> None:
        self.environment = os.environ | {"DOCKER_HOST": host}

    def docker(self, *argv: str) -> None:
        command("/usr/bin/docker", *argv, env=self.environment)

    def wait_until_up(self, log: Path, daemon: subprocess.Popen[bytes]) -> None:
        for _ in range(300):
            if daemon.poll() is not None:
                break
            up = subprocess.run(["/usr/bin/docker", "version"], env=self.environment, capture_output=True, check=False)
            if up.returncode == 0:
                return
            time.sleep(0.1)
        raise SystemExit(f"dockerd did not come up:\n{log.read_text()[-2000:]}")

    def load(self, rootfs: Path, state: Path) -> None:
        archive = state / "rootfs.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(rootfs, arcname=".")
        self.docker("import", str(archive), IMAGE)

    def start(self) -> None:
        self.docker("run", "-d", "--name", "bench", "--network", "none", IMAGE, "/bin/sh", "-c", MAIN)

    def exec(self) -> None:
        self.docker("exec", "bench", "/bin/sh", "-c", "true")

    def stop(self) -> None:
        self.docker("stop", "bench")
        self.docker("rm", "bench")

    def life(self) -> None:
        """Run, two execs, stop, rm: what a script around the docker CLI does."""
        self.start()
        self.exec()
        self.exec()
        self.stop()
