"""Commands and supervisors as real processes, for tests: started, watched, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from boathook.home import Home
from boathook.runtimes.processes import process_id
from boathook.supervisor.client import LOG, supervisor_pid

SECONDS = 60.0

ENDING_SECONDS = 30.0

IMAGE = "registry.k8s.io/e2e-test-images/agnhost:2.53"

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 20
  containers:
  - name: app
    image: {image}
    args: [pause]
    lifecycle:
      preStop:
        exec: {{command: [sh, -c, "{hook}"]}}
    volumeMounts:
    - {{name: out, mountPath: /out}}
  volumes:
  - name: out
    hostPath: {{path: "{out}"}}
---
"""


def a_pod_file(directory: Path, *names: str, hook: str = "true") -> Path:
    """A file of pods that may write to ``directory``."""
    directory.chmod(0o777)
    file = directory / "pods.yaml"
    texts = (POD.format(name=name, hook=hook, out=directory, image=IMAGE) for name in names or ("demo",))
    file.write_text("".join(texts))
    return file


def boathook(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "boathook", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


def started(*args: str | Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "boathook", *map(str, args)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def succeeded(*args: str | Path) -> str:
    """What the command printed."""
    ended = boathook(*args)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def the_supervisor(home: Home) -> int:
    pid = supervisor_pid(home)
    assert pid is not None
    return pid


def wait_for_end(pid: int) -> None:
    """Of any process of this machine, whoever its parent is."""
    import select

    try:
        descriptor = process_id(pid).open()
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], ENDING_SECONDS)[0], f"process {pid} does not end"
    finally:
        os.close(descriptor)


def end(home: Home, *, number: signal.Signals = signal.SIGTERM) -> None:
    """End the supervisor, if there is one, and wait for that."""
    pid = supervisor_pid(home)
    if pid is not None:
        os.kill(pid, number)
        wait_for_end(pid)


def log_of(home: Home) -> str:
    path = home.path / LOG
    return path.read_text() if path.exists() else ""
