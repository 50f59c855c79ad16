"""Ends the kubelet of a testbed and starts it as it was: usage: restart_kubelet.py PIDFILE

A testbed keeps ``kubelet.pid`` and ``kubelet.log`` beside its kubeconfig.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path


def restart(file: Path) -> None:
    pid = int(file.read_text())
    process = Path("/proc", str(pid))
    words = process.joinpath("cmdline").read_bytes().split(b"\0")[:-1]
    directory = os.readlink(process / "cwd")
    watched = os.pidfd_open(pid)
    os.kill(pid, signal.SIGTERM)
    # A pidfd becomes readable when its process has ended.
    if not select.select([watched], [], [], 30)[0]:
        sys.exit(f"the kubelet {pid} does not end")
    with file.with_name("kubelet.log").open("ab") as log:
        started = subprocess.Popen(
            words, cwd=directory, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    file.write_text(f"{started.pid}\n")


if __name__ == "__main__":
    restart(Path(sys.argv[1]))
